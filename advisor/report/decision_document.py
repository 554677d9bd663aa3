"""Declares the JSON documents of decisions: the output of `recommend --format json`, and decision.json of a kit."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, TypedDict

from advisor.decision.capacity_advice import CapacityAdvice
from advisor.decision.core import Flags
from advisor.documents import OPTIONAL
from advisor.engine.table import CheckedCondition
from advisor.knowledge.failures import Felt, Handles, Others, Running, Then
from advisor.knowledge.types import Era, Need, Raw, StatedNeed
from advisor.knowledge.vocabulary import FeatureId, FeatureOutcome, Keeping, MechanismId, Pattern, Substitute
from advisor.report.finding_record import ProblemRecord, WarningRecord

RawFacts: TypeAlias = Annotated[dict[str, Raw], "Facts of the requirements file by their dotted keys."]
Edits: TypeAlias = Annotated[
    dict[str, Raw], "Keys of the requirements file, such as tools[0].needs.sampling; null removes the key."
]
Instances: TypeAlias = Annotated[int, {"minimum": 1}]


class AffinityRecord(TypedDict):
    """How the requests of a session reach the instance that owns the session."""

    mechanism: MechanismId
    because: Annotated[str, OPTIONAL]


class ModesRecord(TypedDict):
    """The modes of a server that is not written in Python: what the flag pair is for a Python server.

    Attributes:
        sessions: whether the server keeps sessions.
    """

    sessions: bool
    response: Literal["sse", "json"]


class SwitchRecord(TypedDict):
    """How to set a mode in the SDK of the server.

    Attributes:
        mode: `sessions`, `response mode` or `transport`.
    """

    mode: str
    how: str


class TierRecord(TypedDict):
    """A tier of a tiered deployment.

    Attributes:
        flags: the flag pair of a Python server.
        modes: the modes of a server in another language.
        code: the Python code that sets the flags.
        switches: how to set the modes of a server in another language.
    """

    name: str
    flags: Annotated[Flags, OPTIONAL]
    modes: Annotated[ModesRecord, OPTIONAL]
    pattern: Pattern
    tools: list[str]
    instances: Instances
    affinity: AffinityRecord
    code: Annotated[str, OPTIONAL]
    switches: Annotated[list[SwitchRecord], OPTIONAL]


class EraRecord(TypedDict):
    """The outcome of a feature for the clients of a protocol era.

    Attributes:
        call: the call with the best outcome, as written in server code.
        how: how the messages of the call are sent, or why the feature does not work.
        evidence: the measurement or the rule behind the outcome.
        named: whether the requirements name this era.
        status: `derived` if the outcome follows from the topology; `assumed` if another release or another server was
            measured.
    """

    outcome: FeatureOutcome
    call: str | None
    how: str
    evidence: str
    named: bool
    status: Literal["measured", "reported", "assumed", "derived"]


class FeatureRecord(TypedDict):
    """The outcome of a feature.

    Attributes:
        documented: what published guides say, if it contradicts the observed result.
        need: the need as the requirements state it.
        counted_as: the need that the decision uses, if the requirements state `unknown`.
        instead: what to do instead of the feature, if the feature is needed and lost.
        substituted: whether the decision replaces the feature.
    """

    feature: FeatureId
    need: StatedNeed
    counted_as: Annotated[Need, OPTIONAL]
    legacy: EraRecord
    modern: EraRecord
    documented: str | None
    instead: str | None
    substituted: bool


class StepRecord(TypedDict):
    """A step of the decision: a decision table, and the rule of the table that decides."""

    question: str
    rule: str
    facts: RawFacts
    because: str
    sources: list[str]
    table: str


class DifferenceRecord(TypedDict):
    """The parts of another decision that differ from this decision."""

    pattern: Annotated[Pattern, OPTIONAL]
    feasible: Annotated[bool, OPTIONAL]
    flags: Annotated[Flags, OPTIONAL]
    modes: Annotated[ModesRecord, OPTIONAL]
    affinity: Annotated[AffinityRecord, OPTIONAL]
    substitute: Annotated[Substitute, OPTIONAL]


class CounterfactualRecord(TypedDict):
    """A change of the requirements that leads to another decision.

    Attributes:
        then: the parts of the new decision that differ from this decision.
    """

    change: Edits
    then: Annotated[DifferenceRecord, {"minProperties": 1}]


class UnsureRecord(TypedDict):
    """A need that the requirements state as `unknown`.

    Attributes:
        kept: whether the deployment keeps the feature without a change.
        then: if the feature is not kept, what differs if a tool requires it.
    """

    feature: FeatureId
    kept: bool
    then: Annotated[DifferenceRecord, OPTIONAL]


class OtherReleaseRecord(TypedDict):
    """An SDK release that changes the decision, if the requirements leave the release open.

    Attributes:
        release: the release, such as `mcp==1.30.0`.
        before: for older releases of the same SDK line, the first release without this change.
        then: the parts of the decision that differ.
        loses: the needed features that only this release loses.
        keeps: the needed features that only this release keeps.
        calls: the needed features that work with other calls in the code of the server.
        adds: the high-severity warnings that only this release has.
        removes: the high-severity warnings that this release does not have.
    """

    release: str
    before: Annotated[str, OPTIONAL]
    then: Annotated[DifferenceRecord, OPTIONAL]
    loses: list[FeatureId]
    keeps: list[FeatureId]
    calls: list[FeatureId]
    adds: list[str]
    removes: list[str]


class AlternativeRecord(TypedDict):
    """Another possible decision.

    Attributes:
        change: the keys to edit; empty if the requirements stay as they are.
        gives_up: the needed features that this decision loses.
        how: how to make the change.
    """

    pattern: Pattern
    flags: Annotated[Flags, OPTIONAL]
    modes: Annotated[ModesRecord, OPTIONAL]
    affinity: AffinityRecord
    change: Edits
    gives_up: list[str]
    how: str
    because: str


class InferredRecord(TypedDict):
    """A value that other requirements imply."""

    value: Any
    because: str


class SdkRecord(TypedDict):
    """The SDK as the requirements name it, and the release that the decision uses.

    Attributes:
        measured: whether the release in the requirements was measured. For an SDK line, the newest measured release is
            used, so the value is true.
    """

    asked: str
    release: str
    measured: bool


class AttemptRecord(TypedDict):
    """A rule that was checked.

    Attributes:
        matched: whether all conditions of the rule are true.
        fired: whether the rule decides.
    """

    rule: str
    title: str
    matched: bool
    fired: bool
    conditions: list[CheckedCondition]


class TraceRecord(TypedDict):
    """The rules of a table that were checked.

    Attributes:
        tier: the tier for which the rules were checked; without this key, the entire deployment.
    """

    table: str
    tier: Annotated[str, OPTIONAL]
    rules: list[AttemptRecord]


class ExpectedFailureRecord(TypedDict):
    """The expected behaviour of a kit when a failure or a restart happens.

    Attributes:
        event: the event, an id of rules/failures.yaml.
        title: the event in words.
        tier: the tier; null in a deployment without tiers.
        keeping: how the requests of a session reach the instance that owns the session.
        clients: what clients notice, in words.
        then: the result of calls after the event.
        running: the result of a call that runs on the target of the event.
        others: the result for sessions of the other instances.
        felt: the effects that clients must notice.
        lost_at_most: the largest share of sessions that are lost, from 0 to 1.
        handles: the result for state handles in the shared store; null without a store.
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
        feasible: whether the decision keeps every required feature.
        flags: the flag pair of a Python server. A contradiction has no flags.
        modes: the modes of a server in another language. A contradiction has no modes.
        switches: how to set the modes of a server without the Python flags.
        assumption: what is assumed about the features of a server that is not measured.
        capacity: the capacity of the instances; null for a contradiction, or without a measurement.
        defaults: the default values of facts that the requirements do not state.
        inferred: the values that the tools and client applications of the requirements imply.
        unsure: the needs that the requirements state as `unknown`.
        releases: the SDK releases that change the decision, if the requirements leave the release open.
        substitute: the substitute for a lost feature, or `none`.
        code: the Python code that sets the flags. In a tiered deployment, each tier has its own code.
        trace: the rules that were checked (--explain).
        expected_failures: in a kit, the expected behaviour when a failure or a restart happens.
    """

    schema: Literal["mcp-advisor/decision/1"]
    service: str
    feasible: bool
    flags: Annotated[Flags, OPTIONAL]
    modes: Annotated[ModesRecord, OPTIONAL]
    switches: Annotated[list[SwitchRecord], OPTIONAL]
    assumption: Annotated[str, OPTIONAL]
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
    unsure: list[UnsureRecord]
    releases: list[OtherReleaseRecord]
    substitute: Substitute
    sdk: SdkRecord
    code: Annotated[str, OPTIONAL]
    trace: Annotated[list[TraceRecord], OPTIONAL]
    expected_failures: Annotated[list[ExpectedFailureRecord], OPTIONAL]


CheckedDecision: TypeAlias = Annotated[
    DecisionDocument,
    {
        "if": {"properties": {"feasible": {"const": True}}},
        "then": {"anyOf": [{"required": ["flags"]}, {"required": ["assumption"]}]},
        "else": {"properties": {"flags": False, "modes": False, "switches": False, "code": False}},
    },
]
"""A decision for the schema. A contradiction has no flags and no code. Other decisions of Python servers have flags."""


class FileErrors(TypedDict):
    """An invalid requirements file."""

    file: str
    problems: list[ProblemRecord]


class DecisionOfFile(DecisionDocument, TypedDict):
    """The decision for one of several files.

    Attributes:
        file: the requirements file.
    """

    file: str


class DecisionsDocument(TypedDict):
    """The decisions of several requirements files, version 1.

    Attributes:
        errors: the invalid files.
    """

    schema: Literal["mcp-advisor/decisions/1"]
    decisions: list[DecisionOfFile]
    errors: list[FileErrors]
