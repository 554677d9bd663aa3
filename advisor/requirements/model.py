"""Requirements: a validated requirements file, flat, with every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from advisor.knowledge.types import Need, Raw


class Tool(NamedTuple):
    """A tool of the server.

    Attributes:
        name: as clients call it.
        needs: feature id → level of need; what is not listed is not needed.
        duration_s: how long a call runs, in seconds, or None if not said.
    """

    name: str
    needs: Mapping[str, Need] = {}
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a deployment is like and needs.

    Attributes:
        values: fact id (such as `scale.instances`) → value, for every fact but `tools`; numbers are not binned.
        tools: the tools, in file order.
        given: ids that the file states itself; the others are defaults.
        inferred: ids that a named client application set → why.
        name: the file as the user named it.
    """

    values: Mapping[str, Raw]
    tools: tuple[Tool, ...] = ()
    given: frozenset[str] = frozenset()
    inferred: Mapping[str, str] = field(default_factory=dict)
    name: str = "<requirements>"

    def __getitem__(self, name: str) -> Any:
        """The value of the fact `name`."""
        return self.values[name]

    @property
    def defaults(self) -> dict[str, Raw]:
        """The facts that were neither stated nor inferred, with the value assumed."""
        return {k: v for k, v in self.values.items() if k not in self.given and k not in self.inferred}
