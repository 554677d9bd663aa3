"""The lines of examined files, for ignore comments and fingerprints."""

from __future__ import annotations

import re
from pathlib import Path

MAX_BYTES = 1_000_000
"""The largest file that is read. The readers of `sources` refuse larger files too."""
_MARK = b"mcp-advisor"
# The line ends of Python. A form feed or U+2028 ends no line.
_END = re.compile(r"\r\n|\r|\n")


class SourceLines:
    """Reads the lines of files below a folder, each file once."""

    def __init__(self, root: Path) -> None:
        """Args: root: the folder to which paths are relative."""
        self._root = root
        self._inside = root.resolve()
        self._lines: dict[str, list[str]] = {}

    def of(self, path: str) -> list[str]:
        """Return the lines of a file; none for a file that cannot be read, or that is not below the folder."""
        if path not in self._lines:
            self._lines[path] = _END.split(_text(self._read(path)))
        return self._lines[path]

    def line(self, path: str, number: int | None) -> str:
        """Return a line; "" for the entire file, or without such a line."""
        lines = self.of(path) if number is not None else []
        return lines[number - 1] if number is not None and 0 < number <= len(lines) else ""

    def marked(self, path: str) -> str:
        """Return the text of a file that can have ignore comments; "" for every other file."""
        content = self._read(path)
        return _text(content) if _MARK in content else ""

    def exists(self, path: str) -> bool:
        """Return whether there is such a file below the folder."""
        return self._place(path) is not None

    def _read(self, path: str) -> bytes:
        place = self._place(path)
        if place is None:
            return b""
        try:
            with place.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError:
            return b""
        return content if len(content) <= MAX_BYTES else b""

    def _place(self, path: str) -> Path | None:
        try:
            place = (self._root / path).resolve()
            # A symbolic link can lead out of the folder, and a pipe or a device would block.
            return place if place.is_file() and place.is_relative_to(self._inside) else None
        except (OSError, ValueError, RuntimeError):  # ValueError: a NUL; RuntimeError: a loop of links
            return None


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="replace").removeprefix("\ufeff")
