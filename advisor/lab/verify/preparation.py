"""From a decision to what a verification starts: how many processes, what stands in front, what is predicted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.lab.fleet.front import MOST_PROXIES, Front, front_of
from advisor.lab.fleet.plan import MOST_WORKERS, Extras
from advisor.lab.verify.prediction import PredictedCell, PredictedTable, cells, tables
from advisor.requirements import Requirements

MOST_INSTANCES = 5
"""How many instances of a tier run at most unless the user says otherwise: more show nothing new."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is to be started and checked.

    Attributes:
        decision: what is verified.
        kit: the kit's context.
        cells: what is predicted.
        front: what stands in front.
        instances: how many to run, by tier name.
        extras: what the lab adds to the kit's server.
        other_proxy: whether the kit is not the user's, but a kit for another proxy.
        notes: what the reader should know of how it is run.
    """

    decision: Decision
    kit: KitContext
    cells: tuple[PredictedCell, ...]
    front: Front
    instances: Mapping[str, int]
    extras: Extras
    other_proxy: bool
    notes: tuple[str, ...]

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that must be installed."""
        redis = ("redis-server",) if self.kit.uses_redis or self.extras.redis else ()
        return ("uv", *self.front.programs, *redis)


def prepare(requirements: Requirements, advisor: Advisor, *, proxy: str = "", instances: int = 0) -> Preparation:
    """Decide what to start.

    Args:
        requirements: of the deployment.
        advisor: decides them.
        proxy: nginx, envoy, haproxy or none instead of the kit's own proxy; "" for the kit's own.
        instances: how many of each tier that may have several; 0 for as many as decided.

    Raises:
        InfeasibleError: the requirements contradict each other.
    """
    notes = []
    decision = advisor.decide(requirements)
    kit = kit_context(decision)
    other = proxy not in ("", "none", kit.proxy)
    if other:
        changed = {"environment.proxy.kind": proxy, "environment.proxy.version": None}
        decision = advisor.decide(replace(requirements, values={**requirements.values, **changed}))
        kit = kit_context(decision)
        notes.append(f"Decided again for {proxy}: {kit.summary}.")
    if kit.proxy and kit.proxy_replicas > MOST_PROXIES and proxy != "none":
        notes.append(f"{MOST_PROXIES} of the {kit.proxy_replicas} proxies run.")
    counts, said = _counts(decision, kit, tables(decision, advisor), instances)
    notes += said
    processes = sum(counts[tier.name] * min(tier.workers, MOST_WORKERS) for tier in kit.tiers)
    front = front_of(
        kit,
        kind=decision.requirements["environment.proxy.kind"],
        holds=decision.requirements["environment.proxy.sse"] is False and proxy != "none",
        processes=processes,
        straight=proxy == "none",
    )
    alone = front.program is None or processes == 1
    predicted = tables(decision, advisor, alone=alone)
    if alone and any(table.many for table in tables(decision, advisor)):
        notes.append("Each client has to do with one process only, so the cells are those of one process.")
    elif "modern" in kit.eras and _keyed_on_client(kit):
        notes.append(
            "Modern clients came without cookies and from changing addresses: what is predicted of them holds wherever "
            "a request lands."
        )
    if proxy == "none" and len(kit.tiers) > 1:
        notes.append("Without a proxy, modern clients reach each tier at its own address.")
    return Preparation(
        decision=decision,
        kit=kit,
        cells=cells(kit, predicted, advisor),
        front=front,
        instances=counts,
        extras=_extras(decision, kit, any(table.many for table in predicted)),
        other_proxy=other,
        notes=tuple(notes),
    )


def _keyed_on_client(kit: KitContext) -> bool:
    """Whether something of the client (a cookie, its address) leads to the owner of a session, and not its id."""
    mechanisms = [kit.mechanism(tier) for tier in kit.tiers]
    return any(mechanism is not None and mechanism.keyed_on != "session-id" for mechanism in mechanisms)


def _counts(
    decision: Decision, kit: KitContext, predicted: tuple[PredictedTable, ...], wanted: int
) -> tuple[dict[str, int], list[str]]:
    counts, notes = {}, []
    for tier, table in zip(kit.tiers, predicted, strict=True):
        name = "" if table.tier is None else f" of the tier {tier.name}"
        if not table.many:
            counts[tier.name] = 1
            if wanted > 1 and tier.pattern == "single-instance":
                notes.append(f"One instance{name} is decided, so one runs.")
        elif wanted:
            counts[tier.name] = wanted
        else:
            # One process now and more tomorrow (an autoscaler): what is predicted is what several do.
            decided = tier.instances if tier.instances * tier.workers > 1 else 2
            counts[tier.name] = min(decided, MOST_INSTANCES)
            if decided > MOST_INSTANCES:
                notes.append(f"{MOST_INSTANCES} of the {decided} instances{name} run; --instances sets another number.")
            elif decided > tier.instances:
                notes.append(f"{decided} instances{name} run, since there may be several.")
        if tier.workers > MOST_WORKERS:
            notes.append(f"{MOST_WORKERS} of the {tier.workers} workers of each instance{name} run.")
    return counts, notes


def _extras(decision: Decision, kit: KitContext, many: bool) -> Extras:
    shared = many and decision.requirements["operations.shared_store"] == "redis"
    modern = kit.serves_modern
    return Extras(
        key=many and modern and not kit.needs_sealing_keys,
        redis=shared,
        bus=shared and modern and not kit.needs_bus,
        events=not kit.needs_event_store,
    )
