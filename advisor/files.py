"""Writes complete files, and puts the errors of the operating system into words."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path

NO_SPACE = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
"""The numbers of the errors that mean that a disk is full, or the part of it that a user can have."""

_LACKING = {
    errno.ENOSPC: "Free space on the disk, or set TMPDIR to a folder on another disk",
    errno.EDQUOT: "Free space of this user's quota, or set TMPDIR to a folder on another disk",
    errno.EMFILE: "Raise the limit of open files with `ulimit -n 4096`",
    errno.ENFILE: "End other programs: the system has no file descriptor left",
    errno.ENOMEM: "End other programs, or raise the limit of memory (`ulimit -v`)",
    errno.EAGAIN: "Raise the limit of processes with `ulimit -u`",
}


def reason(error: BaseException) -> str:
    """Return the cause of an error of the operating system as the end of a sentence, such as `permission denied`."""
    said = getattr(error, "strerror", None)
    return said.lower() if said else str(error)


def lacking(number: int | None) -> str:
    """How to give a program more of what the system lacks, as a sentence without its full stop.

    Args:
        number: the number of an error of the operating system (`errno`).

    Returns:
        The remedy, such as `Raise the limit of open files with ...`. Empty for an error with another cause.
    """
    return _LACKING.get(number or 0, "")


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file, or replace it. At any time, and after a crash, `path` has the complete old or new content.

    Args:
        path: the file.
        content: bytes, or text that is written as UTF-8.

    Raises:
        OSError: the file cannot be written. The old content stays.
    """
    part = path.with_name(f".{path.name[:100]}.{os.getpid()}.part")
    try:
        part.unlink(missing_ok=True)
        create(part, content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def spare_path(path: Path) -> Path:
    """Return the first free path of `NAME.bak`, `NAME.bak.1`, `NAME.bak.2` and so on, in the folder of `path`."""
    paths = (path.with_name(f"{path.name}.bak{f'.{number}' if number else ''}") for number in itertools.count())
    return next(spare for spare in paths if not spare.exists())


def create(path: Path, content: str | bytes, *, executable: bool = False) -> None:
    """Write a new file and flush it to the disk.

    Args:
        path: the file. A symbolic link is not followed.
        content: bytes, or text that is written as UTF-8.
        executable: whether the file is a program.

    Raises:
        OSError: the file cannot be written, or `path` exists.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o777 if executable else 0o666), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
