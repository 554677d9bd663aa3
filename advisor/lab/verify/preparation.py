"""Derive from a decision what a verification starts: processes, proxy and predicted cells. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.lab.fleet.front import MOST_PROXIES, Front, front_of
from advisor.lab.fleet.plan import MOST_WORKERS, Extras
from advisor.lab.verify.prediction import PredictedCell, PredictedTable, cells, tables
from advisor.requirements import Requirements
from advisor.requirements.completion import changed

MOST_INSTANCES = 5
"""The maximum number of instances of a tier, unless the user sets a number. More instances show nothing new."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """The fleet to start and the cells to check.

    Attributes:
        decision: the decision to verify.
        kit: the context of the kit.
        cells: the predicted cells.
        front: the proxy in front of the servers.
        instances: number of instances to run, by name of the tier.
        extras: the additions of the lab to the kit's server.
        other_proxy: whether the run uses a temporary kit for another proxy instead of the user's kit.
        notes: remarks on how the verification runs.
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
        """The names of the programs that must be installed."""
        redis = ("redis-server",) if self.kit.uses_redis or self.extras.redis else ()
        return ("uv", *self.front.programs, *redis)


def prepare(requirements: Requirements, advisor: Advisor, *, proxy: str = "", instances: int = 0) -> Preparation:
    """Decide what to start.

    Args:
        requirements: the requirements of the deployment.
        advisor: makes the decision.
        proxy: nginx, envoy, haproxy or none instead of the kit's own proxy; "" for the kit's own.
        instances: number of instances of each tier that can have several; 0 for the number in the decision.

    Raises:
        InfeasibleError: the requirements contradict each other.
    """
    notes = []
    decision = advisor.decide(requirements)
    kit = kit_context(decision)
    other = proxy not in ("", "none", kit.proxy)
    if other:
        other_proxy = {"environment.proxy.kind": proxy, "environment.proxy.version": None}
        decision = advisor.decide(changed(requirements, other_proxy, advisor.space))
        kit = kit_context(decision)
        notes.append(f"This run uses a new decision for the proxy {proxy}: {kit.summary}.")
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
        notes.append(
            "In this run each client reaches one process only. The expected outcomes are those of one process."
        )
    elif kit.serves_modern and _keyed_on_client(kit):
        notes.append(
            "Modern clients sent no cookies and used changing addresses. Their expected outcomes do not depend on the "
            "instance that a request reaches."
        )
    if proxy == "none" and len(kit.tiers) > 1:
        notes.append("There is no proxy, so modern clients call each tier at the address of the tier.")
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
    """Whether session affinity uses a cookie or the address of the client instead of the session ID."""
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
                notes.append(f"One instance{name} runs, because the decision has one instance.")
        elif wanted:
            counts[tier.name] = wanted
        else:
            # An autoscaler can start with one process. The prediction applies to several processes.
            decided = tier.instances if tier.instances * tier.workers > 1 else 2
            counts[tier.name] = min(decided, MOST_INSTANCES)
            if decided > MOST_INSTANCES:
                notes.append(f"{MOST_INSTANCES} of the {decided} instances{name} run; --instances sets another number.")
            elif decided > tier.instances:
                notes.append(f"{decided} instances{name} run, because the deployment can have several instances.")
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
