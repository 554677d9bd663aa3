"""Write a kit so that it is the old one or the new one, whenever the process dies.

A kit that is not there yet is written to a folder beside it, which is then renamed: it appears at once. In a kit that
exists, everything is first prepared in a folder of its own. Then a journal of the steps is put there by one rename;
until that moment the kit is the old one, and from then on it is the new one: the steps are renames that can be
repeated, and whoever comes next completes them before doing anything else. Each step knows what it replaces, so that
an edit made in the meantime is never overwritten.
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
from advisor.kit.lock import digest
from advisor.kit.paths import STAGE, require_inside, target
from advisor.kit.plan import Write, free_name

_JOURNAL = "journal.json"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a journal.

    Attributes:
        path: the file, relative to the kit.
        before: SHA-256 of what the step replaces, None where nothing was there.
        staged: name of the prepared file; None for a removal.
    """

    path: str
    before: str | None
    staged: str | None


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
        if step is None or _digest(content) != step.before:
            return content
        if step.staged is None:
            return None
        try:
            return (self._stage / step.staged).read_bytes()
        except FileNotFoundError:
            return content

    def recover(self) -> None:
        """Complete what an earlier run had begun to write, and remove what one had only prepared."""
        self._finish(list(self._pending.values()))
        self._pending = {}

    def write(self, writes: Sequence[Write]) -> None:
        """Do all of `writes`, in order, or none.

        Raises:
            OSError: something cannot be written. Nothing has changed, or `recover` completes it.
        """
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

    def _prepare(self, writes: Sequence[Write]) -> list[Step]:
        self._stage.mkdir()
        steps = []
        for number, one in enumerate(writes):
            place = target(self.root, one.path)
            staged = None if one.after is None else str(number)
            if one.after is not None:
                _create(self._stage / str(number), one.after, executable=one.executable, flush=one.holds_user_text)
                _copy_mode(place, self._stage / str(number))
            steps.append(Step(one.path, _digest(one.before), staged))
        listed = [{"path": step.path, "before": step.before, "staged": step.staged} for step in steps]
        _create(self._stage / "journal.part", json.dumps({"steps": listed}).encode(), flush=True)
        os.replace(self._stage / "journal.part", self._stage / _JOURNAL)  # noqa: PTH105 (the moment that counts)
        return steps

    def _finish(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self._do(step)
        (self._stage / _JOURNAL).unlink(missing_ok=True)
        if self._stage.is_symlink():
            raise UsageError(f"{self._stage} is a symbolic link. Remove it.")
        shutil.rmtree(self._stage, ignore_errors=True)

    def _do(self, step: Step) -> None:
        """One step; nothing if it was done before."""
        place = target(self.root, step.path)
        untouched = _digest(self._on_disk(step.path)) == step.before
        if step.staged is None:
            if untouched:
                place.unlink(missing_ok=True)
            self._prune(place.parent)
            return
        staged = self._stage / step.staged
        if not staged.exists():
            return
        if not untouched:  # somebody wrote there since: theirs stays, ours goes beside it
            name = free_name(step.path, ".new", (None, staged.read_bytes()), self._on_disk, frozenset())
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

    def _journal(self) -> list[Step]:
        """The steps that an earlier run left behind.

        Raises:
            UsageError: the journal is not one of ours.
        """
        if self._stage.is_symlink():
            raise UsageError(f"{self._stage} is a symbolic link. Remove it.")
        try:
            document: Any = json.loads(_bytes(self._stage / _JOURNAL))
            steps = [Step(one["path"], one["before"], one["staged"]) for one in document["steps"]]
            plain = all(step.staged is None or step.staged.isdecimal() for step in steps)
        except FileNotFoundError:
            return []
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            plain = False
        if not plain:
            raise UsageError(f"{self._stage / _JOURNAL} is damaged. Remove the folder {self._stage} and run again.")
        for step in steps:
            require_inside(step.path, str(self._stage / _JOURNAL))
        return steps


def write_new(root: Path, writes: Sequence[Write]) -> None:
    """Write a kit whose folder is not there yet: it appears complete, or not at all.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
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


def _copy_mode(source: Path, to: Path) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        to.chmod(stat.S_IMODE(source.lstat().st_mode))


def _bytes(path: Path) -> bytes:
    if path.is_symlink() or path.parent.is_symlink():
        raise ValueError
    return path.read_bytes()


def _digest(content: bytes | None) -> str | None:
    return None if content is None else digest(content)
