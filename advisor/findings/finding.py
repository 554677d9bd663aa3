"""The type `Finding`, with its one-line text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

Severity: TypeAlias = Literal["high", "medium", "low", "info"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Every severity, from the highest to the lowest."""

Confidence: TypeAlias = Literal["certain", "likely", "possible"]


class Fix(NamedTuple):
    """The fix of a finding.

    Attributes:
        text: the change in words. For invalid input: the allowed values or the nearest spelling.
        patch: the change as a unified diff, or "".
        safe: whether the patch keeps every other behaviour of the deployment.
    """

    text: str = ""
    patch: str = ""
    safe: bool = False


class Location(NamedTuple):
    """A location of a finding.

    Attributes:
        path: the file, or "" if there is no file or the context names it.
        line: 1-based line, or None for the entire file.
        key: the name of the place in the file, such as the dotted key `scale.instances` or the id of a rule, or "".
    """

    path: str = ""
    line: int | None = None
    key: str = ""


class Finding(NamedTuple):
    """One problem.

    Attributes:
        id: the kind of problem, such as `session-id-hash`. Pages, ignore files and scripts use this id.
        message: the problem in this place, with the values that cause it.
        severity: how much the problem harms a deployment.
        title: the kind of problem in a few words, or "".
        fix: what to do.
        locations: the locations of the problem, the most important first.
        example: a case that shows the problem, from names of facts or parameters to values.
        sources: ids in rules/sources.yaml.
        confidence: how sure the program is that the problem exists.
        why: the reason why this is a problem, or "".
        url: the page about this kind of problem, or "".
    """

    id: str
    message: str
    severity: Severity = "high"
    title: str = ""
    fix: Fix = Fix()
    locations: tuple[Location, ...] = ()
    example: Mapping[str, Any] = {}
    sources: tuple[str, ...] = ()
    confidence: Confidence = "certain"
    why: str = ""
    url: str = ""

    @property
    def key(self) -> str:
        """The key of the first location, or ""."""
        return self.locations[0].key if self.locations else ""

    @property
    def line(self) -> int | None:
        """The line of the first location, or None."""
        return self.locations[0].line if self.locations else None

    def text(self, path: str = "") -> str:
        """Return the finding on one line: `path:line: key: message fix`. Unknown parts are left out.

        Args:
            path: the file of a location that names no file.
        """
        path = (self.locations[0].path if self.locations else "") or path
        place = ":".join(str(part) for part in (path, self.line) if part)
        said = f"{self.message} {self.fix.text}" if self.fix.text else self.message
        return ": ".join(part for part in (place, self.key, said) if part)


def input_problem(message: str, hint: str = "", *, key: str = "", line: int | None = None) -> Finding:
    """Return a problem of an input file. The `InputError` with this problem names the file.

    Args:
        message: the problem, with the invalid value.
        hint: the allowed values or the nearest spelling, or "".
        key: the dotted key, such as `scale.instances`, or "" for the entire file.
        line: 1-based line, or None if the input has no lines.
    """
    return Finding("invalid-input", message, fix=Fix(hint), locations=(Location(line=line, key=key),))
