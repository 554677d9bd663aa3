"""What happens to each file of a kit when it is generated again. Pure: reads through a function, writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Literal, TypeAlias

from advisor.kit.model import KitFile
from advisor.kit.sync.lock_file import Lock
from advisor.kit.sync.three_way_merge import merge_bytes

Read: TypeAlias = Callable[[str], "bytes | None"]
"""From the path of a file in the kit to its content on disk, None where there is none."""

Action = Literal[
    "added",  # was not there
    "updated",  # not edited by the user, so replaced
    "merged",  # edited by the user; what changed since is worked in
    "conflict",  # edited, and the same lines changed since: left; the new version is a file next to it
    "overwritten",  # edited and replaced because of --force; the user's version is a file next to it
    "removed",  # no longer part of the kit, and not edited
    "kept",  # edited by the user, nothing changed since
    "released",  # no longer part of the kit, but edited: it is the user's from now on
    "deleted",  # by the user, and stays so
    "unchanged",
]

WRITTEN: frozenset[str] = frozenset({"added", "updated", "merged", "conflict", "overwritten", "removed"})
"""The actions that change something on disk."""


@dataclass(frozen=True, slots=True)
class Write:
    """One file to write or to remove.

    Attributes:
        path: relative to the kit.
        before: what is there now; None for nothing.
        after: what will be there; None to remove it.
        executable: whether a new file is a program; a file that exists keeps its mode.
    """

    path: str
    before: bytes | None
    after: bytes | None
    executable: bool = False


@dataclass(frozen=True, slots=True)
class FileChange:
    """What happens to a file of the kit.

    Attributes:
        path: relative to the kit.
        action: what happens.
        writes: in this order; empty where nothing has to be written.
        beside: the file that holds the other version (`.new`, `.bak`), or "".
    """

    path: str
    action: Action
    writes: tuple[Write, ...] = ()
    beside: str = ""


def plan(files: list[KitFile], lock: Lock | None, read: Read, *, force: bool) -> list[FileChange]:
    """The changes, in the order of paths.

    Args:
        files: the kit as rendered now.
        lock: what was generated last time, if that is known.
        read: how to read what is on disk.
        force: overwrite edits (after saving them), restore what was deleted.
    """
    new = {file.path: file for file in files}
    base: Mapping[str, str] = lock.base if lock else {}
    paths = sorted({*new, *base})
    return [_Case(path, new.get(path), base.get(path), read, frozenset(paths), force).change() for path in paths]


@dataclass(frozen=True, slots=True)
class _Case:
    """One file: as rendered now, as generated last time, as it is on disk."""

    path: str
    file: KitFile | None
    base: str | None
    read: Read
    taken: frozenset[str]
    force: bool

    def change(self) -> FileChange:
        disk = self.read(self.path)
        if self.file is None:
            return self._no_longer(disk)
        if disk is None:
            return self._missing(self.file)
        ours = self.file.content.encode()
        if _plain(disk) == _plain(ours):
            return FileChange(self.path, "unchanged")
        if self.base is not None and _plain(disk) == _plain(self.base.encode()):
            return FileChange(self.path, "updated", (self._write(disk, ours),))
        return self._edited(disk, ours)

    def _no_longer(self, disk: bytes | None) -> FileChange:
        if disk is None:
            return FileChange(self.path, "unchanged")
        if self.base is not None and _plain(disk) == _plain(self.base.encode()):
            return FileChange(self.path, "removed", (self._write(disk, None),))
        return FileChange(self.path, "released")

    def _missing(self, file: KitFile) -> FileChange:
        if self.base is not None and not self.force:
            return FileChange(self.path, "deleted")
        return FileChange(self.path, "added", (self._write(None, file.content.encode()),))

    def _edited(self, disk: bytes, ours: bytes) -> FileChange:
        if self.force:
            saved = self._other_name(".bak", disk, replaceable=())
            keep = Write(saved, self.read(saved), disk)
            return FileChange(self.path, "overwritten", (*_needed(keep), self._write(disk, ours)), saved)
        if self.base is not None and self.base.encode() == ours:
            return FileChange(self.path, "kept")
        merged = None if self.base is None else merge_bytes(self.base, disk, ours.decode())
        if merged is not None:
            return FileChange(self.path, "merged", (self._write(disk, merged),))
        # The `.new` file of an earlier run can be replaced if it was not edited since.
        earlier = () if self.base is None else (self.base.encode(),)
        name = self._other_name(".new", ours, replaceable=earlier)
        return FileChange(self.path, "conflict", _needed(Write(name, self.read(name), ours)), name)

    def _write(self, before: bytes | None, after: bytes | None) -> Write:
        return Write(self.path, before, after, self.file is not None and self.file.executable)

    def _other_name(self, suffix: str, content: bytes, replaceable: tuple[bytes, ...]) -> str:
        """A name for the other version under which nothing of the user's is lost."""
        return free_name(self.path, suffix, (None, content, *replaceable), self.read, self.taken)


def free_name(path: str, suffix: str, allowed: tuple[bytes | None, ...], read: Read, taken: frozenset[str]) -> str:
    """`path` with a suffix, and a number where the plain name holds anything but what is `allowed`."""
    names = (f"{path}{suffix}{'' if number == 1 else f'.{number}'}" for number in count(1))
    return next(name for name in names if name not in taken and read(name) in allowed)


def _needed(write: Write) -> tuple[Write, ...]:
    return () if write.before == write.after else (write,)


def _plain(content: bytes) -> bytes:
    """Without what a checkout on Windows adds, which is no edit."""
    return content.replace(b"\r\n", b"\n")
