"""The file for the answers of an interrupted run. If its usual folder cannot take it, it is in a temporary folder."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from advisor.files import reason, write_atomically
from advisor.questionnaire.saved_answers import partial_path

_TEMPORARY = ("TMPDIR", "TEMP", "TMP")  # variables that name a folder for temporary files


class SavedPart(NamedTuple):
    """The file with the answers so far.

    Attributes:
        file: the file.
        reason: why the usual place does not have the answers; "" if it has them.
    """

    file: Path
    reason: str


class PartialAnswers:
    """The places for the answers of an interrupted run, and the file that is there.

    Attributes:
        usual: the place next to the requirements file.
    """

    def __init__(self, output: Path) -> None:
        """Args: output: the requirements file."""
        self.usual = partial_path(output)
        self._name = f"{hashlib.sha256(os.fsencode(output.absolute())).hexdigest()[:12]}-{self.usual.name}"

    def found(self) -> Path | None:
        """Return the newest file, or None."""
        there = [path for path in self._places() if path.is_file()]
        return max(there, key=lambda path: path.stat().st_mtime_ns, default=None)

    def write(self, text: str) -> SavedPart:
        """Write the answers to the first place that takes them, and delete older answers.

        Raises:
            OSError: no place takes the answers. The error is that of the usual place.
        """
        failed: OSError | None = None
        for place in self._places(make=True):
            try:
                write_atomically(place, text)
            except OSError as error:
                failed = failed or error
            else:
                self._remove(place)
                return SavedPart(place, reason(failed) if failed else "")
        raise failed or OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def take(self, file: Path) -> None:
        """Move the answers of another file to the first place that takes them. Without such a place, `file` stays."""
        with contextlib.suppress(OSError):
            self.write(file.read_text(encoding="utf-8"))
            file.unlink()

    def remove(self) -> None:
        """Delete the file."""
        self._remove(None)

    def _remove(self, kept: Path | None) -> None:
        for place in self._places():
            if place != kept:
                with contextlib.suppress(OSError):
                    place.unlink(missing_ok=True)

    def _places(self, *, make: bool = False) -> Iterator[Path]:
        """Yield the usual place, then the place in a private folder for temporary files.

        Args:
            make: whether to make the private folder if it does not exist.
        """
        yield self.usual
        shared = Path(next(filter(None, map(os.environ.get, _TEMPORARY)), "/tmp"))  # noqa: S108  # the usual folder
        folder = shared / f"mcp-advisor-{_user()}"
        with contextlib.suppress(OSError):
            if make and shared.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
            # Another user can make a folder with this name, too.
            if not folder.is_symlink() and folder.stat().st_uid == _user():
                yield folder / self._name


def _user() -> int:
    """Return the number of the user. Windows has no such number and gives each file the number 0."""
    return os.getuid() if hasattr(os, "getuid") else 0
