"""How many sessions and calls the instances of a decision have to carry, by what one process was measured to carry.

Pure: the figures are those of rules/capacity.yaml, and so is the wording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from advisor.decision.model import Capacity, Core, Tier
from advisor.knowledge.capacity import Capacity as Measured
from advisor.knowledge.capacity import kilobytes
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import Era
from advisor.requirements.model import Requirements

_MEGA = 1_000_000


@dataclass(frozen=True, slots=True)
class _Fleet:
    """What the clients are spread over.

    Attributes:
        clients: how many are connected at the same time.
        least: processes that hold sessions, at the lower end of the range.
        most: the same at the upper end.
    """

    clients: int
    least: int
    most: int

    @property
    def each(self) -> int:
        """Clients of a process when there are as few processes as planned."""
        return ceil(self.clients / self.least)


def capacity(
    requirements: Requirements,
    facts: Mapping[str, Any],
    core: Core,
    tiers: tuple[Tier, ...],
    space: FactSpace,
) -> Capacity | None:
    """What the instances of a decision carry.

    Args:
        requirements: how many clients and instances there are.
        facts: the facts of the decision; which eras are served, and on which release.
        core: what is decided.
        tiers: the parts, where there are some; sessions are held by the stateful one.
        space: the releases and, in its knowledge, what a process of each line carries.

    Returns:
        The advice; None for a contradiction, and where a line was never measured.
    """
    release = space.releases[facts["sdk"]]
    measured = space.knowledge.capacity.get(release.line.id)
    if measured is None or not core.feasible:
        return None
    holder = next((tier for tier in tiers if not tier.core.flags.stateless_http), None)
    fleet = _Fleet(int(requirements["clients.concurrent"]), 1, 1) if holder else fleet_of(requirements)
    holding = holder is not None or not core.flags.stateless_http
    if core.pattern == "single-instance":
        fleet = _Fleet(fleet.clients, 1, 1)
    limit = measured.most_sessions(_version(requirements, release.newest)) if holding else None
    holding = holding and facts["era.legacy"] == "named"
    answered = _answered(measured, core, facts)
    least = ceil(fleet.clients / limit) if holding and limit else 1
    phrases = space.knowledge.phrases
    said = _sessions(fleet, measured, facts, tiered=holder is not None) if holding else _none(fleet, core)
    if holding:
        said.append(("capacity.limit.none", {}) if limit is None else _limit(limit, least, fleet))
    figures = {"calls": f"{answered:,}", "release": measured.release}
    said.append(("capacity.calls" if holding else "capacity.calls-only", figures))
    bytes_each = measured.stream_session_bytes.median if holding else 0
    return Capacity(
        sessions_per_instance=fleet.each if holding else 0,
        session_bytes=bytes_each,
        memory_mb=round(fleet.each * bytes_each / _MEGA, 1) if holding else 0.0,
        session_limit=limit if holding else None,
        calls_per_s=answered,
        enough=least <= fleet.most,
        advice_instances=least,
        because=" ".join(phrases[name].format(**figures) for name, figures in said),
        sources=(measured.source, *(measured.sources if holding else ())),
    )


def session_limit(requirements: Requirements, space: FactSpace) -> int | None:
    """How many sessions the SDK that is asked for takes in one process; None where it has no limit."""
    release = space.release(requirements["sdk"])
    measured = space.knowledge.capacity.get(release.line.id) if release else None
    return measured.most_sessions(_version(requirements, release.newest)) if measured and release else None


def sessions_fit(requirements: Requirements, space: FactSpace) -> bool:
    """Whether all clients may have a session when as many instances run as are planned."""
    fleet, limit = fleet_of(requirements), session_limit(requirements, space)
    return limit is None or fleet.clients <= limit * fleet.most


def fleet_of(requirements: Requirements) -> _Fleet:
    """The clients and the processes that the requirements plan."""
    planned, workers = requirements["scale.instances"], int(requirements["scale.workers"])
    least, most = (planned["min"], planned["max"]) if isinstance(planned, Mapping) else (planned, planned)
    return _Fleet(int(requirements["clients.concurrent"]), int(least) * workers, int(most) * workers)


def _version(requirements: Requirements, newest: str) -> str:
    """The release that is asked for, or the newest of the line."""
    return str(requirements["sdk"]).partition("==")[2] or newest


def _answered(measured: Measured, core: Core, facts: Mapping[str, Any]) -> int:
    """Calls a second under the flags decided, of the era that gets fewer."""
    named: list[Era] = [era for era in measured.calls_per_s if facts[f"era.{era}"] == "named"]
    return min(measured.answered(*core.flags, era) for era in named or list(measured.calls_per_s))


_Said = tuple[str, dict[str, Any]]


def _sessions(fleet: _Fleet, measured: Measured, facts: Mapping[str, Any], *, tiered: bool) -> list[_Said]:
    bytes_each = measured.stream_session_bytes.median
    figures = {
        **_who(fleet),
        "each": _count(fleet.each, "session"),
        "bytes": kilobytes(bytes_each),
        "release": measured.release,
        "memory": _megabytes(fleet.each * bytes_each),
    }
    name = "-of-tier" if tiered else ("-of-one" if fleet.least == 1 else "")
    said: list[_Said] = [(f"capacity.sessions{name}", figures)]
    if facts["era.modern"] == "named":
        said.append(("capacity.sessions-mixed", {}))
    return said


def _none(fleet: _Fleet, core: Core) -> list[_Said]:
    return [("capacity.no-sessions" if core.flags.stateless_http else "capacity.modern", _who(fleet))]


def _limit(limit: int, least: int, fleet: _Fleet) -> _Said:
    figures = {"limit": f"{limit:,}", "least": least, "most": fleet.most}
    if least > fleet.most:
        return "capacity.limit.beyond", figures
    return ("capacity.limit.one" if least == 1 else "capacity.limit.several"), figures


def _megabytes(number: int) -> str:
    return f"{number / _MEGA:,.0f} MB" if number >= 10 * _MEGA else f"{number / _MEGA:.1f} MB"


def _who(fleet: _Fleet) -> dict[str, str]:
    return {"clients": _count(fleet.clients, "client"), "instances": _count(fleet.least, "instance")}


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
