"""Observe the behaviours of a fleet that are no cells of the feature table, and compare them with the prediction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from advisor.knowledge.conduct import gist
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.log_excerpts import Marks, settled
from advisor.lab.probes import BEHAVIOURS, ProbeTarget, behaviour
from advisor.lab.probes.cell import Probe
from advisor.lab.probes.http import CHECKS, observe_one
from advisor.lab.probes.observation import BehaviourRow
from advisor.lab.process.steps import Current
from advisor.lab.verify.conduct import Foresight, TierEra
from advisor.lab.verify.result import LATER, Behaved

QUICK_S = 2.5
"""Deadline of the first attempt, in seconds. A call that the client cancels runs for two fifths of this time."""
PATIENT_S = 5.0
"""Deadline of the second attempt, in seconds. The second attempt repeats only the probes that differ."""

_Probed = tuple[TierEra, str]


class Behaviours:
    """The behaviours of a fleet in each place (a tier and the era of its clients).

    Attributes:
        unknown: the number of observed behaviours without a prediction.
    """

    def __init__(self, fleet: Fleet, foresight: Foresight, places: Sequence[TierEra]) -> None:
        self.unknown = 0
        self._fleet = fleet
        self._foresight = foresight
        self._asked: list[_Probed] = [(place, name) for place in places for name in BEHAVIOURS]
        self._found: dict[_Probed, list[Behaved]] = {}

    @property
    def total(self) -> int:
        """The number of probes that `observe` runs."""
        return len(self._asked)

    @property
    def rows(self) -> tuple[Behaved, ...]:
        """The compared behaviours, in the order of the places and the probes."""
        return tuple(row for asked in self._asked for row in self._found.get(asked, ()))

    @property
    def doubtful(self) -> list[_Probed]:
        """The probes with a behaviour that differs from the prediction."""
        return [asked for asked, rows in self._found.items() if not all(row.agrees for row in rows)]

    async def observe(self, current: Current) -> None:
        """Run all probes at the same time."""

        async def look(asked: _Probed) -> None:
            rows = await self._seen(asked, QUICK_S)
            self._found[asked] = self._compared(asked, rows)
            self.unknown += len(rows) - len(self._found[asked])
            current.advance()

        await asyncio.gather(*(look(asked) for asked in self._asked))

    async def again(self, current: Current) -> None:
        """Repeat the probes that differ, one after another and with a longer deadline.

        No other client runs meanwhile, so each new log line belongs to the repeated probe.
        """
        for asked in self.doubtful:
            self._found[asked] = [
                row if row.agrees else await self._once_more(asked, row) for row in self._found[asked]
            ]
            current.advance()

    async def _once_more(self, asked: _Probed, row: Behaved) -> Behaved:
        marks = Marks(self._fleet)
        seen = await self._seen(asked, PATIENT_S, row.name)
        (again,) = [compared for compared in self._compared(asked, seen) if compared.name == row.name]
        # A busy machine cannot change an HTTP status, so the first observation stays.
        if again.agrees and row.observed.startswith("HTTP "):
            return replace(row, detail=f"{row.detail}; as expected {LATER}")
        return again if again.agrees else replace(again, evidence=await settled(marks))

    async def _seen(self, asked: _Probed, deadline_s: float, row: str = "") -> list[BehaviourRow]:
        """Run a probe and return its rows. If `row` names a row of the HTTP checks, return only that row."""
        place, name = asked
        url = self._fleet.url(*place)
        if row in CHECKS:
            return [await observe_one(Probe(url, place.era, ProbeTarget(), deadline_s), row)]
        return await behaviour(name, url, place.era, deadline_s=deadline_s)

    def _compared(self, asked: _Probed, rows: Sequence[BehaviourRow]) -> list[Behaved]:
        place, found = asked[0], []
        for row in rows:
            message = row.observation.message
            if foreseen := self._foresight.of(place, row.name):
                seen = gist(message)
                predicted = seen if seen in foreseen else foreseen[0]
                found.append(Behaved(place.tier, place.era, row.name, predicted, seen, message))
        return found
