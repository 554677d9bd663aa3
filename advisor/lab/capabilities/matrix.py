"""Measures the cells of a release: one server for each flag pair and one client for each cell, in parallel."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from advisor.knowledge import load
from advisor.knowledge.types import ERAS, FLAG_PAIRS, Era, Outcome
from advisor.lab.probes import ProbeTarget, observe
from advisor.lab.probes.observation import ProbeResult
from advisor.lab.process.run import Process, Run
from advisor.lab.process.sdk_under_test import FlagPair, Say, SdkUnderTest, serving
from advisor.lab.testserver.tool_catalogue import LabTool, entries
from advisor.sentences import amount

"""(stateless_http, json_response)."""

# The plain call of modern clients has its own copy, because it breaks the stateless server of some releases before mcp
# 1.9.
COPIES = ("main", "store", "listen", "apart")
"""The copies of a server that the cells are measured with."""

_START_S = 90.0
_AT_ONCE = 24  # parallel clients; with more clients, the clients wait for the processors of a small machine
_AT_ONCE_AGAIN = 4
_ALONE_AT_ONCE = 3

# The errors that a client gets from a server that an earlier request has broken.
BROKEN = re.compile(
    r"Server returned an error response|HTTP 5\d\d|stream ended without a response|Error handling POST request"
    r"|connection attempts failed"
)
"""Matches the error messages of a broken server."""

# The errors of a tool or a server on a release that does not have the API of the tool.
_ABSENT = re.compile(r"has no attribute '|unexpected keyword argument|cannot import name|^Unknown tool")


class CellKey(NamedTuple):
    """The key of a cell in the feature table."""

    feature: str
    call: str
    era: Era
    pair: FlagPair


@dataclass(frozen=True, slots=True)
class MeasuredValue:
    """The measurement of a cell or a behaviour.

    Attributes:
        observation: the last observation, which is the result.
        first: the first outcome of a cell, or the first message of a behaviour, if there was a second measurement.
    """

    observation: ProbeResult
    first: str | None = None


Cells = dict[CellKey, MeasuredValue]
Expect = Callable[[CellKey], Outcome | None]


class ReleaseServers:
    """The servers of a release, and the measurements with these servers."""

    def __init__(
        self,
        run: Run,
        under_test: SdkUnderTest,
        servers: dict[FlagPair, tuple[Process, str]],
        deadline_s: float,
        say: Say,
    ) -> None:
        """Use `start`."""
        self._run = run
        self.sdk_under_test = under_test
        self._tools = entries(load().sdks[under_test.line].apis)
        self._processes = [process for process, _ in servers.values()]
        self._urls = {pair: url for pair, (_, url) in servers.items()}
        self._deadline_s = deadline_s
        self._say = say
        self._locks = {pair: asyncio.Lock() for pair in servers}

    @classmethod
    async def start(
        cls,
        run: Run,
        under_test: SdkUnderTest,
        deadline_s: float,
        say: Say,
        pairs: Sequence[FlagPair] = FLAG_PAIRS,
        copies: Sequence[str] = COPIES,
    ) -> ReleaseServers:
        """Start a server for each flag pair.

        Args:
            run: owns the servers.
            under_test: the release.
            deadline_s: seconds; an answer that takes longer is a `hang`.
            say: prints each step.
            pairs: the flag pairs.
            copies: the names of the server copies in each process; by default the copies that the cells need.

        Raises:
            LabError: a server does not start.
        """
        say(f"{under_test.sdk}: starting {amount(len(pairs), 'server')}")

        async def server(pair: FlagPair) -> tuple[Process, str]:
            launch = serving(under_test.python, under_test.line, pair, *(f"/{copy}" for copy in copies))
            name = f"{under_test.package}-{under_test.version}-{''.join(str(int(flag)) for flag in pair)}"
            process, port = await run.start_on_port(name, launch, deadline_s=_START_S)
            return process, f"http://127.0.0.1:{port}"

        servers = await asyncio.gather(*(server(pair) for pair in pairs))
        return cls(run, under_test, dict(zip(pairs, servers, strict=True)), deadline_s, say)

    async def stop(self) -> None:
        """Stop the servers, so that they do not slow down the measurement of the next release."""
        for process in self._processes:
            process.kill()
        await asyncio.gather(*(process.wait() for process in self._processes))

    async def cells(self, expect: Expect, only: Callable[[CellKey], bool] = lambda where: True) -> Cells:
        """Measure the cells of this release. Cells with an unexpected outcome are measured a second time.

        Args:
            expect: returns the expected outcome of a cell, or None if no outcome is known.
            only: selects the cells to measure.
        """
        # If the plain call shows that the release refuses all modern clients, no other modern cell is measured.
        found = await self._observe([CellKey("plain", "tools/call", "modern", pair) for pair in self._urls], _AT_ONCE)
        modern = any(seen.observation.outcome == "works" for seen in found.values())
        wanted = [
            CellKey(entry.feature, entry.call, era, pair)
            for entry in self._tools
            for era in ERAS
            for pair in self._urls
            if era == "legacy" or modern
        ]
        left = [where for where in wanted if where not in found and only(where)]
        if left:
            self._say(f"{self.sdk_under_test.sdk}: {amount(len(left), 'cell')}")
        found |= await self._observe(left, _AT_ONCE)
        if not modern:
            found |= self._refused(found)
        await self._again(found, expect)
        return {where: seen for where, seen in found.items() if only(where)}

    def url(self, pair: FlagPair, copy: str) -> str:
        """The endpoint of a copy of the server of a flag pair."""
        return f"{self._urls[pair]}/{copy}/mcp"

    def _refused(self, plain: Cells) -> Cells:
        """All modern cells of a release that refuses modern clients. Each cell gets the result of the plain call."""
        refused = {
            pair: replace(plain[CellKey("plain", "tools/call", "modern", pair)].observation, outcome="unsupported")
            for pair in self._urls
        }
        return {
            CellKey(entry.feature, entry.call, "modern", pair): MeasuredValue(observation)
            for entry in self._tools
            for pair, observation in refused.items()
        }

    async def _again(self, found: Cells, expect: Expect) -> None:
        """Measure unexpected cells a second time, with fewer parallel clients.

        Under load, a slow answer looks like a hang. If a cell broke the server of a flag pair, each unexpected cell of
        this flag pair gets a new server.
        """

        def doubtful(where: CellKey, seen: ProbeResult) -> bool:
            expected = expect(where)
            if expected is None:
                return seen.outcome in ("hang", "dropped") or BROKEN.search(seen.message) is not None
            return seen.outcome != expected

        differing = [where for where, seen in found.items() if doubtful(where, seen.observation)]
        if not differing:
            return
        broken = {where.pair for where in differing if BROKEN.search(found[where].observation.message)}
        alone = [where for where in differing if where.pair in broken]
        note = f", {len(alone)} of them with a new server each" if alone else ""
        cells = f"{amount(len(differing), 'cell')} with an unexpected outcome{note}"
        self._say(f"{self.sdk_under_test.sdk}: second measurement of {cells}")
        again = await self._observe([where for where in differing if where not in alone], _AT_ONCE_AGAIN)
        again |= await self._alone(alone)
        for where, seen in again.items():
            found[where] = replace(seen, first=found[where].observation.outcome)

    async def _alone(self, cells: Sequence[CellKey]) -> Cells:
        """Measure each cell with a new server."""
        gate = asyncio.Semaphore(_ALONE_AT_ONCE)

        async def alone(where: CellKey) -> Cells:
            async with gate:
                stand = await ReleaseServers.start(
                    self._run, self.sdk_under_test, self._deadline_s, lambda _: None, [where.pair]
                )
                seen = await stand._observe([where], 1)
                await stand.stop()
                return seen

        measured = await asyncio.gather(*(alone(where) for where in cells))
        return {where: seen for one_cell in measured for where, seen in one_cell.items()}

    async def _observe(self, cells: Iterable[CellKey], at_once: int) -> Cells:
        gate = asyncio.Semaphore(at_once)
        known = {(entry.feature, entry.call): entry for entry in self._tools}

        async def look(where: CellKey) -> tuple[CellKey, MeasuredValue]:
            entry = known[where.feature, where.call]
            if entry.broadcast:  # the notification reaches every client of the server
                async with self._locks[where.pair], gate:
                    return where, await self._cell(entry, where)
            async with gate:
                return where, await self._cell(entry, where)

        return dict(await asyncio.gather(*(look(where) for where in cells)))

    async def _cell(self, entry: LabTool, where: CellKey) -> MeasuredValue:
        copy = "listen" if entry.bus or entry.broadcast else "store" if entry.feature == "resumability" else "main"
        if (entry.feature, where.era) == ("plain", "modern"):
            copy = "apart"
        target = ProbeTarget(entry.tool, {}, entry.call)
        url = self.url(where.pair, copy)
        seen = await observe(entry.feature, url, where.era, target, deadline_s=self._deadline_s)
        if seen.outcome == "error" and _ABSENT.search(seen.message):
            seen = replace(seen, outcome="unsupported")
        return MeasuredValue(seen)
