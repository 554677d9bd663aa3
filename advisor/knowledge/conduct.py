"""The type of rules/conduct.yaml: results of kits that differ from the results of the bare SDK."""

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
    """The result of some tests for clients of a kit, independent of the SDK. The first entry that applies is used."""

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
    single_file: bool = True

    def fits(self, case: ConductCase) -> bool:
        """Return whether the entry applies to this case."""
        kept: Sessions = "none" if case.stateless_http else "kept"
        way: Streams = "held" if case.held else "passed"
        if case.behaviour not in self.behaviours or case.era not in self.eras:
            return False
        front = not self.proxies or case.proxy in self.proxies
        if case.single_file and not self.single_file:
            return False
        found = not self.mechanisms or case.mechanism in self.mechanisms
        return front and found and kept in self.sessions and way in self.streams


class ConductCase(NamedTuple):
    """A test of a deployment by clients of a protocol era.

    Attributes:
        behaviour: the test, for example `GET without a session`.
        era: the protocol era of the client.
        stateless_http: the flag `stateless_http`.
        json_response: the flag `json_response`.
        proxy: the proxy of the kit in front of the servers; `other` for another proxy or no proxy.
        held: whether a proxy buffers SSE streams.
        mechanism: how the requests of a session reach the instance that owns the session.
        single_file: whether the server of the kit is a single file, for a developer's machine.
    """

    behaviour: str
    era: Era
    stateless_http: bool
    json_response: bool
    proxy: str
    held: bool = False
    mechanism: str = "none"
    single_file: bool = False


def conduct_of(case: ConductCase, conduct: list[Conduct]) -> Conduct | None:
    """Return the first entry that applies to a case, or None."""
    return next((entry for entry in conduct if entry.fits(case)), None)


def measured(case: ConductCase, version: str, rows: Sequence[Behaviour]) -> str | None:
    """Return the measured result of a bare server of a release; None without a measurement.

    Args:
        case: the test. Its proxy has no effect.
        version: the release.
        rows: the measured results of the package.
    """
    for row in rows:
        if (row.name, row.era) == (case.behaviour, case.era) and row.holds(version):
            return row.seen[flag_key(case.stateless_http, case.json_response)]
    return None


def gist(seen: str) -> str:
    """Return the part of a result that no proxy changes: the HTTP status, "no answer", or the complete text."""
    found = _GIST.match(seen)
    return found[0] if found else seen
