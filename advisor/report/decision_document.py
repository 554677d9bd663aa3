"""A decision as a document: what `recommend --format json` prints, and decision.json of a kit."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, TypedDict

from advisor.decision.model import CapacityAdvice, Flags
from advisor.documents import OPTIONAL
from advisor.engine.table import Tried
from advisor.knowledge.failures import Felt, Handles, Others, Running, Then
from advisor.knowledge.types import Era, Need, Raw
from advisor.knowledge.vocabulary import FeatureId, Keeping, Mechanism, Pattern, Seen, Substitute

RawFacts: TypeAlias = Annotated[dict[str, Raw], "Facts of the requirements file by their dotted names."]
Instances: TypeAlias = Annotated[int, {"minimum": 1}]


class AffinityRecord(TypedDict):
    """How the requests of a session find its owner."""

    mechanism: Mechanism
    because: Annotated[str, OPTIONAL]


class TierRecord(TypedDict):
    """A part of a tiered deployment.

    Attributes:
        code: the Python that sets the flags.
    """

    name: str
    flags: Flags
    pattern: Pattern
    tools: list[str]
    instances: Instances
    affinity: AffinityRecord
    code: str


class EraRecord(TypedDict):
    """What clients of an era observe of a feature.

    Attributes:
        call: the way of asking that fares best, as written in server code.
        named: whether the requirements name this era.
        status: derived: the topology decided.
    """

    outcome: Seen
    call: str | None
    how: str
    evidence: str
    named: bool
    status: Literal["measured", "reported", "derived"]


class FeatureRecord(TypedDict):
    """What becomes of a feature.

    Attributes:
        documented: what guides say, where it differs from what was measured.
        instead: what to do without it, where it is needed and lost.
        substituted: whether the decision replaces it.
    """

    feature: FeatureId
    need: Need
    legacy: EraRecord
    modern: EraRecord
    documented: str | None
    instead: str | None
    substituted: bool


class StepRecord(TypedDict):
    """A table on the way to the decision, and the rule that fired."""

    question: str
    rule: str
    facts: RawFacts
    because: str
    sources: list[str]
    table: str


class DifferenceRecord(TypedDict):
    """What another decision has that this decision has not."""

    pattern: Annotated[Pattern, OPTIONAL]
    feasible: Annotated[bool, OPTIONAL]
    flags: Annotated[Flags, OPTIONAL]
    affinity: Annotated[AffinityRecord, OPTIONAL]
    substitute: Annotated[Substitute, OPTIONAL]


class CounterfactualRecord(TypedDict):
    """A change of the requirements that changes the decision.

    Attributes:
        then: only what differs from this decision.
    """

    change: RawFacts
    then: Annotated[DifferenceRecord, {"minProperties": 1}]


class AlternativeRecord(TypedDict):
    """Another decision that is possible, and what it gives up."""

    pattern: Pattern
    flags: Flags
    affinity: AffinityRecord
    change: RawFacts
    gives_up: list[str]
    how: str
    because: str


class WarningRecord(TypedDict):
    """A warning."""

    id: str
    severity: Literal["high", "medium", "low"]
    message: str
    fix: str
    sources: list[str]


class InferredRecord(TypedDict):
    """A fact that something else in the requirements implies."""

    value: Any
    because: str


class SdkRecord(TypedDict):
    """The SDK that was asked for, and the release that this means."""

    asked: str
    release: str


class AttemptRecord(TypedDict):
    """A rule that was tried."""

    rule: str
    title: str
    matched: bool
    fired: bool
    conditions: list[Tried]


class TraceRecord(TypedDict):
    """The rules of a table that were tried."""

    table: str
    rules: list[AttemptRecord]


class ExpectedFailureRecord(TypedDict):
    """What clients of a kit see when something fails.

    Attributes:
        event: what happens: an id of rules/failures.yaml.
        title: the same in words.
        tier: null in a single-tier deployment.
        keeping: how the requests of a session find its owner.
        clients: what clients see, in words.
        then: what calls see from the event on.
        running: what becomes of a call that runs there.
        others: what sessions of other instances see.
        felt: what clients see at least.
        lost_at_most: share of lost sessions.
        handles: what becomes of state handles in the shared store; null without a store.
    """

    event: str
    title: str
    tier: str | None
    era: Era
    keeping: Keeping
    clients: str
    then: Then
    running: Running
    others: Others
    felt: list[Felt]
    lost_at_most: Annotated[float, {"minimum": 0, "maximum": 1}]
    handles: Handles | None


class DecisionDocument(TypedDict):
    """A decision of mcp-advisor, version 1.

    Attributes:
        feasible: whether every required feature is kept.
        flags: a contradiction has none.
        capacity: what the instances carry; null for a contradiction.
        defaults: what was assumed because the file does not say it.
        inferred: what tools and client applications that the file names imply.
        substitute: what stands in for a feature that is lost.
        code: the Python that sets the flags; a tiered deployment has it in each tier.
        trace: every rule that was tried (--explain).
        expected_failures: in a kit, what its clients see when something fails.
    """

    schema: Literal["mcp-advisor/decision/1"]
    service: str
    feasible: bool
    flags: Annotated[Flags, OPTIONAL]
    pattern: Pattern
    affinity: AffinityRecord
    tiers: list[TierRecord]
    instances: Instances
    capacity: CapacityAdvice | None
    features: list[FeatureRecord]
    path: list[StepRecord]
    counterfactuals: list[CounterfactualRecord]
    alternatives: list[AlternativeRecord]
    warnings: list[WarningRecord]
    defaults: RawFacts
    inferred: dict[str, InferredRecord]
    substitute: Substitute
    sdk: SdkRecord
    code: Annotated[str, OPTIONAL]
    trace: Annotated[list[TraceRecord], OPTIONAL]
    expected_failures: Annotated[list[ExpectedFailureRecord], OPTIONAL]


CheckedDecision: TypeAlias = Annotated[
    DecisionDocument,
    {
        "if": {"properties": {"feasible": {"const": True}}},
        "then": {"required": ["flags"]},
        "else": {"properties": {"flags": False, "code": False}},
    },
]
"""Only a contradiction has no flags."""


class ProblemRecord(TypedDict):
    """Something wrong in a requirements file.

    Attributes:
        key: the dotted key, or empty for the file as a whole.
        hint: what is allowed or what was probably meant, or empty.
    """

    key: str
    line: int | None
    message: str
    hint: str


class FileErrors(TypedDict):
    """A requirements file that could not be used."""

    file: str
    problems: list[ProblemRecord]


class DecisionOfFile(DecisionDocument, TypedDict):
    """The decision of one of several files.

    Attributes:
        file: where its requirements stand.
    """

    file: str


class DecisionsDocument(TypedDict):
    """The decisions of several requirements files, version 1.

    Attributes:
        errors: the files that could not be used.
    """

    schema: Literal["mcp-advisor/decisions/1"]
    decisions: list[DecisionOfFile]
    errors: list[FileErrors]
