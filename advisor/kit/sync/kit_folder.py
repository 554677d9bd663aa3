"""Reads and writes a kit on disk. At any time, every file is either the old version or the new version.

`write` first writes all new contents to a folder inside the kit (`STAGE`) and flushes them, the lock file last. Then it
renames the files to their places, again the lock file last. A run that is killed before the first rename changes
nothing. If a run is killed between two renames, every file is complete, and `STAGE` still contains the pending files
and the new lock file. The next run therefore knows, for each file, which generated text is in place.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from advisor.errors import UsageError
from advisor.files import create, reason
from advisor.kit.sync.file_changes import FileChange, Write
from advisor.kit.sync.kit_paths import LOCK, STAGE, target
from advisor.kit.sync.lock_file import digest


class KitFolder:
    """A kit on disk."""

    def __init__(self, root: Path) -> None:
        """Open the kit in the existing folder `root`.

        Raises:
            UsageError: the folder `STAGE` is a symbolic link.
        """
        self.root = root
        self._stage = root / STAGE
        if self._stage.is_symlink():
            raise UsageError(f"{self._stage} is a symbolic link. Remove it.")

    @property
    def interrupted(self) -> bool:
        """Whether an earlier run was killed while it wrote files."""
        return self._stage.is_dir()

    @property
    def prepared_lock(self) -> bytes | None:
        """The lock file that a killed run had prepared; it can be incomplete."""
        return _bytes(self._stage / LOCK) if self.interrupted else None

    def is_pending(self, path: str) -> bool:
        """Whether a killed run had prepared a file of the kit but had not renamed it to its place."""
        return any(self._stage.glob(f"{digest(path.encode())}.*"))

    def settle(self, lock: bytes | None) -> None:
        """Write the lock file for the files that are in place, then remove the prepared files of a killed run."""
        if lock is not None:
            staged = self._stage / "settled"
            staged.unlink(missing_ok=True)
            create(staged, lock)
            staged.replace(target(self.root, LOCK))
            _flush(self.root)
        self._clean()

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None if it does not exist.

        Raises:
            UsageError: the file is not a regular file or cannot be read.
        """
        return _bytes(target(self.root, path))

    def foreign(self, expected: dict[str, bytes]) -> str | None:
        """Return the path of a file that is not in `expected` or has another content, or None."""
        for folder, folders, files in os.walk(self.root):
            here = Path(folder)
            if here == self.root:
                folders[:] = [name for name in folders if name != STAGE]
            links = [name for name in folders if (here / name).is_symlink()]
            for name in sorted((*files, *links)):
                place = here / name
                path = place.relative_to(self.root).as_posix()
                if place.is_symlink() or not place.is_file() or expected.get(path) != place.read_bytes():
                    return path
        return None

    def write(self, changes: Sequence[FileChange], gone: Iterable[str], lock: Write) -> None:
        """Write and remove files.

        Args:
            changes: the changes in their order.
            gone: files that are no longer part of the kit. Their folders are removed if they become empty.
            lock: the write of the lock file, which happens last.

        Raises:
            OSError: a file cannot be written. Before the first rename, no file of the kit has changed.
            UsageError: another program changed a file at the same time.
        """
        writes = [
            (write, self._stage / f"{digest(change.path.encode())}.{number}")
            for change in changes
            for number, write in enumerate(change.writes)
        ]
        self._stage.mkdir()
        try:
            for write, staged in (*writes, (lock, self._stage / LOCK)):
                self._prepare(write, staged)
            _flush(self._stage)
        except BaseException:
            self._clean()
            raise
        with _signals_wait():
            for write, staged in writes:
                self._do(write, staged)
            for path in gone:
                self._prune(target(self.root, path).parent)
            for folder in {target(self.root, write.path).parent for write, _ in writes}:
                _flush(folder)
            self._do(lock, self._stage / LOCK)
            _flush(self.root)
            self._clean()

    def _clean(self) -> None:
        """Remove the folder `STAGE`. The lock file is removed first, because without it the other files are ignored."""
        (self._stage / LOCK).unlink(missing_ok=True)
        shutil.rmtree(self._stage, ignore_errors=True)

    def _prepare(self, write: Write, staged: Path) -> None:
        """Create the file that is later renamed to the path of `write`."""
        if write.after is not None:
            create(staged, write.after, executable=write.executable)
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                staged.chmod(stat.S_IMODE(target(self.root, write.path).lstat().st_mode))

    def _do(self, write: Write, staged: Path) -> None:
        place = target(self.root, write.path)
        if self.read(write.path) != write.before:
            raise UsageError(f"Another program changed {place} while the kit was written. Run `generate` again.")
        if write.after is None:
            place.unlink()
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(place)

    def _prune(self, folder: Path) -> None:
        """Remove a folder and its parent folders in the kit, as long as they are empty."""
        with contextlib.suppress(OSError):
            while folder != self.root:
                folder.rmdir()
                folder = folder.parent


@contextlib.contextmanager
def _signals_wait() -> Iterator[None]:
    """Delay Ctrl-C and the signals that end a process until the end of the block, if the system supports this."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _bytes(place: Path) -> bytes | None:
    try:
        handle = os.open(place, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {reason(error)}.") from None
    with os.fdopen(handle, "rb") as file:
        return file.read()


def _flush(folder: Path) -> None:
    """Make the renames in a folder durable, if the system supports this."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
