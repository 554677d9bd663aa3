"""The types of rules/observations.yaml: what files of a deployment state about its parts, and defaults of products."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from advisor.knowledge.versions import parse

PartKind = Literal[
    "proxy", "upstream", "target", "route", "workload", "service", "path", "server", "clients", "endpoint"
]

NUMBERS = ("seconds", "bytes", "number")
"""The types of observations whose values are numbers."""


class ObservationKind(NamedTuple):
    """A name of a value that the audit knows. The head of rules/observations.yaml explains the keys."""

    id: str
    of: tuple[PartKind, ...]
    type: Literal["yes-no", "seconds", "bytes", "number", "word", "words"]
    meaning: str
    values: tuple[str, ...] = ()

    def allows(self, value: Any) -> bool:
        """Return whether a value has the type of this observation and is allowed."""
        if self.type == "yes-no":
            return isinstance(value, bool)
        if self.type in NUMBERS:
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        words = [value] if self.type == "word" else value
        if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
            return False
        return not self.values or set(words) <= set(self.values)


class OtherPath(NamedTuple):
    """A path of requests that are no requests of MCP. The head of rules/observations.yaml explains the key."""

    id: str


class ProductDefault(NamedTuple):
    """The value of a setting that no file states. The head of rules/observations.yaml explains the keys."""

    by: str
    products: tuple[str, ...]
    observation: str
    value: bool | int | float | str | tuple[str, ...]
    sources: list[str]
    since: str = ""
    before: str = ""

    def holds(self, version: str) -> bool:
        """Return whether a release of the product has this default; "" stands for a release that is not known."""
        numbers = parse(version)
        if numbers is None:
            return not self.since and not self.before
        least, first_other = parse(self.since), parse(self.before)
        return (least is None or numbers >= least) and (first_other is None or numbers < first_other)
