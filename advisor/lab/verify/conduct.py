"""The expected behaviours of a kit, derived from measured releases and rules/conduct.yaml. Pure functions."""

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


class TierEra(NamedTuple):
    """A tier (None in a single-tier deployment) and the era of the clients that call this tier."""

    tier: str | None
    era: Era


@dataclass(frozen=True, slots=True)
class Foresight:
    """Predicts behaviours. The function `foresight` creates it.

    Attributes:
        tiers: the tiers of the kit.
        proxy: the kit's own proxy; `other` for a stand-in or no proxy.
        held: whether a proxy in front buffers SSE streams.
        version: the SDK release of the kit.
        rows: the measured behaviours of the SDK package.
        conduct: the differences between kits and servers without a kit.
        single_file: whether the server of the kit is a single file.
    """

    tiers: tuple[TierContext, ...]
    proxy: str
    held: bool
    version: str
    rows: Sequence[Behaviour]
    conduct: list[Conduct]
    single_file: bool

    def of(self, place: TierEra, behaviour: str) -> tuple[str, ...]:
        """The expected results of a behaviour, in the short form of `gist`.

        Returns:
            The usual result, and a second result if clients can see another result at first. Empty without a
            measurement.
        """
        tier = next(tier for tier in self.tiers if place.tier in (None, tier.name))
        case = ConductCase(
            behaviour,
            place.era,
            tier.stateless_http,
            tier.json_response,
            self.proxy,
            self.held,
            tier.mechanism,
            self.single_file,
        )
        of_kit = conduct_of(case, self.conduct)
        if of_kit is not None:
            return tuple(gist(seen) for seen in (of_kit.seen, of_kit.at_first) if seen)
        seen = measured(case, self.version, self.rows)
        return () if seen is None else (gist(seen),)


def foresight(prepared: Preparation, advisor: Advisor) -> Foresight:
    """Create the predictions of a run."""
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
        single_file=prepared.kit.plain,
    )


def places(cells: Sequence[PredictedCell]) -> list[TierEra]:
    """The places in which a plain call works. The feature table shows the places that refuse every call."""
    return [TierEra(cell.tier, cell.era) for cell in cells if (cell.feature, cell.predicted) == ("plain", "works")]
