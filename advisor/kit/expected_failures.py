"""The expected behaviour for clients when something fails: the rows of rules/failures.yaml for one kit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from advisor.documents import document
from advisor.errors import KnowledgeError
from advisor.kit.model import KitContext, TierContext
from advisor.knowledge.failures import (
    OTHER,
    Answers,
    ExpectedBehaviour,
    FailureCase,
    FailureEvent,
    Handles,
    behaviour_for,
)
from advisor.knowledge.types import ERAS, Era
from advisor.report.decision_document import ExpectedFailureRecord


@dataclass(frozen=True, slots=True)
class ExpectedFailure:
    """The expected behaviour of an event for the clients of one protocol era.

    Attributes:
        tier: the tier that the event affects.
        event: the event.
        era: the protocol era of the clients.
        keeping: how requests of a session find its owner, in the words of rules/failures.yaml.
        expected: the row of rules/failures.yaml.
        clients: what clients notice, in words.
        handles: what happens to state handles in the shared store; None if the kit stores none there.
    """

    tier: TierContext
    event: FailureEvent
    era: Era
    keeping: str
    expected: ExpectedBehaviour
    clients: str
    handles: Handles | None = None


def keeping(tier: TierContext, instances: int = 0) -> str:
    """Return how the requests of a session find its owner, in the words of rules/failures.yaml.

    Args:
        tier: the tier.
        instances: number of running instances; 0 means the number in the decision (with an autoscaler, its maximum).
    """
    many = (instances or tier.max_instances) > 1
    if tier.stateless_http:
        return "stateless" if many else "stateless-single"
    return tier.mechanism if many and tier.mechanism != "none" else "single-instance"


def expected_failures(kit: KitContext, instances: Mapping[str, int] | None = None) -> list[ExpectedFailure]:
    """Return the expected behaviour for each tier, each event and each protocol era that the requirements name.

    Args:
        kit: the kit.
        instances: tier name → number of running instances; the default is the number in the decision.

    Returns:
        Nothing for a server in a single file: it runs on a developer's machine, and nothing restarts or drains it.

    Raises:
        KnowledgeError: no row describes a case. `rules check` finds this error.
    """
    return [failure for failure in _every(kit, instances or {}) if _applies(failure)]


def failure_records(kit: KitContext) -> list[ExpectedFailureRecord]:
    """Return the array `expected_failures` of the kit's decision.json.

    If an event applies to a single tier of several, the array also says why it does not apply to the other tiers.
    Without these rows, a reader could believe that the event is harmless for them.
    """
    every = _every(kit, {})
    happening = {failure.event.id for failure in every if _applies(failure)}
    return [failure_record(failure, kit) for failure in every if failure.event.id in happening]


def failure_record(failure: ExpectedFailure, kit: KitContext) -> ExpectedFailureRecord:
    """Return an entry of the array `expected_failures`. Its values are the words of rules/failures.yaml."""
    return document(
        ExpectedFailureRecord,
        failure.expected,
        event=failure.event.id,
        title=failure.event.title,
        tier=failure.tier.name if kit.tiered else None,
        era=failure.era,
        keeping=failure.keeping,
        clients=failure.clients,
        handles=failure.handles,
    )


def shares_handles(kit: KitContext) -> bool:
    """Whether the kit's tools store state in Redis, where all instances find it by its state handle."""
    return kit.uses_redis and kit.feature("session_state") is not None


def _applies(failure: ExpectedFailure) -> bool:
    return failure.expected.then != "does-not-apply"


def _every(kit: KitContext, instances: Mapping[str, int]) -> list[ExpectedFailure]:
    """Return the behaviour for each tier, event and era, also for events that cannot happen to a tier."""
    if kit.plain:
        return []
    happens = {"instance": True, "proxy": bool(kit.proxy), "redis": kit.uses_redis}
    return [
        _expected(kit, tier, event, era, instances.get(tier.name, 0))
        for tier in kit.tiers
        for event in kit.knowledge.events
        if happens[event.strikes]
        for era in ERAS
        if era in kit.eras
    ]


def _expected(kit: KitContext, tier: TierContext, event: FailureEvent, era: Era, instances: int) -> ExpectedFailure:
    kept = keeping(tier, instances)
    proxy = kit.proxy or OTHER
    answers: Answers = "json" if tier.json_response else "sse"
    case = FailureCase(event.id, kept, era, answers, proxy, kit.proxy_replicas > 1)
    found = behaviour_for(case, kit.knowledge.promises)
    if found is None:
        raise KnowledgeError(f"rules/failures.yaml: no row for {event.id}, {kept}, {era}, {proxy}")
    own = f"{kit.idle_timeout_s} s at most"
    idle = own if kit.proxy else "at most until the idle timeout of the load balancer"
    clients = found.clients.format(idle=idle)
    if not shares_handles(kit):
        return ExpectedFailure(tier, event, era, kept, found, clients)
    said = f"{clients} {kit.knowledge.phrases[f'handles.{found.handles}']}"
    return ExpectedFailure(tier, event, era, kept, found, said, found.handles)
