"""Measures some cells of many releases, each release once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from advisor.errors import LabError, UsageError
from advisor.knowledge.capabilities import Capabilities
from advisor.knowledge.types import FLAG_PAIRS
from advisor.lab.capabilities.comparison import near
from advisor.lab.capabilities.matrix import Stand, Where
from advisor.lab.probes.observation import Observation
from advisor.lab.process.run import Run
from advisor.lab.process.sdk_under_test import Say, sdk_under_test

Observations = dict[Where, Observation]


class Witness:
    """What releases of a package do, as far as anyone asks."""

    def __init__(
        self,
        run: Run,
        package: str,
        wanted: Callable[[str], set[Where]],
        known: Sequence[Capabilities],
        say: Say,
        *,
        deadline_s: float,
    ) -> None:
        """Measure nothing yet.

        Args:
            run: holds environments and servers.
            package: the distribution.
            wanted: the cells of a release that will ever be asked for.
            known: the capability data; what differs from it is measured twice.
            say: is told each step.
            deadline_s: an answer that takes longer is a `hang`.
        """
        self._run = run
        self._package = package
        self._wanted = wanted
        self._known = known
        self._say = say
        self._deadline_s = deadline_s
        self._seen: dict[str, Observations | None] = {}

    async def seen(self, release: str) -> Observations | None:
        """What a release does in the wanted cells; None where it cannot be measured."""
        if release not in self._seen:
            self._seen[release] = await self._measured(release)
        return self._seen[release]

    async def _measured(self, release: str) -> Observations | None:
        wanted = self._wanted(release)
        pairs = [pair for pair in FLAG_PAIRS if any(where.pair == pair for where in wanted)]
        try:
            under_test = await sdk_under_test(self._run, f"{self._package}=={release}", self._say)
            stand = await Stand.start(self._run, under_test, self._deadline_s, self._say, pairs)
        except (LabError, UsageError) as error:
            self._say(f"{self._package}=={release}: passed over: {error}")
            return None
        cells = await stand.cells(lambda where: near(self._known, under_test, where), wanted.__contains__)
        await stand.stop()
        return {where: seen.observation for where, seen in cells.items()}
