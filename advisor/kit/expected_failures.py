"""What clients of a kit should see when something fails: the rows of rules/failures.yaml that apply to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from advisor.documents import document
from advisor.errors import KnowledgeError
from advisor.kit.model import KitContext, TierContext
from advisor.knowledge import Knowledge
from advisor.knowledge.failures import OTHER, ExpectedBehaviour, FailureCase, FailureEvent, Handles, behaviour_for
from advisor.knowledge.types import ERAS, Era
from advisor.report.decision_document import ExpectedFailureRecord


@dataclass(frozen=True, slots=True)
class ExpectedFailure:
    """What clients of an era should see of an event.

    Attributes:
        tier: the part of the deployment that the event concerns.
        event: what happens.
        era: of the clients.
        keeping: how the sessions of the tier find their owner.
        expected: the row of rules/failures.yaml.
        clients: what clients see, in words.
        handles: what becomes of state handles in the shared store; None where the kit keeps none there.
    """

    tier: TierContext
    event: FailureEvent
    era: Era
    keeping: str
    expected: ExpectedBehaviour
    clients: str
    handles: Handles | None = None


def keeping(tier: TierContext, instances: int = 0) -> str:
    """How the requests of a session find its owner, as rules/failures.yaml calls it.

    Args:
        tier: the tier.
        instances: how many run; 0 for as many as are decided; with an autoscaler, its upper end.
    """
    many = (instances or tier.max_instances) > 1
    if tier.stateless_http:
        return "stateless" if many else "stateless-single"
    return tier.mechanism if many and tier.mechanism != "none" else "single-instance"


def expected_failures(
    kit: KitContext, knowledge: Knowledge, instances: Mapping[str, int] | None = None
) -> list[ExpectedFailure]:
    """What the eras that the requirements name should see, tier by tier, event by event.

    Args:
        kit: the kit.
        knowledge: the events and the rows.
        instances: how many instances run, by tier name; as many as are decided by default.

    Raises:
        KnowledgeError: no row describes a case, which `rules check` would have found.
    """
    happens = {"instance": True, "proxy": bool(kit.proxy), "redis": kit.uses_redis}
    found = [
        _expected(kit, tier, event, era, knowledge, (instances or {}).get(tier.name, 0))
        for tier in kit.tiers
        for event in knowledge.events
        if happens[event.strikes]
        for era in ERAS
        if era in kit.eras
    ]
    return [failure for failure in found if failure.expected.then != "does-not-apply"]


def failure_records(kit: KitContext, knowledge: Knowledge) -> list[ExpectedFailureRecord]:
    """The array `expected_failures` of the kit's decision.json."""
    return [failure_record(failure, kit) for failure in expected_failures(kit, knowledge)]


def failure_record(failure: ExpectedFailure, kit: KitContext) -> ExpectedFailureRecord:
    """An entry of that array; the words of its values are those of rules/failures.yaml."""
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
    """Whether tools of the kit keep state behind handles in a store that its instances share."""
    return kit.uses_redis and kit.feature("session_state") is not None


def _expected(
    kit: KitContext, tier: TierContext, event: FailureEvent, era: Era, knowledge: Knowledge, instances: int
) -> ExpectedFailure:
    kept = keeping(tier, instances)
    proxy = kit.proxy or OTHER
    case = FailureCase(event.id, kept, era, "json" if tier.json_response else "sse", proxy)
    found = behaviour_for(case, knowledge.promises)
    if found is None:
        raise KnowledgeError(f"rules/failures.yaml: no promise for {event.id}, {kept}, {era}, {proxy}")
    own = f"{kit.idle_timeout_s} s at most"
    idle = own if kit.proxy else "at most as long as the balancer allows silence"
    clients = found.clients.replace("{idle}", idle)
    if not shares_handles(kit):
        return ExpectedFailure(tier, event, era, kept, found, clients)
    said = f"{clients} {knowledge.phrases[f'handles.{found.handles}']}"
    return ExpectedFailure(tier, event, era, kept, found, said, found.handles)
