"""The tools of a kit: whether clients of each era are shown them all, and whether each of them answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from advisor.kit.parts.server import ServerTool, server_tiers, server_tools
from advisor.lab.clients.sdk_client import Heard
from advisor.lab.fleet.explain import LogLine, Marks, settled
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.probes import ProbeTarget
from advisor.lab.probes.cell import Probe, in_session
from advisor.lab.probes.observation import Observation, Verdict
from advisor.lab.process.steps import Current
from advisor.lab.testserver import HELPERS
from advisor.lab.testserver.execution_log import TOOL
from advisor.lab.testserver.tool_catalogue import CATALOGUE
from advisor.lab.verify.conduct import Place
from advisor.lab.verify.kit_tools import call_plainly
from advisor.lab.verify.prediction import PredictedCell

if TYPE_CHECKING:
    from mcp import Client

DEADLINE_S = 5.0
_LAB = frozenset({*(entry.tool for entry in CATALOGUE), *HELPERS, TOOL})
_ARGUMENTS = frozenset({"text"})
"""What the lab can give a tool; stubs need no more. One that somebody wrote may, and may do more than answer."""

Listed = dict[str, frozenset[str]]
"""The tools of a list: name → the arguments that each needs."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool of the kit, called by a client of an era.

    Attributes:
        place: where, and by whom.
        tool: its name.
        cannot: what it asks of its client that clients of this place cannot give.
        loud: whether it tells every client of a change as well.
    """

    place: Place
    tool: str
    cannot: tuple[str, ...]
    loud: bool


class Toolbox:
    """The tools of a fleet, as its clients meet them.

    Attributes:
        calls: the tools that no cell is observed on, place by place.
        uncalled: the tools that would call a model at somebody's expense.
        seen: what came of each call.
    """

    def __init__(self, fleet: Fleet, cells: Sequence[PredictedCell], places: Sequence[Place]) -> None:
        self.seen: dict[ToolCall, Observation] = {}
        self._fleet = fleet
        self._places = list(places)
        self._listed: dict[Place, Listed | str] = {}
        self._evidence: dict[Place | ToolCall, tuple[LogLine, ...]] = {}
        tools = {server_tool.name: server_tool for server_tool in server_tools(fleet.plan.kit)}
        self.uncalled = tuple(tool.name for tool in tools.values() if tool.uses_direct_llm)
        self.calls = [call for place in places for call in self._calls(place, cells, tools)]

    def _calls(self, place: Place, cells: Sequence[PredictedCell], tools: dict[str, ServerTool]) -> list[ToolCall]:
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

    def _wanted(self, place: Place) -> set[str]:
        """The tools that clients of a place should be shown. Modern clients have the same path for all tiers."""
        kit = self._fleet.plan.kit
        first = place.tier in (None, kit.tiers[0].name)
        if kit.tiered and first and place.era == "modern" and kit.serves_modern:
            return {name for tier in server_tiers(kit) for name in tier.tools}
        return set(self._own(place.tier))

    @property
    def total(self) -> int:
        """How many things `observe` and `observe_loud` do."""
        return len(self._places) + len(self.calls)

    async def observe(self, gate: asyncio.Semaphore, current: Current) -> None:
        """List the tools in every place, and call the tools that disturb no other client."""

        async def visited(place: Place) -> None:
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
        """Call the tools that tell every client of a change; no other client may listen meanwhile."""
        for call in self.calls:
            if call.loud:
                await self._try(call, DEADLINE_S)
                current.advance()

    @property
    def doubtful(self) -> list[Place | ToolCall]:
        """What is not as it should be."""
        lists = [place for place in self._places if self._wrong_list(place)]
        return [*lists, *(call for call in self.calls if self._wrong_call(call))]

    async def again(self, current: Current) -> None:
        """Look at what is wrong once more, alone and with more patience."""
        for subject in self.doubtful:
            marks = Marks(self._fleet)
            if isinstance(subject, ToolCall):
                first = self.seen[subject]
                await self._try(subject, 2 * DEADLINE_S)
                if first.outcome != "hang":  # what was answered once, clients are answered too
                    self.seen[subject] = first
                wrong = self._wrong_call(subject)
            else:
                self._listed[subject] = await self._list(subject, 2 * DEADLINE_S)
                wrong = self._wrong_list(subject)
            self._evidence[subject] = await settled(marks) if wrong else ()
            current.advance()

    def problems(self) -> list[str]:
        """What is wrong, each with the tool, the tier, the era and the message, and what was logged meanwhile."""
        found = []
        for subject in self.doubtful:
            said = self._wrong_call(subject) if isinstance(subject, ToolCall) else self._wrong_list(subject)
            found.append(said + "".join(f"\n    {line}" for line in self._evidence.get(subject, ())))
        return found

    def notes(self) -> list[str]:
        """What the reader should know of how it was done."""
        notes = []
        if self.uncalled:
            notes.append(f"Not called, since they would call a model at your expense: {', '.join(self.uncalled)}.")
        if own := sorted({call.tool for call in self.calls if self._needs(call)}):
            notes.append(f"Not called, since they need arguments of their own: {', '.join(own)}.")
        known = {tool for tier in server_tiers(self._fleet.plan.kit) for tool in tier.tools} | _LAB
        listed = [name for names in self._listed.values() if not isinstance(names, str) for name in names]
        if others := [name for name in dict.fromkeys(listed) if name not in known]:
            notes.append(f"Tools that the requirements do not name were not called: {', '.join(others)}.")
        return notes

    def of_cell(self, cell: PredictedCell) -> Observation | None:
        """What came of the call of the tool that should refuse for this cell."""
        wanted = (Place(cell.tier, cell.era), cell.refuses)
        return next((seen for call, seen in self.seen.items() if (call.place, call.tool) == wanted), None)

    async def _list(self, place: Place, deadline_s: float) -> Listed | str:
        """The tools that clients are shown; what was wrong where there is no list."""
        found: Listed = {}

        async def steps(client: Client, heard: Heard) -> Verdict:
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
        """The arguments that a tool needs and that the lab cannot know."""
        listed = self._listed.get(call.place, "")
        return frozenset() if isinstance(listed, str) else listed.get(call.tool, frozenset()) - _ARGUMENTS

    async def _try(self, call: ToolCall, deadline_s: float) -> None:
        """Call a tool, if that can be done."""
        place = call.place
        if not self._needs(call):
            url = self._fleet.url(place.tier, place.era, tool=call.tool)
            self.seen[call] = await call_plainly(url, place.era, call.tool, deadline_s=deadline_s)

    def _wrong_list(self, place: Place) -> str:
        listed, whom = self._listed.get(place, {}), _whom(place)
        if isinstance(listed, str):
            return f"{whom} get no list of tools: {listed}"
        wanted = self._wanted(place)
        kits = {tool for tier in server_tiers(self._fleet.plan.kit) for tool in tier.tools}
        said = []
        if missing := sorted(wanted - set(listed)):
            said.append(f"{whom} are not shown {', '.join(missing)} by tools/list")
        if extra := sorted(kits & set(listed) - wanted):
            said.append(f"{whom} are shown {', '.join(extra)}, which another tier serves")
        return "; ".join(said)

    def _wrong_call(self, call: ToolCall) -> str:
        seen, whom = self.seen.get(call), _whom(call.place)
        if seen is None or seen.outcome == "works":
            return ""
        if not call.cannot:
            return f"{call.tool} does not work for {whom}: {seen.message}"
        what = " and ".join(call.cannot)
        if seen.outcome == "hang":
            return f"{call.tool} hangs for {whom}, which cannot be asked for {what}, where it should refuse"
        words = seen.message.replace(call.tool, "").lower()  # SDKs put the tool's own name before what it says
        if seen.outcome == "error" and any(feature in words for feature in call.cannot):
            return ""
        return f"{call.tool} should tell {whom} that it needs {what}, which they cannot be asked for: {seen.message}"


def _whom(place: Place) -> str:
    tier = f" of the tier {place.tier}" if place.tier else ""
    return f"{place.era} clients{tier}"
