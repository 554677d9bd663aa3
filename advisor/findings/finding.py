"""The type `Finding`, its text on a single line and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

Severity: TypeAlias = Literal["high", "medium", "low", "info"]
Confidence: TypeAlias = Literal["certain", "likely", "possible"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Every severity, the most severe first."""


class Fix(NamedTuple):
    """What to do about a finding.

    Attributes:
        text: what to change, in words; for invalid input what is allowed or what was probably meant.
        patch: the same as a unified diff, or "".
        safe: whether the patch can be applied without a person reading it.
    """

    text: str = ""
    patch: str = ""
    safe: bool = False


class Location(NamedTuple):
    """A place that a finding is about.

    Attributes:
        path: the file, or "" where there is none or where the reader knows which.
        line: 1-based line, or None for the file as a whole.
        key: what the place is called there, such as the dotted key `scale.instances` or the id of a rule, or "".
    """

    path: str = ""
    line: int | None = None
    key: str = ""


class Finding(NamedTuple):
    """One thing that is wrong.

    Attributes:
        id: the kind of fault, such as `session-id-hash`: what a rule page, an ignore file or a script names.
        message: what is wrong here, with the values that show it.
        severity: how much it harms a deployment.
        confidence: how sure it is that this is a fault.
        title: the kind of fault in a few words, the same wherever it is found, or "".
        why: what users of the service notice, or "".
        fix: what to do about it.
        locations: the places it is about, the most important first.
        example: a case that shows the fault: names of facts or parameters and their values.
        sources: what the finding rests on: ids of rules/sources.yaml.
        url: the page that explains the kind of fault, or "".
    """

    id: str
    message: str
    severity: Severity = "high"
    confidence: Confidence = "certain"
    title: str = ""
    why: str = ""
    fix: Fix = Fix()
    locations: tuple[Location, ...] = ()
    example: Mapping[str, Any] = {}
    sources: tuple[str, ...] = ()
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
        """The finding on a single line: `path:line: key: message fix`, without the parts that are not known.

        Args:
            path: the file, for a location that does not name a file.
        """
        path = (self.locations[0].path if self.locations else "") or path
        place = ":".join(str(part) for part in (path, self.line) if part)
        said = f"{self.message} {self.fix.text}" if self.fix.text else self.message
        return ": ".join(part for part in (place, self.key, said) if part)

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON types, by the schema `mcp-advisor/findings/1`."""
        fix = {"text": self.fix.text, "patch": self.fix.patch or None, "safe": self.fix.safe}
        return {
            "id": self.id,
            "severity": self.severity,
            "confidence": self.confidence,
            "message": self.message,
            "why": self.why or None,
            "fix": fix if self.fix != Fix() else None,
            "locations": [
                {"path": place.path, "line": place.line, "key": place.key or None} for place in self.locations
            ],
            "sources": list(self.sources),
            "url": self.url or None,
        }


def input_problem(message: str, hint: str = "", *, key: str = "", line: int | None = None) -> Finding:
    """Something wrong with an input file; the error that carries it knows the file.

    Args:
        message: what is wrong, with the offending value.
        hint: what is allowed or what was probably meant.
        key: dotted key, such as `scale.instances`, or "" for the file as a whole.
        line: 1-based line, or None when the input has no lines.
    """
    return Finding("invalid-input", message, fix=Fix(hint), locations=(Location(line=line, key=key),))
