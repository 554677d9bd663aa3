"""Write a kit so that it is the old one or the new one, whenever the process dies.

All of it is done by a process that nobody kills by killing the command (`unstoppable`). What follows is for the loss of
power, and for systems that have no such processes.

A kit that is not there yet is written to a folder beside it, which is then renamed: it appears at once. In a kit that
exists, everything is first prepared in a folder of its own. Then a journal of the steps is put there by one rename;
until that moment the kit is the old one, and from then on it is the new one: the steps are renames that can be
repeated, and whoever comes next completes them before doing anything else. Each step knows what it replaces, so that
an edit made in the meantime is never overwritten. The journal also holds the new contents: it is the one file that has
to be flushed, which takes a disk a few milliseconds for one file and a tenth of a second for thirty.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.errors import UsageError
from advisor.kit.sync.detached_writer import write_detached
from advisor.kit.sync.kit_paths import STAGE, require_inside, target
from advisor.kit.sync.lock_file import digest
from advisor.kit.sync.plan import Write, free_name

_JOURNAL = "journal.json"


@dataclass(frozen=True, slots=True)
class JournalStep:
    """One step of a journal.

    Attributes:
        path: the file, relative to the kit.
        before: SHA-256 of what the step replaces, None where nothing was there.
        after: what will be there; None for a removal.
        executable: whether a new file is a program.
    """

    path: str
    before: str | None
    after: bytes | None
    executable: bool

    def document(self) -> dict[str, Any]:
        """For the journal: bytes as the characters of the same numbers."""
        after = None if self.after is None else self.after.decode("latin-1")
        return {"path": self.path, "before": self.before, "after": after, "executable": self.executable}

    @classmethod
    def of(cls, document: dict[str, Any]) -> JournalStep:
        """From the journal.

        Raises:
            ValueError, LookupError, TypeError, AttributeError: it is not one of ours.
        """
        after = document["after"]
        return cls(
            str(document["path"]),
            document["before"],
            None if after is None else after.encode("latin-1"),
            document["executable"] is True,
        )


class Folder:
    """A kit on disk. Reading sees it as it is once a journal that was left behind is completed."""

    def __init__(self, root: Path) -> None:
        """Args: root: the kit's folder; it may not be there yet."""
        self.root = root
        self._stage = root / STAGE
        self._pending = {step.path: step for step in self._journal()}

    @property
    def interrupted(self) -> bool:
        """Whether an earlier run died while it was writing."""
        return bool(self._pending)

    def read(self, path: str) -> bytes | None:
        """The content of a file, or None.

        Raises:
            UsageError: it is not a regular file, or cannot be read.
        """
        content = self._on_disk(path)
        step = self._pending.get(path)
        return content if step is None or _digest(content) != step.before else step.after

    def recover(self) -> None:
        """Complete what an earlier run had begun to write, and remove what one had only prepared."""
        if os.path.lexists(self._stage):
            write_detached(self._complete)
        self._pending = {}

    def write(self, writes: Sequence[Write]) -> None:
        """Do all of `writes`, in order, or none.

        Raises:
            OSError: something cannot be written. Nothing has changed, or `recover` completes it.
        """
        write_detached(lambda: self._write(writes))

    def _complete(self) -> None:
        """Bring a journal that was left here to its end, and leave no stage behind."""
        self._finish(self._journal())

    def _write(self, writes: Sequence[Write]) -> None:
        if os.path.lexists(self._stage):
            self._complete()
        try:
            steps = self._prepare(writes)
        except BaseException:
            shutil.rmtree(self._stage, ignore_errors=True)
            raise
        try:
            self._finish(steps)
        except KeyboardInterrupt:
            self._finish(steps)  # a matter of milliseconds, and nothing stays half-written
            raise

    def _prepare(self, writes: Sequence[Write]) -> list[JournalStep]:
        self._stage.mkdir()
        steps = [JournalStep(one.path, _digest(one.before), one.after, one.executable) for one in writes]
        for number, step in enumerate(steps):
            self._lay_out(step, number)
        journal = json.dumps({"steps": [step.document() for step in steps]})
        _create(self._stage / "journal.part", journal.encode(), flush=True)
        os.replace(self._stage / "journal.part", self._stage / _JOURNAL)  # noqa: PTH105 (the moment that counts)
        _flush(self._stage)
        return steps

    def _lay_out(self, step: JournalStep, number: int) -> None:
        """Prepare the file that a step puts in its place."""
        if step.after is not None:
            staged = self._stage / str(number)
            _create(staged, step.after, executable=step.executable)
            _copy_mode(target(self.root, step.path), staged)

    def _finish(self, steps: Sequence[JournalStep]) -> None:
        for number, step in enumerate(steps):
            self._do(step, number)
        (self._stage / _JOURNAL).unlink(missing_ok=True)
        if self._stage.is_symlink():
            raise UsageError(f"{self._stage} is a symbolic link. Remove it.")
        shutil.rmtree(self._stage, ignore_errors=True)

    def _do(self, step: JournalStep, number: int) -> None:
        """One step; nothing if it was done before."""
        place = target(self.root, step.path)
        there = self._on_disk(step.path)
        untouched = _digest(there) == step.before
        if step.after is None:
            if untouched:
                place.unlink(missing_ok=True)
            self._prune(place.parent)
            return
        staged = self._stage / str(number)
        # The power may go when a file has its name and not yet its content; then the content is in the journal only.
        torn = _is_blank(there) and not staged.exists()
        if there == step.after or not (staged.exists() or torn):
            return
        if torn or staged.read_bytes() != step.after:
            staged.unlink(missing_ok=True)
            self._lay_out(step, number)
        if not (untouched or torn):  # somebody wrote there since: theirs stays, ours goes beside it
            name = free_name(step.path, ".new", (None, step.after), self._on_disk, frozenset())
            place = target(self.root, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(place)

    def _prune(self, folder: Path) -> None:
        """Remove folders that a removal left empty."""
        with contextlib.suppress(OSError):
            while folder != self.root:
                folder.rmdir()
                folder = folder.parent

    def _on_disk(self, path: str) -> bytes | None:
        place = target(self.root, path)
        try:
            handle = os.open(place, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UsageError(f"{place} cannot be read: {(error.strerror or str(error)).lower()}.") from None
        with os.fdopen(handle, "rb") as file:
            return file.read()

    def _journal(self) -> list[JournalStep]:
        """The steps that an earlier run left behind.

        Raises:
            UsageError: the journal is not one of ours.
        """
        if self._stage.is_symlink():
            raise UsageError(f"{self._stage} is a symbolic link. Remove it.")
        try:
            document: Any = json.loads(_bytes(self._stage / _JOURNAL))
            steps = [JournalStep.of(one) for one in document["steps"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            raise UsageError(
                f"{self._stage / _JOURNAL} is damaged. Remove the folder {self._stage} and run again."
            ) from None
        for step in steps:
            require_inside(step.path, str(self._stage / _JOURNAL))
        return steps


def write_new(root: Path, writes: Sequence[Write]) -> None:
    """Write a kit whose folder is not there yet: it appears complete, or not at all.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    write_detached(lambda: _write_new(root, writes))


def _write_new(root: Path, writes: Sequence[Write]) -> None:
    if root.is_dir() and all(_holds(root, one) for one in writes):
        return  # done before by a process that was killed when it had nothing more to do
    stage = root.with_name(f".{root.name}{STAGE}")
    if stage.is_symlink():
        raise UsageError(f"{stage} is a symbolic link. Remove it.")
    shutil.rmtree(stage, ignore_errors=True)  # of a run that died
    try:
        stage.mkdir()
        for one in writes:
            place = target(stage, one.path)
            place.parent.mkdir(parents=True, exist_ok=True)
            _create(place, one.after or b"", executable=one.executable)
        stage.rename(root)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise


def foreign(root: Path, expected: dict[str, bytes]) -> str | None:
    """A file in `root` that is neither one of ours nor the same as one of ours, or None."""
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        if here == root:
            folders[:] = [name for name in folders if name != STAGE]
        links = [name for name in folders if (here / name).is_symlink()]
        for name in sorted((*files, *links)):
            place = here / name
            path = place.relative_to(root).as_posix()
            if (
                place.is_symlink()
                or not place.is_file()
                or path not in expected
                or place.read_bytes() != expected[path]
            ):
                return path
    return None


def _create(path: Path, content: bytes, *, executable: bool = False, flush: bool = False) -> None:
    """A new file; O_EXCL follows no link that somebody put there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o777 if executable else 0o666), "wb") as file:
        file.write(content)
        if flush:
            file.flush()
            os.fsync(file.fileno())


def _flush(folder: Path) -> None:
    """Make what was renamed in a folder last; not every system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _holds(root: Path, write: Write) -> bool:
    place = target(root, write.path)
    return place.is_file() and place.read_bytes() == write.after


def _copy_mode(source: Path, to: Path) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        to.chmod(stat.S_IMODE(source.lstat().st_mode))


def _is_blank(content: bytes | None) -> bool:
    return content is not None and not content.strip(b"\0")


def _bytes(path: Path) -> bytes:
    if path.is_symlink() or path.parent.is_symlink():
        raise ValueError
    return path.read_bytes()


def _digest(content: bytes | None) -> str | None:
    return None if content is None else digest(content)
