"""The cache of the compiled knowledge, so that a start does not parse and validate the YAML files again.

The cache is a pickle file in the cache folder of the user. Its name is a fingerprint of the YAML files (names, sizes,
times), of the code and of the Python version. A pickle can run code, so a file of another user is not read. If the
cache cannot be read or written, the program works without it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import zlib
from pathlib import Path
from typing import Any

from advisor import __version__
from advisor.files import write_atomically

# Number of cache files to keep. Other checkouts and versions of the program use the same folder.
_KEPT = 4


def cache_dir() -> Path:
    """Return the cache folder: `$MCP_ADVISOR_CACHE`, or mcp-advisor in the cache folder of the platform."""
    if chosen := os.environ.get("MCP_ADVISOR_CACHE"):
        return Path(chosen)
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "mcp-advisor"
    # Path.home() fails if no home folder is set. A missing cache must not stop the program.
    home = os.path.expanduser("~")  # noqa: PTH111
    base = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return Path(home) / base / "mcp-advisor"


def fingerprint(root: Path) -> str:
    """Return a name that changes with every change of a file under `root` or of this program."""
    # A checksum is enough for a few files. The import of hashlib takes as long as the read of the cache.
    number = zlib.crc32(os.fsencode(f"{__version__}\n{sys.version}\n{root}\n"))
    # The types of the knowledge are code, so a change of this code also needs a new compilation.
    package = Path(__file__).parents[1]
    code = sorted(path for folder in ("engine", "knowledge") for path in (package / folder).glob("*.py"))
    for path in (*code, *sorted(root.rglob("*.yaml"))):
        state = path.stat()
        number = zlib.crc32(os.fsencode(f"{path}\n{state.st_size}\n{state.st_mtime_ns}\n"), number)
    return f"{number:08x}"


def may_create(folder: Path) -> bool:
    """Return whether the program can create this cache folder without creating the home folder of the user."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111
    return home.is_dir() or home not in folder.parents


def read(name: str) -> Any | None:
    """Return the content of the cache file `name`, or None."""
    try:
        with (cache_dir() / f"{name}.pickle").open("rb") as file:
            if hasattr(os, "getuid") and os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            return pickle.load(file)  # noqa: S301 (a file of this user)
    except Exception:  # a damaged pickle can raise any exception
        return None


def write(name: str, content: Any) -> None:
    """Write `content` to the cache file `name` atomically, and delete the oldest cache files."""
    folder = cache_dir()
    with contextlib.suppress(OSError):
        if not may_create(folder):
            return
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{name}.pickle", pickle.dumps(content, pickle.HIGHEST_PROTOCOL))
        kept = sorted(folder.glob("*.pickle"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for old in kept[_KEPT:]:
            old.unlink(missing_ok=True)
