"""Reads the values of a configuration file or a baseline, and collects every problem with its line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from advisor.errors import InputError
from advisor.findings import Finding, input_problem
from advisor.requirements import read_document
from advisor.requirements.reader import FileKind, Path
from advisor.requirements.text import nearest, printable, quote, suggestion


class InputFile:
    """A YAML or JSON file of a person. The methods read values, and note a problem for each wrong value."""

    def __init__(self, name: str, kind: FileKind) -> None:
        """Read the file.

        Raises:
            InputError: the file cannot be read.
        """
        self.name = name
        self._document = read_document(name, kind)
        self._problems: list[Finding] = []

    @property
    def data(self) -> Any:
        """The content of the file."""
        return self._document.data

    def line(self, path: Path) -> int:
        """Return the line of a key or an entry."""
        return self._document.line_of(path)

    def mapping(self, value: Any, path: Path, allowed: Sequence[str], required: Collection[str]) -> Mapping[str, Any]:
        """Return a mapping that has only allowed keys; empty for another value."""
        if not isinstance(value, dict):
            self.problem(path, f"{quote(value)} is not a mapping.", f"Keys: {', '.join(allowed)}.")
            return {}
        for key in value:
            if key not in allowed:
                self.problem((*path, key), "unknown key.", suggestion(key, allowed, "Allowed here"))
        for key in required:
            if key not in value:
                self.problem((*path, key), "the key is missing.", line_of=path)
        return value

    def entries(self, value: Any, path: Path) -> Sequence[Any]:
        """Return a list; empty for another value."""
        if not isinstance(value, list):
            self.problem(path, f"{quote(value)} is not a list.")
            return ()
        return value

    def text(self, value: Any, path: Path) -> str:
        """Return a text that is not empty; "" for another value."""
        if not isinstance(value, str) or not value.strip():
            self.problem(path, f"{quote(value)} is not a text.", "Write some words.")
            return ""
        return value

    def choice(self, value: Any, path: Path, allowed: Collection[str], *, hint: str = "") -> str:
        """Return an allowed text; "" for another value.

        Args:
            value: the value.
            path: its place.
            allowed: the allowed texts.
            hint: where to find the allowed texts, instead of the texts.
        """
        if not isinstance(value, str) or value not in allowed:
            typed = value if isinstance(value, str) else ""
            hint = f"{nearest(typed, allowed)} {hint}".strip() if hint else suggestion(typed, allowed, "Allowed")
            self.problem(path, f"{quote(value)} is not allowed.", hint)
            return ""
        return value

    def problem(self, path: Path, message: str, hint: str = "", *, line_of: Path | None = None) -> None:
        """Note a problem. `line_of` is the place in the file, if it is not `path`."""
        key = ".".join(str(part) if isinstance(part, str) else f"[{part}]" for part in path).replace(".[", "[")
        line = self.line(path if line_of is None else line_of)
        self._problems.append(input_problem(message, hint, key=printable(key, 80), line=line))

    def check(self) -> None:
        """Raise the noted problems.

        Raises:
            InputError: there is a problem.
        """
        if self._problems:
            raise InputError(self.name, sorted(self._problems, key=lambda problem: problem.line or 0))
