"""Generates a kit into a folder, or shows what would change. It combines the plan, the lock and the writing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path
from typing import TypeAlias

from advisor.errors import AdvisorError, EnvironmentLacksError, UsageError
from advisor.files import NO_SPACE, reason
from advisor.kit.model import KitFile
from advisor.kit.sync.conflicts import ConflictStyle
from advisor.kit.sync.directory_lock import directory_lock
from advisor.kit.sync.file_changes import FileChange, Write, plan, unresolved
from advisor.kit.sync.kit_folder import KitFolder
from advisor.kit.sync.kit_paths import LOCK, require_inside
from advisor.kit.sync.lock_file import Lock, dump, lock_for, parse

_MISSING_END = "\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class Generation:
    """The result of `generate` or of `preview`.

    Attributes:
        root: the kit's folder, as the user named it.
        changes: the change of each selected file, and each open conflict of another file, sorted by path.
        completed: whether this run completes the work of an earlier run that was killed while it wrote files.
    """

    root: Path
    changes: tuple[FileChange, ...]
    completed: bool = False

    @property
    def changed(self) -> bool:
        """Whether this run writes or removes any file of the kit."""
        return any(change.writes for change in self.changes)

    @property
    def conflicts(self) -> bool:
        """Whether a file has a merge conflict: the user and the new version changed the same lines."""
        return any(change.action == "conflict" for change in self.changes)


Selected: TypeAlias = Callable[[str], bool]
"""Says whether a run writes the file with this path. Other files, and what the lock says of them, stay as they are."""


def _every(path: str) -> bool:
    del path
    return True


def generate(
    files: list[KitFile],
    requirements: bytes,
    root: Path,
    *,
    force: bool = False,
    selected: Selected = _every,
    style: ConflictStyle | None = None,
) -> Generation:
    """Write the kit to `root`.

    Args:
        files: the rendered kit.
        requirements: the bytes of the requirements file.
        root: the kit's folder.
        force: replace edited files (a copy is saved), restore deleted files, and accept a folder with other files.
        selected: the files to write.
        style: how a conflict is left in the kit; see `plan`.

    Raises:
        UsageError: the folder cannot be used. Nothing was written.
        EnvironmentLacksError: another process is writing to the folder, or the disk is full.
    """
    _require_inside(files)
    place = _resolved(root)
    with _system_errors(root), _existing(place), directory_lock(place):
        folder = KitFolder(place)
        completed = folder.interrupted
        lock = _lock(folder)
        if completed:
            folder.settle(dump(lock) if lock else None)
        chosen, known = _selected(files, lock, selected)
        changes = _plan(chosen, known, folder, force=force, style=style)
        others = _unresolved(files, lock, folder, selected)
        lock_write = Write(LOCK, folder.read(LOCK), dump(_next_lock(chosen, lock, requirements, selected, changes)))
        if any(change.writes for change in changes) or lock_write.before != lock_write.after:
            folder.write(changes, _gone(chosen, known), lock_write)
        return Generation(root, _sorted(changes, others), completed)


def preview(
    files: list[KitFile],
    root: Path,
    *,
    force: bool = False,
    selected: Selected = _every,
    style: ConflictStyle | None = None,
) -> Generation:
    """Return the changes that `generate` would make, without writing anything.

    Raises:
        UsageError: the folder cannot be used.
    """
    _require_inside(files)
    place = _resolved(root)
    with _system_errors(root):
        if not place.exists():
            chosen, _ = _selected(files, None, selected)
            return Generation(root, tuple(plan(chosen, None, lambda _: None, force=force)))
        folder = KitFolder(place)
        lock = _lock(folder)
        chosen, known = _selected(files, lock, selected)
        changes = _plan(chosen, known, folder, force=force, style=style)
        return Generation(root, _sorted(changes, _unresolved(files, lock, folder, selected)), folder.interrupted)


def _selected(files: list[KitFile], lock: Lock | None, selected: Selected) -> tuple[list[KitFile], Lock | None]:
    """Return the selected files, and the lock without other files."""
    base = {path: text for path, text in lock.base.items() if selected(path)} if lock else {}
    return [file for file in files if selected(file.path)], replace(lock, base=base) if lock else None


def _unresolved(files: list[KitFile], lock: Lock | None, folder: KitFolder, selected: Selected) -> list[FileChange]:
    """Return the open conflicts of files that are not selected. A run of other parts does not resolve them."""
    others, known = _selected(files, lock, lambda path: not selected(path))
    return unresolved(others, known, folder.read)


def _sorted(changes: list[FileChange], others: list[FileChange]) -> tuple[FileChange, ...]:
    return tuple(sorted([*changes, *others], key=lambda change: change.path))


def _next_lock(
    chosen: list[KitFile], lock: Lock | None, requirements: bytes, selected: Selected, changes: list[FileChange]
) -> Lock:
    """Return the lock after a run. For files that are not selected, it says the same as before."""
    new = lock_for(chosen, requirements)
    others, ancestors = (
        {path: text for path, text in known.items() if not selected(path)}
        for known in ((lock.base, lock.ancestors) if lock else ({}, {}))
    )
    found = {change.path: change.ancestor for change in changes if change.ancestor is not None}
    return replace(
        new, base=dict(sorted({**others, **new.base}.items())), ancestors=dict(sorted({**ancestors, **found}.items()))
    )


def diff(change: FileChange, folder: str = "") -> str:
    """Return a change as a unified diff for `patch -p1` and `git apply`. Each path begins with `folder`."""
    return "".join(_one_diff(write, folder) for write in change.writes)


def _one_diff(write: Write, folder: str) -> str:
    old, new = (_lines(content) for content in (write.before, write.after))
    names = [f"a/{folder}{write.path}" if write.before is not None else "/dev/null"]
    names.append(f"b/{folder}{write.path}" if write.after is not None else "/dev/null")
    if old is None or new is None:
        return f"Binary files {names[0]} and {names[1]} differ\n"
    lines = unified_diff(old, new, names[0], names[1])
    return "".join(line if line.endswith("\n") else f"{line}\n{_MISSING_END}" for line in lines)


def _lines(content: bytes | None) -> list[str] | None:
    try:
        text = (content or b"").decode()
    except UnicodeDecodeError:
        return None
    parts = text.split("\n")  # splitlines() would also split at a form feed, which does not end a line for patch
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _plan(
    files: list[KitFile], lock: Lock | None, folder: KitFolder, *, force: bool, style: ConflictStyle | None
) -> list[FileChange]:
    if lock is None and not force:
        expected = {file.path: file.content.encode() for file in files}
        if other := folder.foreign(expected):
            raise UsageError(
                f"{folder.root} contains other files (such as {other}) and no {LOCK}, so it is not a kit. Choose "
                "another folder, or add --force. With --force, files that do not belong to the kit stay unchanged, and "
                "every replaced file is saved as a copy (.bak)."
            )
    return plan(files, lock, folder.read, force=force, style=style)


def _lock(folder: KitFolder) -> Lock | None:
    """Return the lock of the last run. After a killed run, the lock describes the files that are in place."""
    content, prepared = folder.read(LOCK), folder.prepared_lock
    lock = None if content is None else parse(content, str(folder.root / LOCK))
    if prepared is None:
        return lock
    try:
        new = parse(prepared, LOCK)
    except UsageError:  # the run was killed while it wrote the lock file, before the first rename
        return lock
    done = {path: text for path, text in new.base.items() if not folder.is_pending(path)}
    return replace(new, base={**(lock.base if lock else {}), **done})


def _gone(files: list[KitFile], lock: Lock | None) -> list[str]:
    """Return the files of the last run that are no longer part of the kit."""
    now = {file.path for file in files}
    return [path for path in lock.base if path not in now] if lock else []


def _require_inside(files: list[KitFile]) -> None:
    for file in files:
        require_inside(file.path, "The kit")


def _resolved(root: Path) -> Path:
    """Resolve links in the path of the folder. Links inside the folder are not followed.

    Raises:
        UsageError: the path exists and is not a folder.
    """
    try:
        place = root.resolve()
        if os.path.lexists(place) and not place.is_dir():
            raise UsageError(f"{root} is not a folder.")
    except (OSError, ValueError, RuntimeError) as error:  # for example, a NUL character in the name, or a loop of links
        raise UsageError(f"{str(root)!r} cannot be used: {reason(error)}.") from None
    return place


@contextmanager
def _existing(place: Path) -> Iterator[None]:
    """Create the folder of the kit if it does not exist. After an error, remove the new folder if it is empty."""
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
    """Convert errors of the operating system to errors for the user."""
    try:
        yield
    except AdvisorError:
        raise
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else root
        kind = EnvironmentLacksError if error.errno in NO_SPACE else UsageError
        raise kind(f"{name} cannot be written: {reason(error)}.") from None
