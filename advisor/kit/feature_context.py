"""The needed features of a kit, and their measured outcomes, as data for the templates."""

from __future__ import annotations

from typing import NamedTuple

from advisor.knowledge.types import Need, Outcome


class FeatureContext(NamedTuple):
    """A needed feature.

    Attributes:
        id: feature id.
        need: the level of the need.
    """

    id: str
    need: Need


class CellContext(NamedTuple):
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
