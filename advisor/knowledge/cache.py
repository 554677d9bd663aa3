"""The compiled knowledge, kept between runs so that a start does not parse and validate the YAML again.

A pickle in the user's cache folder, named by a fingerprint of the files it was compiled from (names, sizes, times),
of the code and of the Python that reads it. A pickle can run code, so a file that another user owns is not read.
A cache that cannot be read or written is as good as none.
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

# Other checkouts and versions share the folder; more of them than this compile again now and then.
_KEPT = 4


def cache_dir() -> Path:
    """The folder: `$MCP_ADVISOR_CACHE`, or mcp-advisor under the platform's cache folder."""
    if chosen := os.environ.get("MCP_ADVISOR_CACHE"):
        return Path(chosen)
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "mcp-advisor"
    # Not Path.home(): it fails where no home is set, and a cache is no reason to.
    home = os.path.expanduser("~")  # noqa: PTH111
    base = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return Path(home) / base / "mcp-advisor"


def fingerprint(root: Path) -> str:
    """A name that changes whenever a file under `root` or this program does."""
    # A checksum tells the few files apart that are kept; hashlib takes as long to import as the cache to read.
    number = zlib.crc32(os.fsencode(f"{__version__}\n{sys.version}\n{root}\n"))
    # The shapes are code: a checkout whose code changed compiles again.
    package = Path(__file__).parents[1]
    code = sorted(path for folder in ("engine", "knowledge") for path in (package / folder).glob("*.py"))
    for path in (*code, *sorted(root.rglob("*.yaml"))):
        state = path.stat()
        number = zlib.crc32(os.fsencode(f"{path}\n{state.st_size}\n{state.st_mtime_ns}\n"), number)
    return f"{number:08x}"


def read(name: str) -> Any | None:
    """What was kept under `name`, or None."""
    try:
        with (cache_dir() / f"{name}.pickle").open("rb") as file:
            if hasattr(os, "getuid") and os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            return pickle.load(file)  # noqa: S301 (a file of this user)
    except Exception:  # a damaged pickle can raise anything
        return None


def write(name: str, content: Any) -> None:
    """Keep `content` under `name`, whole or not at all, and drop what older fingerprints left."""
    folder = cache_dir()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{name}.pickle", pickle.dumps(content, pickle.HIGHEST_PROTOCOL))
        kept = sorted(folder.glob("*.pickle"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for old in kept[_KEPT:]:
            old.unlink(missing_ok=True)
