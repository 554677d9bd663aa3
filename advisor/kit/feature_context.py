"""The needed features of a kit, and their measured outcomes, as data for the templates."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.knowledge.types import Need, Outcome


@dataclass(frozen=True, slots=True)
class FeatureContext:
    """A needed feature and the SDK call for it in each protocol era.

    Attributes:
        id: feature id.
        need: the level of the need.
        legacy_works: whether the feature works for legacy clients in its tier.
        modern_works: whether the feature works for modern clients.
    """

    id: str
    need: Need
    legacy_works: bool
    modern_works: bool


@dataclass(frozen=True, slots=True)
class CellContext:
    """The measured outcomes of an SDK call on this release, for all flag pairs. The kit's tests expect these outcomes.

    Attributes:
        feature: feature id, or plain.
        call: the SDK call, as rules/capabilities writes it.
        legacy: flag pair (such as stateful+sse) → outcome, for legacy clients.
        modern: flag pair → outcome, for modern clients.
    """

    feature: str
    call: str
    legacy: dict[str, Outcome]
    modern: dict[str, Outcome]
