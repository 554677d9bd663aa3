"""The shape of rules/conduct.yaml: where a kit answers in another way than the bare SDK that it is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from advisor.engine.rules import STRICT
from advisor.knowledge.capabilities import Behaviour
from advisor.knowledge.types import ERAS, Era, flag_key

Sessions = Literal["kept", "none"]
Streams = Literal["passed", "held"]

_GIST = re.compile(r"HTTP \d{3}|no answer")


@dataclass(frozen=True, slots=True)
class Conduct:
    """What clients of a kit see of some behaviours, whatever its SDK does; the first entry that fits holds."""

    __pydantic_config__ = STRICT
    id: str
    behaviours: list[str]
    seen: str
    because: str
    sources: list[str]
    at_first: str = ""
    eras: list[Era] = field(default_factory=lambda: list(ERAS))
    sessions: list[Sessions] = field(default_factory=lambda: ["kept", "none"])
    streams: list[Streams] = field(default_factory=lambda: ["passed", "held"])
    proxies: list[str] = field(default_factory=list)
    mechanisms: list[str] = field(default_factory=list)

    def fits(self, case: ConductCase) -> bool:
        """Whether it speaks of this case."""
        kept: Sessions = "none" if case.stateless_http else "kept"
        way: Streams = "held" if case.held else "passed"
        if case.behaviour not in self.behaviours or case.era not in self.eras:
            return False
        front = not self.proxies or case.proxy in self.proxies
        found = not self.mechanisms or case.mechanism in self.mechanisms
        return front and found and kept in self.sessions and way in self.streams


class ConductCase(NamedTuple):
    """A behaviour of a part of a deployment, as clients of an era meet it.

    Attributes:
        behaviour: what is tried, for example `GET without a session`.
        era: of the client.
        stateless_http: the first flag.
        json_response: the second flag.
        proxy: what stands in front; `other` for what is not of the kit, and for nothing.
        held: whether something on the way holds streams back.
        mechanism: how the requests of a session find their owner.
    """

    behaviour: str
    era: Era
    stateless_http: bool
    json_response: bool
    proxy: str
    held: bool = False
    mechanism: str = "none"


def conduct_of(case: ConductCase, conduct: list[Conduct]) -> Conduct | None:
    """The first entry that speaks of a case, or None."""
    return next((entry for entry in conduct if entry.fits(case)), None)


def measured(case: ConductCase, version: str, rows: Sequence[Behaviour]) -> str | None:
    """What a bare server of a release did when it was measured; None without a measurement.

    Args:
        case: what is tried; the proxy plays no part.
        version: the release.
        rows: what was measured of its package.
    """
    for row in rows:
        if (row.name, row.era) == (case.behaviour, case.era) and row.holds(version):
            return row.seen[flag_key(case.stateless_http, case.json_response)]
    return None


def gist(seen: str) -> str:
    """What of an observation is the same through every proxy: the status of an answer, that there is none, or all."""
    found = _GIST.match(seen)
    return found[0] if found else seen
