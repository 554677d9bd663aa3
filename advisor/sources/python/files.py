"""Finds and reads the files of a folder. Skips folders that do not have the server's own code."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

from advisor.files import reason
from advisor.knowledge.scan import ScanSkip
from advisor.sources.python.model import NotExamined

MAX_BYTES = 1_000_000
"""The largest file that is read. Larger Python files are generated data."""
MAX_FILES = 50_000
"""The most files of a folder, so that a wrong path such as / ends."""

# Files without these bytes cannot define a server or register a tool. Other modules are read when such a file imports
# them.
_RELEVANT = re.compile(rb"mcp|\.tool\b|add_tool", re.IGNORECASE)


class SourceFiles:
    """The files of a folder.

    Attributes:
        root: the folder.
        names: the paths of all Python files relative to `root`, with `/`.
        others: the paths of all other files.
        problems: the files that could not be read.
    """

    def __init__(self, path: Path, skips: Iterable[ScanSkip], within: Iterable[str] | None = None) -> None:
        """Find the files.

        Args:
            path: a folder, or a Python file. Its other modules are then the files of its folder.
            skips: what to leave out.
            within: folders and files in the folder `path`, with `/`. Only their files are found. None: all files.
        """
        self._skips = list(skips)
        self.root = path if path.is_dir() else path.parent
        self.problems: list[NotExamined] = []
        every = list(dict.fromkeys(name for start in ([""] if within is None else within) for name in self._all(start)))
        self.names = [name for name in every if name.endswith(".py")]
        self.others = [name for name in every if not name.endswith(".py")]
        self._start = self.names if path.is_dir() else [path.name]
        self._content: dict[str, bytes | None] = {}

    def relevant(self) -> Iterator[str]:
        """Yield the paths of the files that can contain server code."""
        for name in self._start:
            content = self.read(name)
            if content is not None and _RELEVANT.search(content):
                yield name

    @property
    def examined(self) -> tuple[str, ...]:
        """The paths of the Python files that were read."""
        return tuple(sorted(name for name, content in self._content.items() if content is not None))

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None with a note in `problems`."""
        if name not in self._content:
            self._content[name] = self._read(name)
        return self._content[name]

    def replace(self, contents: Mapping[str, bytes]) -> None:
        """Take other contents of files instead of those on the disk."""
        self._content |= contents

    def refuse(self, name: str, why: str) -> None:
        """Note that a file has no readable code."""
        self._content[name] = None
        self.problems.append(NotExamined(name, why))

    def _read(self, name: str) -> bytes | None:
        path = self.root / name
        try:
            if not path.is_file():  # a pipe or a device would block
                return None
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            self.problems.append(NotExamined(name, reason(error)))
            return None
        if len(content) > MAX_BYTES:
            self.problems.append(NotExamined(name, f"larger than {MAX_BYTES:,} bytes"))
            return None
        return content

    def _all(self, start: str) -> Iterator[str]:
        """Yield the names of the files in a folder, or the name of a file."""
        if (self.root / start).is_dir():
            yield from self._walk(start)
        else:
            yield start

    def _walk(self, start: str) -> Iterator[str]:
        count = 0
        for folder, folders, files in os.walk(self.root / start, onerror=self._unreadable):
            folders[:] = sorted(name for name in folders if not self._skipped("folder", name))
            here = Path(folder).relative_to(self.root)
            for name in sorted(files):
                if self._skipped("file", name):
                    continue
                count += 1
                if count > MAX_FILES:
                    self.problems.append(NotExamined(here.as_posix(), f"the folder has more than {MAX_FILES:,} files"))
                    return
                yield (here / name).as_posix()

    def _unreadable(self, error: OSError) -> None:
        name = os.path.relpath(str(error.filename), self.root)
        self.problems.append(NotExamined(name, reason(error)))

    def _skipped(self, kind: str, name: str) -> bool:
        return any(skip.kind == kind and fnmatch(name, skip.pattern) for skip in self._skips)
