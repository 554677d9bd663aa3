"""Which names the files of a kit can have. Everything that is written or removed is checked here to be inside DIR."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from advisor.errors import UsageError
from advisor.files import reason

STAGE = ".mcp-advisor.next"
"""The folder inside a kit where a run prepares what it is going to write."""
LOCK = ".mcp-advisor.lock"
"""The file that remembers what was generated."""

_MAX_NAME = 200  # file systems allow 255 bytes; `.new` and `.bak.9` have to fit too


def is_inside(path: str) -> bool:
    """Whether a path is relative, plain and stays below the folder that it is relative to, on every system."""
    parts = path.split("/")
    return (
        path.isprintable()
        and not any(char in path for char in '\\:*?"<>|')
        and all(part not in ("", ".", "..") and len(part.encode()) <= _MAX_NAME for part in parts)
        and parts[0] != STAGE
    )


def require_inside(path: str, said_by: str) -> str:
    """The path itself.

    Args:
        path: relative, with forward slashes.
        said_by: what named it, for the message.

    Raises:
        UsageError: it would lead outside.
    """
    if not is_inside(path):
        raise UsageError(f"{said_by} names the file {path!r}, which is not a plain path inside the kit.")
    return path


def target(root: Path, path: str) -> Path:
    """Where a file of the kit is, checked now.

    Raises:
        UsageError: a symbolic link is on the way, or something that is not a folder; or the file is not a regular file.
    """
    require_inside(path, "The kit")
    here = root
    parts = PurePosixPath(path).parts
    for number, part in enumerate(parts, 1):
        here = here / part
        mode = _mode(here)
        if mode is None:
            break
        last = number == len(parts)
        if stat.S_ISLNK(mode):
            raise UsageError(f"{here} is a symbolic link. `generate` does not write through links; replace it first.")
        if not (stat.S_ISREG(mode) if last else stat.S_ISDIR(mode)):
            raise UsageError(f"{here} is in the way: the kit has a {'file' if last else 'folder'} of this name.")
    return root.joinpath(*parts)


def _mode(path: Path) -> int | None:
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {reason(error)}.") from None
