"""Checks the paths of the files of a kit. Each path that is written or removed must be inside the kit's folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from advisor.errors import UsageError
from advisor.files import reason

STAGE = ".mcp-advisor.next"
"""The folder inside a kit where a run prepares the new files."""
LOCK = ".mcp-advisor.lock"
"""The file with the generated texts of the last run."""

_MAX_NAME = 200  # file systems allow 255 bytes, and the suffixes `.new` and `.bak.9` must fit too


def is_inside(path: str) -> bool:
    """Whether a path is relative, plain, and inside its folder on every operating system."""
    parts = path.split("/")
    return (
        path.isprintable()
        and not any(char in path for char in '\\:*?"<>|')
        and all(part not in ("", ".", "..") and len(part.encode()) <= _MAX_NAME for part in parts)
        and parts[0] != STAGE
    )


def require_inside(path: str, said_by: str) -> str:
    """Check a path and return it.

    Args:
        path: relative path with forward slashes.
        said_by: the origin of the path, for the error message.

    Raises:
        UsageError: the path would lead outside of the kit.
    """
    if not is_inside(path):
        raise UsageError(f"{said_by} names the file {path!r}, which is not a plain path inside the kit.")
    return path


def target(root: Path, path: str) -> Path:
    """Return the absolute path of a file of the kit, after a check of the file system.

    Raises:
        UsageError: the path contains a symbolic link, a parent is not a folder, or the file is not a regular file.
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
            raise UsageError(f"{here} is a symbolic link. `generate` does not write through links. Replace the link.")
        if not (stat.S_ISREG(mode) if last else stat.S_ISDIR(mode)):
            raise UsageError(f"Remove or rename {here}: the kit needs a {'file' if last else 'folder'} of this name.")
    return root.joinpath(*parts)


def _mode(path: Path) -> int | None:
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {reason(error)}.") from None
