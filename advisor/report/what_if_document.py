"""Declares the JSON document of what-if variants, and makes it: the output of `compare A B` and `compare --with`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from advisor.decision.core import Flags
from advisor.decision.model import Decision
from advisor.decision.what_if import OutcomeChange, Variant, WhatIf
from advisor.documents import OPTIONAL, document, plain
from advisor.knowledge.types import Era, Need, Raw
from advisor.knowledge.vocabulary import FeatureId, FeatureOutcome, Pattern, Substitute
from advisor.report.comparison_document import MechanismRecord, OptionTierRecord
from advisor.report.decision_document import ModesRecord
from advisor.report.decision_json import mode_keys


class DeploymentRecord(TypedDict):
    """A decision in short.

    Attributes:
        flags: the flag pair of a Python server. For tiers, it is the flag pair of the stateless tier.
        modes: the modes of a server in another language.
        lost: the needed features that the decision loses. For a contradiction, these are the required features that no
            configuration keeps.
    """

    feasible: bool
    pattern: Pattern
    flags: Annotated[Flags, OPTIONAL]
    modes: Annotated[ModesRecord, OPTIONAL]
    substitute: Substitute
    affinity: MechanismRecord
    tiers: list[OptionTierRecord]
    lost: list[FeatureId]


class FactChangeRecord(TypedDict):
    """The values of a fact before and after the change. The fact `tools` has the names of the tools."""

    before: Raw
    after: Raw


class CellOutcomeRecord(TypedDict):
    """A cell of the feature table.

    Attributes:
        words: the outcome in words.
        named: whether the requirements name the protocol era.
    """

    outcome: FeatureOutcome
    words: str
    named: bool


class CellChangeRecord(TypedDict):
    """A cell of the feature table that differs.

    Attributes:
        asked: whether the requirements after the change have clients of this era.
    """

    feature: FeatureId
    need: Need
    era: Era
    asked: bool
    before: CellOutcomeRecord
    after: CellOutcomeRecord


class WarningChangesRecord(TypedDict):
    """The ids of new warnings, and of warnings that no longer apply."""

    new: list[str]
    gone: list[str]


class VariantRecord(TypedDict):
    """Requirements that differ from the first requirements.

    Attributes:
        facts: the facts that differ.
        differs: whether the deployment differs.
        cells: the cells of the feature table that differ.
        decision: the new decision.
    """

    facts: dict[str, FactChangeRecord]
    differs: bool
    cells: list[CellChangeRecord]
    warnings: WarningChangesRecord
    decision: DeploymentRecord


class WhatIfDocument(TypedDict):
    """What another requirements file or other facts change.

    Attributes:
        base: the decision for the first requirements.
    """

    schema: Literal["mcp-advisor/what-if/1"]
    service: str
    base: DeploymentRecord
    variants: list[VariantRecord]


def what_if_dict(found: WhatIf) -> WhatIfDocument:
    """Return the variants as JSON types. The same input gives the same document."""
    variants = [_variant(variant, found) for variant in found.variants]
    service = found.base.requirements["service"]
    return document(WhatIfDocument, service=service, base=_deployment(found.base), variants=variants)


def _deployment(decision: Decision) -> DeploymentRecord:
    core, kind = decision.core, decision.kind
    optional: dict[str, Any] = mode_keys(core.flags, kind) if core.feasible else {}
    tiers = [
        document(OptionTierRecord, name=tier.name, tools=[*tier.tools], **mode_keys(tier.core.flags, kind))
        for tier in decision.tiers
    ]
    lost = decision.unmet or [row for row in decision.features if row.lost and not row.substituted]
    return document(
        DeploymentRecord,
        core,
        affinity=document(MechanismRecord, core),
        tiers=tiers,
        lost=[row.feature for row in lost],
        **optional,
    )


def _variant(variant: Variant, found: WhatIf) -> VariantRecord:
    facts: dict[str, Any] = {
        name: {"before": plain(before), "after": plain(after)} for name, (before, after) in variant.facts.items()
    }
    new, gone = variant.warnings
    return document(
        VariantRecord,
        facts=facts,
        differs=variant.differs(found.base),
        cells=[_cell(change) for change in variant.cells],
        warnings={"new": [*new], "gone": [*gone]},
        decision=_deployment(variant.decision),
    )


def _cell(change: OutcomeChange) -> CellChangeRecord:
    return document(
        CellChangeRecord,
        feature=change.row.feature,
        need=change.row.need,
        era=change.era,
        asked=change.asked,
        before=document(CellOutcomeRecord, change.before),
        after=document(CellOutcomeRecord, change.after),
    )
