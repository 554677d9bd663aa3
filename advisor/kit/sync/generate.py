"""Generate a kit into a folder, or say what would change: the plan, the lock and the writing put together."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path

from advisor.errors import AdvisorError, EnvironmentLacksError, UsageError
from advisor.files import reason
from advisor.kit.model import KitFile
from advisor.kit.sync.directory_lock import directory_lock
from advisor.kit.sync.file_changes import WRITTEN, FileChange, Write, plan
from advisor.kit.sync.kit_folder import KitFolder
from advisor.kit.sync.kit_paths import LOCK, require_inside
from advisor.kit.sync.lock_file import Lock, dump, lock_for, parse

_NO_SPACE = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_MISSING_END = "\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class Generation:
    """What was done to a kit, or would be.

    Attributes:
        root: the kit's folder, as the user named it.
        changes: what happens to each file, in the order of paths.
        completed: whether an earlier run was killed while it wrote, and this run completes its work.
    """

    root: Path
    changes: tuple[FileChange, ...]
    completed: bool = False

    @property
    def changed(self) -> bool:
        """Whether any file of the kit is written or removed."""
        return any(change.action in WRITTEN for change in self.changes)

    @property
    def conflicts(self) -> bool:
        """Whether a file was left because the user and the new version changed the same lines."""
        return any(change.action == "conflict" for change in self.changes)


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
    _require_inside(files)
    place = _resolved(root)
    with _system_errors(root), _existing(place), directory_lock(place):
        folder = KitFolder(place)
        completed = folder.interrupted
        lock = _lock(folder)
        if completed:
            folder.settle(dump(lock) if lock else None)
        changes = _plan(files, lock, folder, force=force)
        lock_write = Write(LOCK, folder.read(LOCK), dump(lock_for(files, requirements)))
        if any(change.writes for change in changes) or lock_write.before != lock_write.after:
            folder.write(changes, _gone(files, lock), lock_write)
        return Generation(root, tuple(changes), completed)


def preview(files: list[KitFile], root: Path, *, force: bool = False) -> Generation:
    """What `generate` would do; nothing is written.

    Raises:
        UsageError: as for `generate`.
    """
    _require_inside(files)
    place = _resolved(root)
    with _system_errors(root):
        if not place.exists():
            return Generation(root, tuple(plan(files, None, lambda _: None, force=force)))
        folder = KitFolder(place)
        return Generation(root, tuple(_plan(files, _lock(folder), folder, force=force)), folder.interrupted)


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


def _plan(files: list[KitFile], lock: Lock | None, folder: KitFolder, *, force: bool) -> list[FileChange]:
    if lock is None and not force:
        expected = {file.path: file.content.encode() for file in files}
        if other := folder.foreign(expected):
            raise UsageError(
                f"{folder.root} holds other files (such as {other}) and no {LOCK}, so it is no kit. Choose another "
                "folder, or add --force: it leaves files that are not of the kit alone, and keeps a copy (.bak) of "
                "every file that it replaces."
            )
    return plan(files, lock, folder.read, force=force)


def _lock(folder: KitFolder) -> Lock | None:
    """What was generated last time. After a killed run that is, for each file, what is in place."""
    content, prepared = folder.read(LOCK), folder.prepared_lock
    lock = None if content is None else parse(content, str(folder.root / LOCK))
    if prepared is None:
        return lock
    try:
        new = parse(prepared, LOCK)
    except UsageError:  # the run was killed while it wrote this file, before the first rename
        return lock
    done = {path: text for path, text in new.base.items() if not folder.is_pending(path)}
    return replace(new, base={**(lock.base if lock else {}), **done})


def _gone(files: list[KitFile], lock: Lock | None) -> list[str]:
    """The files of the last run that are not part of the kit any more."""
    now = {file.path for file in files}
    return [path for path in lock.base if path not in now] if lock else []


def _require_inside(files: list[KitFile]) -> None:
    for file in files:
        require_inside(file.path, "The kit")


def _resolved(root: Path) -> Path:
    """The folder itself. Naming a link to a folder is the user's choice; links below it are not followed.

    Raises:
        UsageError: it is something else than a folder.
    """
    try:
        place = root.resolve()
        if os.path.lexists(place) and not place.is_dir():
            raise UsageError(f"{root} is not a folder.")
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in the name, a loop of links
        raise UsageError(f"{str(root)!r} cannot be used: {reason(error)}.") from None
    return place


@contextmanager
def _existing(place: Path) -> Iterator[None]:
    """Make the folder of the kit where there is none. After an error it is removed again, if it is still empty."""
    made = not os.path.lexists(place)
    place.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):
            if made:
                place.rmdir()
        raise


@contextmanager
def _system_errors(root: Path) -> Iterator[None]:
    """Turn what the system refuses into an error for the user."""
    try:
        yield
    except AdvisorError:
        raise
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else root
        kind = EnvironmentLacksError if error.errno in _NO_SPACE else UsageError
        raise kind(f"{name} cannot be written: {reason(error)}.") from None
