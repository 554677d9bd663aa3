"""Generate a kit into a folder, or say what would change: the plan, the lock and the writing put together."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from advisor.errors import AdvisorError, EnvironmentLacksError, UsageError
from advisor.kit.model import KitFile
from advisor.kit.sync.directory_lock import directory_lock
from advisor.kit.sync.kit_paths import LOCK, STAGE, require_inside
from advisor.kit.sync.lock_file import Lock, dump, lock_for, parse
from advisor.kit.sync.plan import WRITTEN, FileChange, Write, plan
from advisor.kit.sync.write import Folder, foreign, write_new

_NO_SPACE = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_MISSING_END = "\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class Generation:
    """What was done to a kit, or would be.

    Attributes:
        root: the kit's folder, as the user named it.
        changes: what happens to each file, in the order of paths.
        completed: whether an earlier run had died while it wrote, and this one had to complete it.
    """

    root: Path
    changes: tuple[FileChange, ...]
    completed: bool = False

    @property
    def changed(self) -> bool:
        """Whether any file of the kit is written or removed."""
        return any(one.action in WRITTEN for one in self.changes)


def generate(files: list[KitFile], requirements: bytes, root: Path, *, force: bool = False) -> Generation:
    """Write the kit to `root`.

    Args:
        files: the kit as rendered.
        requirements: the bytes that it was rendered from.
        root: the kit's folder.
        force: replace what the user edited (a copy is kept), restore what was deleted, and use a folder that holds
            other files.

    Raises:
        UsageError: the folder cannot be used; nothing was written.
        EnvironmentLacksError: another process is writing there, or the disk is full.
    """
    lock = lock_for(files, requirements)
    place = _resolved(root)
    with _said(root):
        if not os.path.lexists(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            with directory_lock(place.parent):
                if not os.path.lexists(place):
                    changes = plan(_checked(files), None, lambda _: None, force=force)
                    write_new(place, [*_writes(changes), Write(LOCK, None, dump(lock))])
                    return Generation(root, tuple(changes))
        with directory_lock(place):
            folder = Folder(place)
            completed = folder.interrupted
            folder.recover()
            changes = _plan(files, folder, force=force)
            writes = _writes(changes)
            new, old = dump(lock), folder.read(LOCK)
            if new != old:
                writes.append(Write(LOCK, old, new))
            if writes:
                folder.write(writes)
            return Generation(root, tuple(changes), completed)


def preview(files: list[KitFile], root: Path, *, force: bool = False) -> Generation:
    """What `generate` would do; nothing is written, not even what an earlier run left to complete.

    Raises:
        UsageError: as for `generate`.
    """
    place = _resolved(root)
    with _said(root):
        if not os.path.lexists(place):
            return Generation(root, tuple(plan(_checked(files), None, lambda _: None, force=force)))
        folder = Folder(place)
        return Generation(root, tuple(_plan(files, folder, force=force)), folder.interrupted)


def diff(change: FileChange) -> str:
    """What a change does to files, as a unified diff that `patch -p1` and `git apply` take."""
    return "".join(_one_diff(write) for write in change.writes)


def _one_diff(write: Write) -> str:
    old, new = (_lines(content) for content in (write.before, write.after))
    names = [f"a/{write.path}" if write.before is not None else "/dev/null"]
    names.append(f"b/{write.path}" if write.after is not None else "/dev/null")
    if old is None or new is None:
        return f"Binary files {names[0]} and {names[1]} differ\n"
    lines = unified_diff(old, new, names[0], names[1])
    return "".join(line if line.endswith("\n") else f"{line}\n{_MISSING_END}" for line in lines)


def _lines(content: bytes | None) -> list[str] | None:
    try:
        text = (content or b"").decode()
    except UnicodeDecodeError:
        return None
    parts = text.split("\n")  # not splitlines(): a form feed ends no line for patch
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _plan(files: list[KitFile], folder: Folder, *, force: bool) -> list[FileChange]:
    _checked(files)
    lock = _lock(folder)
    if lock is None and not force:
        expected = {one.path: one.content.encode() for one in files}
        if other := foreign(folder.root, expected):
            raise UsageError(
                f"{folder.root} holds other files (such as {other}) and no {LOCK}, so it is no kit. Choose another "
                "folder, or add --force: it leaves files that are not of the kit alone, and keeps a copy (.bak) of "
                "every file that it replaces."
            )
    return plan(files, lock, folder.read, force=force)


def _lock(folder: Folder) -> Lock | None:
    content = folder.read(LOCK)
    if content is None:
        return None
    return parse(content, str(folder.root / LOCK))


def _checked(files: list[KitFile]) -> list[KitFile]:
    """The files, when every name stays inside the kit."""
    for one in files:
        require_inside(one.path, "The kit")
    return files


def _writes(changes: list[FileChange]) -> list[Write]:
    return [write for change in changes for write in change.writes]


def _resolved(root: Path) -> Path:
    """The folder itself. Naming a link to a folder is the user's choice; links below it are not followed.

    Raises:
        UsageError: it is something else than a folder.
    """
    try:
        place = root.resolve()
        if place.name.endswith(STAGE):
            raise UsageError(f"{root}: this name is used for unfinished kits. Choose another.")
        if os.path.lexists(place) and not place.is_dir():
            raise UsageError(f"{root} is not a folder.")
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in the name, a loop of links
        raise UsageError(f"{str(root)!r} cannot be used: {_reason(error)}.") from None
    return place


@contextmanager
def _said(root: Path) -> Iterator[None]:
    """Turn what the system refuses into words."""
    try:
        yield
    except AdvisorError:
        raise
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else root
        kind = EnvironmentLacksError if error.errno in _NO_SPACE else UsageError
        raise kind(f"{name} cannot be written: {_reason(error)}.") from None


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
