"""Files: why the system refuses a file, and how a file is written so that it is never half-written."""

from __future__ import annotations

import os
from pathlib import Path


def reason(error: BaseException) -> str:
    """Why the system refused something, as the end of a sentence: `permission denied`."""
    said = getattr(error, "strerror", None)
    return said.lower() if said else str(error)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Put `content` (text as UTF-8) at `path`: a reader finds what was there before or all of it, even after a crash.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    part = path.with_name(f".{path.name[:100]}.{os.getpid()}.part")
    try:
        part.unlink(missing_ok=True)
        create(part, content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def create(path: Path, content: str | bytes, *, executable: bool = False) -> None:
    """Write a new file and flush it to the disk.

    Raises:
        OSError: it cannot be written, or something is there already. A symbolic link is not followed.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o777 if executable else 0o666), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
