"""The behaviours that clients of a kit should see: from measured releases and rules/conduct.yaml. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from advisor.decision.advisor import Advisor
from advisor.kit.model import TierContext
from advisor.knowledge.capabilities import Behaviour
from advisor.knowledge.conduct import Conduct, ConductCase, conduct_of, gist, measured
from advisor.knowledge.failures import OTHER
from advisor.knowledge.types import Era
from advisor.lab.verify.prediction import PredictedCell
from advisor.lab.verify.preparation import Preparation


class Place(NamedTuple):
    """A tier (None where there are no tiers) and the era of the clients that are sent there."""

    tier: str | None
    era: Era


@dataclass(frozen=True, slots=True)
class Foresight:
    """Predicts behaviours; `foresight` makes it.

    Attributes:
        tiers: of the kit.
        proxy: the kit's own that stands in front, or `other`.
        held: whether something on the way holds streams back.
        version: the release that the kit is made for.
        rows: what was measured of its package.
        conduct: where kits differ from bare servers.
    """

    tiers: tuple[TierContext, ...]
    proxy: str
    held: bool
    version: str
    rows: Sequence[Behaviour]
    conduct: list[Conduct]

    def of(self, place: Place, behaviour: str) -> tuple[str, ...]:
        """What clients should see of a behaviour, as `gist` shortens it.

        Returns:
            What they see as a rule, and what else they may see at first; nothing without a measurement.
        """
        tier = next(tier for tier in self.tiers if place.tier in (None, tier.name))
        case = ConductCase(
            behaviour, place.era, tier.stateless_http, tier.json_response, self.proxy, self.held, tier.mechanism
        )
        of_kit = conduct_of(case, self.conduct)
        if of_kit is not None:
            return tuple(gist(seen) for seen in (of_kit.seen, of_kit.at_first) if seen)
        seen = measured(case, self.version, self.rows)
        return () if seen is None else (gist(seen),)


def foresight(prepared: Preparation, advisor: Advisor) -> Foresight:
    """What is foreseen for a run."""
    release = advisor.space.releases[prepared.decision.facts["sdk"]]
    return Foresight(
        tiers=prepared.kit.tiers,
        proxy=(prepared.kit.proxy if prepared.front.own else "") or OTHER,
        held=prepared.front.holds,
        version=release.newest,
        rows=[
            row
            for capability in advisor.knowledge.capabilities
            if capability.package == release.package
            for row in capability.behaviour
        ],
        conduct=advisor.knowledge.conduct,
    )


def places(cells: Sequence[PredictedCell]) -> list[Place]:
    """Where clients are served at all: what is refused as such shows in the feature table."""
    return [Place(cell.tier, cell.era) for cell in cells if (cell.feature, cell.predicted) == ("plain", "works")]
