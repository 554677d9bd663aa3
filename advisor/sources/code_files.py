"""Finds and reads the files of a folder. Skips folders that do not have the server's own code."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

from advisor.files import reason
from advisor.knowledge.scan import ScanSkip
from advisor.sources.code_model import NotExamined

MAX_BYTES = 1_000_000
"""The largest file that is read. Larger Python files are generated data."""
MAX_LOCK_BYTES = 20_000_000
"""The largest list of packages that is read."""
MAX_FILES = 50_000
"""The most files of a folder, so that a wrong path such as / ends."""

# Files without these bytes cannot define a server or register a tool. Other modules are read when such a file imports
# them.
_RELEVANT = re.compile(rb"mcp|\.tool\b|add_tool", re.IGNORECASE)

TYPESCRIPT = (".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx")
"""The ends of the names of TypeScript and JavaScript files."""
# Only a file with these bytes can make a server. A client imports other modules of the SDK.
_TYPESCRIPT_SERVER = re.compile(
    rb"modelcontextprotocol/(?:sdk/(?:esm/|dist/esm/)?server|server|node|express|hono|fastify)|[\"']mcp-handler[\"']|vercel/mcp-adapter"
)
# A file that a program has made from other code.
_COMPILED = re.compile(rb"^//# sourceMappingURL=|__webpack_require__|[^\n]{20000}", re.MULTILINE)


class SourceFiles:
    """The files of a folder.

    Attributes:
        root: the folder.
        names: the paths of all Python files relative to `root`, with `/`.
        others: the paths of all other files.
        typescript: the paths of all TypeScript and JavaScript files. They are in `others` as well.
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
        self.typescript = [name for name in self.others if name.endswith(TYPESCRIPT) and not _is_declaration(name)]
        self._start = every if path.is_dir() else [path.name]
        self._content: dict[str, bytes | None] = {}

    def relevant(self) -> Iterator[str]:
        """Yield the paths of the files that can contain server code."""
        for name in self._start:
            content = self.read(name) if name.endswith(".py") else None
            if content is not None and _RELEVANT.search(content):
                yield name

    def typescript_servers(self) -> list[str]:
        """Return the paths of the TypeScript and JavaScript files that can make a server."""
        start = set(self._start)
        found = []
        for name in self.typescript:
            content = self._content.get(name) or (self._read(name) if name in start else None)
            if content is not None and _TYPESCRIPT_SERVER.search(content) and not self.is_compiled(content):
                self._content[name] = content
                found.append(name)
        return found

    @staticmethod
    def is_compiled(content: bytes) -> bool:
        """Return whether a file is the output of a compiler or a bundler."""
        return _COMPILED.search(content) is not None

    @property
    def examined(self) -> tuple[str, ...]:
        """The paths of the files that were read."""
        return tuple(sorted(name for name, content in self._content.items() if content is not None))

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None with a note in `problems`."""
        if name not in self._content:
            self._content[name] = self._read(name)
        return self._content[name]

    def lock_text(self, name: str) -> str | None:
        """Return the text of a list of packages, which can be large; None if it cannot be read."""
        content = self._content.get(name)
        try:
            path = self.root / name
            if content is None and path.is_file() and path.stat().st_size <= MAX_LOCK_BYTES:
                content = path.read_bytes()
        except OSError:
            return None
        return content.decode("utf-8", errors="replace") if content is not None else None

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


def _is_declaration(name: str) -> bool:
    """Return whether a file only declares types, or is a bundle for browsers."""
    return name.endswith((".d.ts", ".d.mts", ".d.cts", ".min.js"))
