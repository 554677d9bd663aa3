"""The capacity of a decision: sessions per instance, memory, and calls per second.

The measured figures and the wording are in rules/capacity.yaml. The functions have no side effects.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, NamedTuple

from advisor.decision.capacity_advice import CapacityAdvice
from advisor.decision.core import Core
from advisor.decision.model import Tier
from advisor.decision.sdk_behaviour import most_sessions
from advisor.knowledge.capacity import MeasuredCapacity, MemoryPlan, kilobytes
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import Era
from advisor.requirements.model import Requirements

_MEGA = 1_000_000


class _Fleet(NamedTuple):
    """The clients, and the processes that hold their sessions.

    Attributes:
        clients: the number of clients that are connected at the same time.
        least: the number of processes at the lower end of the range.
        most: the number of processes at the upper end of the range.
    """

    clients: int
    least: int
    most: int

    @property
    def each(self) -> int:
        """The number of clients per process at the lower end of the range."""
        return ceil(self.clients / self.least)


class _Room(NamedTuple):
    """The limits for the number of sessions in a process.

    Attributes:
        limit: the limit of the SDK, or None.
        fits: the number of sessions that fit into the memory budget of an instance.
    """

    limit: int | None
    fits: int

    @property
    def most(self) -> int:
        """The smaller of the two limits."""
        return self.fits if self.limit is None else min(self.limit, self.fits)


def capacity(
    requirements: Requirements,
    facts: Mapping[str, Any],
    core: Core,
    tiers: tuple[Tier, ...],
    space: FactSpace,
) -> CapacityAdvice | None:
    """Return the capacity of the instances of a decision.

    Args:
        requirements: the number of clients and instances.
        facts: the facts of the decision, with the protocol eras and the SDK release.
        core: the pattern and the flags of the decision.
        tiers: the tiers of a tiered deployment. The stateful tier holds the sessions.
        space: the releases, and the measured capacity of each SDK line.

    Returns:
        The capacity; None for a contradiction, or if the server has no measurement.
    """
    release = space.releases[facts["sdk"]]
    measured = space.knowledge.capacity.get(release.line.id)
    if measured is None or not core.feasible or facts["server.kind"] != "python":
        return None
    holder = next((tier for tier in tiers if not tier.core.flags.stateless_http), None)
    fleet = _Fleet(int(requirements["clients.concurrent"]), 1, 1) if holder else fleet_of(requirements)
    holding = holder is not None or not core.flags.stateless_http
    if core.pattern == "single-instance":
        fleet = _Fleet(fleet.clients, 1, 1)
    holding = holding and facts["era.legacy"] == "named"
    plan = space.knowledge.memory
    limit = most_sessions(requirements, space)
    room = _Room(limit, measured.sessions_in(plan.budget_bytes))
    answered = _answered(measured, core, facts)
    least = ceil(fleet.clients / room.most) if holding else 1
    phrases = space.knowledge.phrases
    if holding:
        said = [*_sessions(fleet, measured, facts, tiered=holder is not None), *_advised(room, plan, least, fleet)]
    else:
        said = _none(fleet, core)
    answering = next((tier.name for tier in tiers if tier.core.flags == core.flags), "")
    figures = {"calls": f"{answered:,}", "release": measured.release, "tier": answering}
    counted = "capacity.calls.tiered" if answering else "capacity.calls"
    said.append((counted if holding else "capacity.calls-only", figures))
    return CapacityAdvice(
        sessions_per_instance=fleet.each if holding else 0,
        session_bytes=measured.stream_session_bytes.median if holding else 0,
        process_bytes=measured.process_bytes.median,
        memory_mb=round(measured.memory(fleet.each) / _MEGA, 1) if holding else 0.0,
        memory_budget_mib=plan.budget_mi,
        session_limit=limit if holding else None,
        calls_per_s=answered,
        enough=least <= fleet.most,
        advice_instances=least,
        because=" ".join(phrases[name].format(**figures) for name, figures in said),
        sources=(measured.source, *(_sources(measured, plan) if holding else ())),
    )


def sessions_room(requirements: Requirements, space: FactSpace) -> str:
    """Return whether all clients can have a session with the largest planned number of instances.

    Returns:
        `beyond` if the SDK limit is too low for all sessions, `over-budget` if the sessions need more memory than the
        memory budget of the instances, else `within`.
    """
    measured, limit = _of(requirements, space)
    fleet = fleet_of(requirements)
    if limit is not None and fleet.clients > limit * fleet.most:
        return "beyond"
    fits = measured.sessions_in(space.knowledge.memory.budget_bytes) if measured else fleet.clients
    return "within" if fleet.clients <= fits * fleet.most else "over-budget"


def room_figures(requirements: Requirements, space: FactSpace) -> dict[str, str]:
    """Return the values for placeholders of messages: session limit, memory per instance, and memory budget."""
    measured, limit = _of(requirements, space)
    fleet = fleet_of(requirements)
    return {
        "sessions.limit": f"{limit or 0:,}",
        "sessions.memory": _megabytes(measured.memory(ceil(fleet.clients / fleet.most)) if measured else 0),
        "sessions.budget": _mebibytes(space.knowledge.memory.budget_mi),
    }


def login_words(name: str, requirements: Requirements, phrases: Mapping[str, str]) -> str:
    """Return a sentence about the logins that fail because the callback does not reach the owner of the login.

    Args:
        name: `logins.processes` if each process has its own logins, `logins.instances` if each instance has.
        requirements: the number of instances and workers.
        phrases: the sentences.
    """
    fleet, owners = fleet_of(requirements), name.partition(".")[2]
    words = {"owners": owners, "owner": "process" if owners == "processes" else "instance"}
    workers = int(requirements["scale.workers"]) if owners == "instances" else 1
    least, most = fleet.least // workers, fleet.most // workers
    if most == 1:  # the platform decides the number of instances, or the workers share the state of one instance
        return phrases["logins.any"].format(**words)
    number = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    share = " to ".join(f"{round(100 * (each - 1) / each)} %" for each in dict.fromkeys((least, most)))
    return phrases["logins.share"].format(number=number, share=share, **words)


def _of(requirements: Requirements, space: FactSpace) -> tuple[MeasuredCapacity | None, int | None]:
    """Return the measurement of the SDK in the requirements, and its session limit per process."""
    release = space.release(requirements["sdk"]) if requirements["transport"] != "sse" else None
    measured = space.knowledge.capacity.get(release.line.id) if release else None
    if measured is None or release is None:
        return None, None
    return measured, most_sessions(requirements, space)


def fleet_of(requirements: Requirements) -> _Fleet:
    """Return the clients and the processes of the requirements."""
    planned, workers = requirements["scale.instances"], int(requirements["scale.workers"])
    least, most = (planned["min"], planned["max"]) if isinstance(planned, Mapping) else (planned, planned)
    return _Fleet(int(requirements["clients.concurrent"]), int(least) * workers, int(most) * workers)


def _answered(measured: MeasuredCapacity, core: Core, facts: Mapping[str, Any]) -> int:
    """Return the calls per second with the decided flags, for the era with the lower rate."""
    named: list[Era] = [era for era in measured.calls_per_s if facts[f"era.{era}"] == "named"]
    return min(measured.answered(*core.flags, era) for era in named or list(measured.calls_per_s))


_Said = tuple[str, dict[str, Any]]


def _sessions(fleet: _Fleet, measured: MeasuredCapacity, facts: Mapping[str, Any], *, tiered: bool) -> list[_Said]:
    bytes_each = measured.stream_session_bytes.median
    figures = {
        **_who(fleet),
        "each": _count(fleet.each, "session"),
        "bytes": kilobytes(bytes_each),
        "release": measured.release,
        "process": _megabytes(measured.process_bytes.median),
        "memory": _megabytes(measured.memory(fleet.each)),
    }
    name = "-of-tier" if tiered else ("-of-one" if fleet.least == 1 else "")
    said: list[_Said] = [(f"capacity.sessions{name}", figures)]
    if facts["era.modern"] == "named":
        said.append(("capacity.sessions-mixed", {}))
    return said


def _none(fleet: _Fleet, core: Core) -> list[_Said]:
    return [("capacity.no-sessions" if core.flags.stateless_http else "capacity.modern", _who(fleet))]


def _advised(room: _Room, plan: MemoryPlan, least: int, fleet: _Fleet) -> list[_Said]:
    """Return the messages about the SDK limit, the memory budget and the number of instances."""
    figures = {"limit": f"{room.limit or 0:,}", "least": f"{least:,}", "most": f"{fleet.most:,}", **_who(fleet)}
    memory = {"budget": _mebibytes(plan.budget_mi), "fits": _count(room.fits, "session")}
    enough = "one" if fleet.least > 1 else "only"
    advice = "beyond" if least > fleet.most else enough if least == 1 else "several"
    return [
        ("capacity.limit.none" if room.limit is None else "capacity.limit", figures),
        ("capacity.budget", memory),
        (f"capacity.advice.{advice}", figures),
    ]


def _sources(measured: MeasuredCapacity, plan: MemoryPlan) -> tuple[str, ...]:
    """Return the sources of the session limit and of the memory budget, without duplicates."""
    budget = (source for entry in plan.allowances if entry.id == "budget" for source in entry.sources)
    return tuple(dict.fromkeys((*measured.sources, *budget)))


def _mebibytes(number: int) -> str:
    return f"{number:,} MiB" if number % 1024 else f"{number // 1024:,} GiB"


def _megabytes(number: int) -> str:
    return f"{number / _MEGA:,.0f} MB" if number >= 10 * _MEGA else f"{number / _MEGA:.1f} MB"


def _who(fleet: _Fleet) -> dict[str, str]:
    return {"clients": _count(fleet.clients, "client"), "instances": _count(fleet.least, "instance")}


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
