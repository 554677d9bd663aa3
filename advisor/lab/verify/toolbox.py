"""Check the tools of a kit: whether tools/list shows each tool to clients of each era, and whether each call works."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from advisor.kit.parts.server import ServerTool, server_tiers, server_tools
from advisor.lab.clients.sdk_client import ReceivedMessages
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.log_excerpts import LogLine, Marks, settled
from advisor.lab.probes import ProbeTarget
from advisor.lab.probes.cell import Probe, in_session
from advisor.lab.probes.observation import ProbeResult, Verdict
from advisor.lab.process.steps import Current
from advisor.lab.testserver import HELPERS
from advisor.lab.testserver.execution_log import TOOL
from advisor.lab.testserver.tool_catalogue import CATALOGUE
from advisor.lab.verify.conduct import TierEra
from advisor.lab.verify.kit_tools import call_plainly
from advisor.lab.verify.prediction import PredictedCell

if TYPE_CHECKING:
    from mcp import Client

DEADLINE_S = 5.0
_LAB = frozenset({*(entry.tool for entry in CATALOGUE), *HELPERS, TOOL})
_ARGUMENTS = frozenset({"text"})
"""The arguments that the lab passes. A stub needs no other argument; a tool that a user wrote can need others."""

Listed = dict[str, frozenset[str]]
"""The result of tools/list: the required arguments by name of the tool."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool of the kit by a client of one era.

    Attributes:
        place: the tier and the era of the client.
        tool: name of the tool.
        cannot: the features that the tool needs and that are lost in this place.
        loud: whether the tool also notifies every client of a change.
    """

    place: TierEra
    tool: str
    cannot: tuple[str, ...]
    loud: bool


class Toolbox:
    """The lists and calls of tools in a fleet.

    Attributes:
        calls: a call for each tool that shows no cell, in each place.
        uncalled: names of the tools that call a language model and therefore cause costs.
        seen: the observation of each call.
    """

    def __init__(self, fleet: Fleet, cells: Sequence[PredictedCell], places: Sequence[TierEra]) -> None:
        self.seen: dict[ToolCall, ProbeResult] = {}
        self._fleet = fleet
        self._places = list(places)
        self._listed: dict[TierEra, Listed | str] = {}
        self._evidence: dict[TierEra | ToolCall, tuple[LogLine, ...]] = {}
        tools = {server_tool.name: server_tool for server_tool in server_tools(fleet.plan.kit)}
        self.uncalled = tuple(tool.name for tool in tools.values() if tool.uses_direct_llm)
        self.calls = [call for place in places for call in self._calls(place, cells, tools)]

    def _calls(self, place: TierEra, cells: Sequence[PredictedCell], tools: dict[str, ServerTool]) -> list[ToolCall]:
        here = [cell for cell in cells if (cell.tier, cell.era) == place]
        lost = {cell.feature for cell in here if cell.predicted != "works"}
        shown = {cell.tool for cell in here}
        own = [tools[name] for name in self._own(place.tier) if name not in shown and name not in self.uncalled]
        found = []
        for tool in own:
            cannot = tuple(ask for ask in tool.asks if ask in lost)
            found.append(ToolCall(place, tool.name, cannot, tool.subscriptions or tool.list_changed))
        return found

    def _own(self, tier: str | None) -> tuple[str, ...]:
        return next(
            server_tier.tools for server_tier in server_tiers(self._fleet.plan.kit) if tier in (None, server_tier.name)
        )

    def _wanted(self, place: TierEra) -> set[str]:
        """The tools that tools/list should show to clients of a place. Modern clients use one path for all tiers."""
        kit = self._fleet.plan.kit
        first = place.tier in (None, kit.tiers[0].name)
        if kit.tiered and first and place.era == "modern" and kit.serves_modern:
            return {name for tier in server_tiers(kit) for name in tier.tools}
        return set(self._own(place.tier))

    @property
    def total(self) -> int:
        """The number of lists and calls that `observe` and `observe_loud` make."""
        return len(self._places) + len(self.calls)

    async def observe(self, gate: asyncio.Semaphore, current: Current) -> None:
        """List the tools in every place, and call the tools that notify no other client."""

        async def visited(place: TierEra) -> None:
            async with gate:
                self._listed[place] = await self._list(place, DEADLINE_S)
            current.advance()
            await asyncio.gather(*(called(call) for call in self.calls if call.place == place and not call.loud))

        async def called(call: ToolCall) -> None:
            async with gate:
                await self._try(call, DEADLINE_S)
            current.advance()

        await asyncio.gather(*map(visited, self._places))

    async def observe_loud(self, current: Current) -> None:
        """Call the tools that notify every client of a change. Run this only while no other client listens."""
        for call in self.calls:
            if call.loud:
                await self._try(call, DEADLINE_S)
                current.advance()

    @property
    def doubtful(self) -> list[TierEra | ToolCall]:
        """The places with a wrong list of tools, and the calls with a wrong result."""
        lists = [place for place in self._places if self._wrong_list(place)]
        return [*lists, *(call for call in self.calls if self._wrong_call(call))]

    async def again(self, current: Current) -> None:
        """Repeat the lists and calls that are wrong, one after another and with a longer deadline."""
        for subject in self.doubtful:
            marks = Marks(self._fleet)
            if isinstance(subject, ToolCall):
                first = self.seen[subject]
                await self._try(subject, 2 * DEADLINE_S)
                if first.outcome != "hang":  # a first answer stays, because clients can get this answer too
                    self.seen[subject] = first
                wrong = self._wrong_call(subject)
            else:
                self._listed[subject] = await self._list(subject, 2 * DEADLINE_S)
                wrong = self._wrong_list(subject)
            self._evidence[subject] = await settled(marks) if wrong else ()
            current.advance()

    def problems(self) -> list[str]:
        """The problems in words. Each names the tool, the tier, the era and the message, and has its log lines."""
        found = []
        for subject in self.doubtful:
            said = self._wrong_call(subject) if isinstance(subject, ToolCall) else self._wrong_list(subject)
            found.append(said + "".join(f"\n    {line}" for line in self._evidence.get(subject, ())))
        return found

    def notes(self) -> list[str]:
        """Remarks on the tools that were not called."""
        notes = []
        if self.uncalled:
            notes.append(
                f"Tools that call a language model at your cost, which were not called: {', '.join(self.uncalled)}."
            )
        if own := sorted({call.tool for call in self.calls if self._needs(call)}):
            notes.append(f"Tools with other required arguments than `text`, which were not called: {', '.join(own)}.")
        known = {tool for tier in server_tiers(self._fleet.plan.kit) for tool in tier.tools} | _LAB
        listed = [name for names in self._listed.values() if not isinstance(names, str) for name in names]
        if others := [name for name in dict.fromkeys(listed) if name not in known]:
            notes.append(f"Tools that the requirements do not name, which were not called: {', '.join(others)}.")
        return notes

    def of_cell(self, cell: PredictedCell) -> ProbeResult | None:
        """The observation of the tool that should return an error for this cell; None if the tool was not called."""
        wanted = (TierEra(cell.tier, cell.era), cell.refuses)
        return next((seen for call, seen in self.seen.items() if (call.place, call.tool) == wanted), None)

    async def _list(self, place: TierEra, deadline_s: float) -> Listed | str:
        """The tools that tools/list shows, or an error message."""
        found: Listed = {}

        async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
            cursor = None
            while True:
                page = await client.list_tools(cursor=cursor)
                found.update({tool.name: frozenset(tool.input_schema.get("required", ())) for tool in page.tools})
                if not (cursor := page.next_cursor):
                    return Verdict("works", "")

        probe = Probe(self._fleet.url(*place), place.era, ProbeTarget(), deadline_s)
        seen = await in_session(probe, steps)
        return found if seen.outcome == "works" else seen.message

    def _needs(self, call: ToolCall) -> frozenset[str]:
        """The required arguments of a tool that the lab does not pass."""
        listed = self._listed.get(call.place, "")
        return frozenset() if isinstance(listed, str) else listed.get(call.tool, frozenset()) - _ARGUMENTS

    async def _try(self, call: ToolCall, deadline_s: float) -> None:
        """Call a tool, unless the tool requires arguments that the lab does not pass."""
        place = call.place
        if not self._needs(call):
            url = self._fleet.url(place.tier, place.era, tool=call.tool)
            self.seen[call] = await call_plainly(url, place.era, call.tool, deadline_s=deadline_s)

    def _wrong_list(self, place: TierEra) -> str:
        listed, whom = self._listed.get(place, {}), _whom(place)
        if isinstance(listed, str):
            return f"tools/list fails for {whom}: {listed}"
        wanted = self._wanted(place)
        kits = {tool for tier in server_tiers(self._fleet.plan.kit) for tool in tier.tools}
        said = []
        if missing := sorted(wanted - set(listed)):
            said.append(f"tools/list does not show these tools to {whom}: {', '.join(missing)}")
        if extra := sorted(kits & set(listed) - wanted):
            said.append(f"tools/list shows these tools of another tier to {whom}: {', '.join(extra)}")
        return "; ".join(said)

    def _wrong_call(self, call: ToolCall) -> str:
        seen, whom = self.seen.get(call), _whom(call.place)
        if seen is None or seen.outcome == "works":
            return ""
        if not call.cannot:
            return f"{call.tool} does not work for {whom}: {seen.message}"
        what = " and ".join(call.cannot)
        wanted = f"an error that names {what}, because this deployment loses {what} for {whom}"
        if seen.outcome == "hang":
            return f"{call.tool} hangs. It should return {wanted}"
        words = seen.message.replace(call.tool, "").lower()  # SDKs put the name of the tool before its message
        if seen.outcome == "error" and any(feature in words for feature in call.cannot):
            return ""
        return f"{call.tool} should return {wanted}. It returned: {seen.message}"


def _whom(place: TierEra) -> str:
    tier = f" of the tier {place.tier}" if place.tier else ""
    return f"{place.era} clients{tier}"
