"""Declares the JSON document of a comparison, and makes it: the output of `compare --format json`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from advisor.decision.comparison import Comparison, DeploymentOption
from advisor.decision.core import Flags
from advisor.decision.model import Decision
from advisor.documents import OPTIONAL, Count, document, plain
from advisor.knowledge.options import EstimateLevel, EstimateSubject
from advisor.knowledge.types import Raw
from advisor.knowledge.vocabulary import FeatureId, MechanismId, Pattern, Substitute
from advisor.report import comparison_wording as wording
from advisor.report.decision_document import Edits, FeatureRecord, ModesRecord
from advisor.report.decision_json import feature_record, mode_keys


class BarrierRecord(TypedDict):
    """A fact that forbids an option.

    Attributes:
        fact: the id of the fact.
        words: the fact in a sentence without its full stop.
        plain: the fact in words for a reader without technical knowledge.
    """

    fact: str
    value: Raw
    words: str
    plain: str


class EstimateRecord(TypedDict):
    """A coarse estimate.

    Attributes:
        id: the entry of rules/options.yaml.
        text: the estimate in a sentence without technical terms.
        because: how the estimate was made.
    """

    id: str
    level: EstimateLevel
    text: str
    because: str
    sources: list[str]


class MechanismRecord(TypedDict):
    """How the requests of a session reach the instance that owns the session."""

    mechanism: MechanismId


class OptionTierRecord(TypedDict):
    """A tier of an option.

    Attributes:
        flags: the flag pair of a Python server.
        modes: the modes of a server in another language.
    """

    name: str
    flags: Annotated[Flags, OPTIONAL]
    modes: Annotated[ModesRecord, OPTIONAL]
    tools: list[str]


class LossRecord(TypedDict):
    """Why an option loses.

    Attributes:
        criterion: the first criterion of `order` that another option fulfils better.
        because: the reason in a sentence.
        plain: the reason for a reader without technical knowledge.
    """

    criterion: str
    because: str
    plain: str


class WinRecord(TypedDict):
    """The smallest change that makes an option the decision.

    Attributes:
        change: the keys of the requirements file to edit. It is empty if the file must list the tools.
        effort: 1 (small) to 5 (large) for each fact; null if no team makes the change, such as a tool with other needs.
        how: how to make the change.
    """

    change: Edits
    effort: int | None
    how: str


class OptionRecord(TypedDict):
    """A configuration with a flag pair.

    Attributes:
        kind: the pattern, with `+direct-llm` if the server calls a language model instead of sampling.
        configuration: the entry of rules/configurations.yaml.
        name: a short name for a reader without technical knowledge.
        flags: the flag pair of a Python server. For tiers, it is the flag pair of the stateless tier.
        modes: the modes of a server in another language.
        chosen: whether the option is the decision.
        possible: whether the stated facts allow the option.
        required_lost: the required features that the option loses.
        preferred_lost: the preferred features that the option loses.
        features: the feature table. For an option that is not possible, this is the table without its barriers.
        loses: why the option loses; null for the decision.
        wins: the smallest change that makes the option the decision; null without such a change.
        searched: the largest number of facts that the search for `wins` changed together.
    """

    kind: str
    configuration: str
    name: str
    means: str
    pattern: Pattern
    flags: Annotated[Flags, OPTIONAL]
    modes: Annotated[ModesRecord, OPTIONAL]
    substitute: Substitute
    affinity: MechanismRecord
    tiers: list[OptionTierRecord]
    chosen: bool
    possible: bool
    barriers: list[BarrierRecord]
    required_lost: list[FeatureId]
    preferred_lost: list[FeatureId]
    estimates: dict[EstimateSubject, EstimateRecord]
    loses: LossRecord | None
    wins: WinRecord | None
    searched: Count
    features: list[FeatureRecord]


class CriterionRecord(TypedDict):
    """A criterion of the order.

    Attributes:
        because: why the criterion has this place.
    """

    id: str
    because: str


class ComparisonDocument(TypedDict):
    """Every possible configuration for a requirements file, the best first.

    Attributes:
        feasible: whether a configuration keeps every required feature. The first option is then the decision.
        order: the criteria of the order, the most important first.
    """

    schema: Literal["mcp-advisor/comparison/1"]
    service: str
    feasible: bool
    options: list[OptionRecord]
    order: list[CriterionRecord]


def comparison_dict(comparison: Comparison) -> ComparisonDocument:
    """Return the comparison as JSON types. The same input gives the same document."""
    decision = comparison.decision
    return document(
        ComparisonDocument,
        service=decision.requirements["service"],
        feasible=decision.feasible,
        options=[_option(option, decision) for option in comparison.options],
        order=[document(CriterionRecord, criterion) for criterion in comparison.order],
    )


def _option(option: DeploymentOption, decision: Decision) -> OptionRecord:
    core, kind = option.core, decision.kind
    tiers = [document(OptionTierRecord, tier, **mode_keys(tier.flags, kind)) for tier in option.tiers]
    optional: dict[str, Any] = mode_keys(core.flags, kind)
    criterion = option.loses_by
    loses = (
        document(LossRecord, criterion=criterion.id, because=option.reason, plain=option.plain) if criterion else None
    )
    return document(
        OptionRecord,
        option,
        name=wording.plain_name(option, decision),
        pattern=core.pattern,
        substitute=core.substitute,
        affinity=document(MechanismRecord, core),
        tiers=tiers,
        barriers=[document(BarrierRecord, barrier) for barrier in option.barriers],
        required_lost=[row.feature for row in option.lost("required")],
        preferred_lost=[row.feature for row in option.lost("preferred")],
        estimates={about: document(EstimateRecord, estimate) for about, estimate in option.estimates.items()},
        loses=loses,
        wins=document(WinRecord, option.wins, change=plain(decision.edits(option.wins.change)))
        if option.wins
        else None,
        features=[feature_record(row, decision) for row in option.features],
        **optional,
    )
