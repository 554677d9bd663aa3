"""The needs that a file states as `unknown`: which of them the decision keeps, and what the others would change.

A feature is kept if the deployment is the same with and without it, and the feature works in this deployment. The
decision then treats the need as `preferred`, and otherwise as `none`. So a doubt never leads to sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from advisor.decision.core import Core
from advisor.decision.model import FeatureRow
from advisor.decision.tiers import TierRequirements
from advisor.findings import SEVERITIES, Finding, Severity
from advisor.knowledge.space import FactSpace
from advisor.knowledge.store import Knowledge
from advisor.requirements.completion import changed
from advisor.requirements.model import Requirements

Outline: TypeAlias = "tuple[Core, tuple[tuple[Core, tuple[str, ...]], ...], tuple[FeatureRow, ...]]"
"""A deployment: its core, the core and the tools of each tier, and the feature table."""


class Settled(NamedTuple):
    """What is known of a decision after no need is unsure any more.

    Attributes:
        requirements: the requirements with a level for each need of which the file is unsure.
        facts: every fact.
        core: what the tables decide.
        parts: the tiers, if the pattern is `tiered`.
        features: the feature-loss table.
        unnamed: for each derived fact of the kind `unnamed`, its rows of the table.
        path_with_proxy: the requirements with the proxy that the decision adds, or None.
    """

    requirements: Requirements
    facts: dict[str, Any]
    core: Core
    parts: tuple[TierRequirements, ...]
    features: tuple[FeatureRow, ...]
    unnamed: dict[str, tuple[FeatureRow, ...]]
    path_with_proxy: Requirements | None


def settle(requirements: Requirements, outline: Callable[[Requirements], Outline], space: FactSpace) -> Requirements:
    """Return the requirements with `preferred` for each unsure need that the deployment keeps without a change.

    The needs are tried one after the other, so the needs that are kept fit together.

    Args:
        requirements: the requirements; the unsure needs have the value `none`.
        outline: returns the deployment for requirements.
        space: the known facts.
    """
    if not requirements.unsure:
        return requirements
    core, tiers, _ = outline(requirements)
    kept = requirements
    for need in sorted(requirements.unsure):
        tried = changed(kept, {need: "preferred"}, space)
        *deployment, rows = outline(tried)
        works = not any(row.lost for row in rows if f"needs.{row.feature}" == need)
        if deployment == [core, tiers] and works:
            kept = tried
    return kept


def without_doubts(settled: Requirements, space: FactSpace) -> Requirements:
    """Return settled requirements in which no unsure need is kept.

    The deployment is the same. Its reasons come from these requirements, because an unsure need is never a reason.
    """
    doubts = {need: "none" for need in settled.unsure if settled[need] != "none"}
    return changed(settled, doubts, space) if doubts else settled


def of_doubts(
    found: Sequence[Finding], sure: Sequence[Finding], settled: Requirements, knowledge: Knowledge
) -> tuple[Finding, ...]:
    """Return the warnings; a warning that only unsure needs cause says so, and its severity is at most medium.

    Args:
        found: the warnings of the decision, in which some unsure needs are kept.
        sure: the warnings of the same decision without these needs.
        settled: the requirements of the decision.
        knowledge: the rules, and the words of the message.
    """
    certain = {warning.id for warning in sure}
    kept = sorted(need for need in settled.unsure if settled[need] != "none")
    warnings = []
    for warning in found:
        if warning.id not in certain:
            read = knowledge.rules[warning.id][1].when
            doubts = [need for need in kept if need in read] or kept
            features = ", ".join(need.removeprefix("needs.") for need in doubts)
            phrase = knowledge.phrases["warning.doubt" if len(doubts) == 1 else "warning.doubts"]
            severity = max(warning.severity, _OF_A_DOUBT, key=SEVERITIES.index)
            warning = warning._replace(
                severity=severity, message=phrase.format(features=features, message=warning.message)
            )
        warnings.append(warning)
    return tuple(sorted(warnings, key=lambda warning: SEVERITIES.index(warning.severity)))


_OF_A_DOUBT: Severity = "medium"
"""The highest severity of a warning about a feature that perhaps no tool uses."""
