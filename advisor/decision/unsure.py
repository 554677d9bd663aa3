"""The needs that a file states as `unknown`: which of them the decision keeps, and what the others would change.

A feature is kept if the deployment is the same with and without it, and the feature works in this deployment. The
decision then treats the need as `preferred`, and otherwise as `none`. So a doubt never leads to sessions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from advisor.decision.core import Core
from advisor.decision.model import FeatureRow
from advisor.decision.tiers import TierRequirements
from advisor.knowledge.space import FactSpace
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
