"""The type `Requirements`: a validated requirements file with all defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from advisor.knowledge.space import UNKNOWN
from advisor.knowledge.types import Need, Raw


class Tool(NamedTuple):
    """A tool of the server.

    Attributes:
        name: the name of the tool for clients.
        needs: from the id of a feature to the level of need. The tool does not need other features.
        duration_s: the duration of a call in seconds, or None if the file has no duration.
    """

    name: str
    needs: Mapping[str, Need] = {}
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Requirements:
    """The facts about a deployment.

    Attributes:
        values: from the id of a fact (such as `scale.instances`) to its value, for every fact except `tools`. Numbers
            are exact, not bins.
        tools: the tools, in the order of the file.
        given: the ids of the facts in the file.
        inferred: from the id of a fact that follows from the tools or the client applications, to the reason.
        unsure: the ids of the needs that the file states as `unknown`. Their value in `values` is `none`.
        replaced: from the id of a fact whose value another fact implies, to the value that it has without this
            implication.
        name: the name of the file as the user typed it.
    """

    values: Mapping[str, Raw]
    tools: tuple[Tool, ...] = ()
    given: frozenset[str] = frozenset()
    inferred: Mapping[str, str] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()
    replaced: Mapping[str, Raw] = field(default_factory=dict)
    name: str = "<requirements>"

    def __getitem__(self, name: str) -> Any:
        """Return the value of the fact `name`."""
        return self.values[name]

    @property
    def stated(self) -> dict[str, Raw]:
        """The facts in the file, as the file states them."""
        values = {**self.values, **self.replaced, **dict.fromkeys(self.unsure, UNKNOWN)}
        return {name: value for name, value in values.items() if name in self.given}

    def silent_about(self, fact: str) -> bool:
        """Return whether the file does not state a fact. A list of tools states all needs, except those in `unsure`."""
        return fact in self.unsure or (fact in self.defaults and not (fact.startswith("needs.") and self.tools))

    @property
    def defaults(self) -> dict[str, Raw]:
        """The facts that are neither given nor inferred, with their defaults."""
        return {k: v for k, v in self.values.items() if k not in self.given and k not in self.inferred}
