"""What the session experiment says about the load balancer: how it distributes requests, and what it loses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from advisor.endpoint.sessions import SessionRun
from advisor.endpoint.statistics import ConfidenceInterval, instances, wilson

Balancing: TypeAlias = Literal[
    "none-needed",
    "kept",
    "rewritten",
    "round-robin",
    "hash-of-session-id",
    "cookie",
    "connection",
    "address",
    "late-table",
    "replaced-id",
    "unknown",
]
"""How the endpoint treats sessions.

`none-needed`: the server opens no sessions. `kept`: each session was kept, and nothing shows how. `rewritten`: each
session was kept, and the session ID names its instance. `round-robin`: each request can reach any instance.
`hash-of-session-id`: a session is always lost or always kept. `cookie`: only clients that keep cookies keep sessions.
`connection`: a session lives as long as its connection. `address`: the client address selects the instance.
`late-table`: a session is lost only immediately after the handshake. `replaced-id`: no request knows its session,
because something replaces the session ID. `unknown`: none of these fits.
"""

_SURE = 0.99


@dataclass(frozen=True, slots=True)
class SessionRuns:
    """The runs of the session experiment. A run that was not needed is None.

    Attributes:
        plain: no cookies, a connection for each request.
        cookies: the clients keep cookies.
        connection: each client keeps its connection.
        sources: each client changes its address.
        forwarded: each request claims another address in X-Forwarded-For.
        id_names_instance: whether the session IDs have parts that the server does not make.
    """

    plain: SessionRun
    cookies: SessionRun | None = None
    connection: SessionRun | None = None
    sources: SessionRun | None = None
    forwarded: SessionRun | None = None
    id_names_instance: bool = False


@dataclass(frozen=True, slots=True)
class Affinity:
    """The result of the session experiment.

    Attributes:
        looks_like: how the endpoint treats sessions.
        sessions: number of sessions of the plain run.
        lost: how many of them were lost at their first use.
        loss: the rate of loss with its interval; None without sessions.
        instances: the number of instances; None if it cannot be told.
    """

    looks_like: Balancing
    sessions: int
    lost: int
    loss: ConfidenceInterval | None
    instances: ConfidenceInterval | None


def affinity(runs: SessionRuns) -> Affinity:
    """Say how the endpoint treats sessions."""
    plain = runs.plain
    count = len(plain.sessions)
    if not count:
        return Affinity("none-needed", 0, 0, None, None)
    loss = wilson(plain.lost, count)
    kind = _kind(runs)
    told = instances(loss) if kind in ("round-robin", "hash-of-session-id", "cookie", "connection") else None
    return Affinity(kind, count, plain.lost, loss, told)


def _kind(runs: SessionRuns) -> Balancing:
    plain = runs.plain
    if not plain.touched:
        if _loses(runs.sources) or _loses(runs.forwarded):
            return "address"
        return "rewritten" if runs.id_names_instance else "kept"
    if _keeps_all(runs.cookies):
        return "cookie"
    if _keeps_all(runs.connection):
        return "connection"
    outcomes = [[use for use in session.outcomes if use != "failed"] for session in plain.sessions]
    used = [uses for uses in outcomes if len(uses) > 1]
    if used and all(use == "lost" for uses in used for use in uses) and len(used) > 1:
        return "replaced-id"
    if used and all("lost" not in uses[1:] for uses in used):
        return "late-table"
    if any(len(set(uses)) > 1 for uses in used):
        return "round-robin"
    return "hash-of-session-id" if _is_unlikely_by_chance(used) else "unknown"


def _is_unlikely_by_chance(used: Sequence[Sequence[str]]) -> bool:
    """Whether sessions that are each always kept or always lost cannot come from a choice at each request."""
    kept = sum(uses.count("kept") for uses in used) / max(1, sum(len(uses) for uses in used))
    chance = 1.0
    for uses in used:
        chance *= kept ** len(uses) + (1 - kept) ** len(uses)
    return chance < 1 - _SURE


def _keeps_all(run: SessionRun | None) -> bool:
    return run is not None and bool(run.sessions) and not run.touched


def _loses(run: SessionRun | None) -> bool:
    return run is not None and run.touched > 0
