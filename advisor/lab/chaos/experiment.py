"""The scene of chaos: one tier of a running fleet with clients of every era, and events that happen to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TypeVar

from advisor.errors import LabError
from advisor.kit.expected_failures import ExpectedFailure
from advisor.kit.model import TierContext
from advisor.knowledge.types import Era
from advisor.lab.chaos.clients import Caller, callers
from advisor.lab.chaos.events import met, name_of, strike
from advisor.lab.chaos.evidence import NOTHING, ChaosRow, ClientCall, Execution, HandleJudgement, Happened
from advisor.lab.chaos.execution_log import begun, read
from advisor.lab.chaos.handle_verdict import judge_handles
from advisor.lab.chaos.state_handles import state_handles_of
from advisor.lab.chaos.traffic import ChaosTraffic, NotServedError
from advisor.lab.chaos.verdict import judge
from advisor.lab.fleet.fleet import Fleet, FleetInstance
from advisor.lab.process.process import POLL_S
from advisor.lab.testserver.execution_log import FOLDER

_Result = TypeVar("_Result")
_numbers = count(1)

SETTLE_S = 60.0
"""Until every client must be served again."""
LONG_S = 2.5
"""How long the calls take that are to run when an event strikes; longer than a stop of an idle instance."""
PLANT_ATTEMPTS = 5
SESSIONS_PER_INSTANCE = 3
CLIENTS_PER_INSTANCE = 2
KEEPERS = 4
"""How many clients of each era also keep something behind a handle, where instances share a store."""


@dataclass(slots=True)
class _Act:
    """One event while it is played: what came of it so far."""

    began: float
    happened: Happened | None = None
    long: list[asyncio.Future[ClientCall]] = field(default_factory=list)
    error: NotServedError | LabError | None = None

    @property
    def calls(self) -> list[ClientCall]:
        """The long calls that came to an end."""
        return [task.result() for task in self.long if task.done() and not task.cancelled() and not task.exception()]


class Experiment:
    """One tier with its clients: some that call all the time, and some for the calls that take long."""

    def __init__(self, fleet: Fleet, tier: TierContext, clients: list[Caller]) -> None:
        self._fleet = fleet
        self._tier = tier
        self._members = fleet.of(tier.name)
        self._ledger = Path(fleet.plan.env[FOLDER])
        self._planters = [one for one in clients if one.name.endswith("long")]
        self._traffic = ChaosTraffic([one for one in clients if one not in self._planters])

    @classmethod
    async def open(cls, stack: AsyncExitStack, fleet: Fleet, own: Sequence[ExpectedFailure]) -> Experiment:
        """Make the clients of a tier, each with its session.

        Args:
            stack: closes their connections.
            fleet: the running fleet.
            own: what is promised to the tier.

        Raises:
            LabError: some of them got no session.
        """
        tier = own[0].tier
        scene = next(_numbers)  # a later one must not be taken for this one in the ledgers
        many = len(fleet.of(tier.name))
        keeps = any(one.handles is not None for one in own)
        shelf = state_handles_of(fleet.plan.kit, tier, fleet.plan.extras) if keeps else None
        wanted = []
        for era in dict.fromkeys(one.era for one in own):
            calling = many * (SESSIONS_PER_INSTANCE if era == "legacy" else CLIENTS_PER_INSTANCE)
            names = [f"{tier.name}-{era}-{scene}.{n}" for n in range(calling)]
            names += [f"{tier.name}-{era}-{scene}.{n}-long" for n in range(2 * many)]
            urls = [fleet.url(tier.name, era, client=n) for n in range(len(names))]
            wanted += [
                (name, era, url, shelf if n < KEEPERS else None)
                for n, (name, url) in enumerate(zip(names, urls, strict=True))
            ]
        clients = await _within(stack.enter_async_context(callers(wanted)), "The proxy did not answer")
        await _opened(clients)
        return cls(fleet, tier, clients)

    async def play(self, promises: Sequence[ExpectedFailure]) -> tuple[list[ChaosRow], bool]:
        """One event, as clients of every era see it.

        Returns:
            A row for each promise, and whether every client was served in the end.
        """
        act = _Act(time.monotonic())
        try:
            # The event before may have driven all sessions together.
            await _opened(self._traffic.clients)
            self._traffic.start()
            await self._perform(promises, act)
        except (NotServedError, LabError) as error:
            act.error = error
        except BaseException:
            await self._broken_off(act)
            raise
        if act.error is None:
            await self._traffic.stop()
            await asyncio.gather(*act.long)
        else:
            await self._broken_off(act)
        executions = read(self._ledger)
        return [self._row(one, act, executions) for one in promises], act.error is None

    async def _perform(self, promises: Sequence[ExpectedFailure], act: _Act) -> None:
        await self._settled(act.began, "before it")
        self._traffic.forget()
        eras = {one.era for one in promises}
        victim = await _within(self._planted(eras, act.long), "No instance ran calls of clients of every era")
        event = promises[0].event.id
        act.happened = met(event, self._members, victim)
        try:
            await strike(event, self._fleet, self._members, victim, self._settled)
        finally:
            act.happened = replace(act.happened, over=time.monotonic())
        await self._settled(act.happened.over)
        await _within(self._serving(eras), "Not every instance answered")

    async def _broken_off(self, act: _Act) -> None:
        for task in act.long:
            task.cancel()
        await self._traffic.cancel()
        await asyncio.gather(*act.long, return_exceptions=True)

    def _row(self, one: ExpectedFailure, act: _Act, executions: Sequence[Execution]) -> ChaosRow:
        problems = [*self._failure(one.era, act)]
        seen, running, numbers, handles = None, None, NOTHING, HandleJudgement()
        if act.happened is not None:
            calls = [call for call in (*self._traffic.calls, *act.calls) if call.era == one.era]
            recalls = [call for call in self._traffic.recalls if call.era == one.era]
            found = judge(one.expected, calls, executions, act.happened, recalls)
            seen, running, numbers = found.seen, found.running, found.numbers
            problems += found.problems
            if running is None and not act.error:
                problems.append("no call ran where the event struck")
            if one.handles is not None:
                handles = judge_handles(one.expected, recalls, act.happened)
                problems += handles.problems
        return replace(
            row_of(one, self._fleet, problems),
            seen=seen,
            running_seen=running,
            handles=handles,
            numbers=numbers,
            seconds=round(time.monotonic() - (act.happened.began if act.happened else act.began), 1),
        )

    def _failure(self, era: Era, act: _Act) -> list[str]:
        """Why the event did not come to its end, as far as clients of this era are concerned."""
        logs = f"logs: {self._fleet.run.logs}"
        if isinstance(act.error, LabError):
            return [f"{act.error.reason.rstrip('.')}; {f'log: {act.error.log}' if act.error.log else logs}"]
        if act.error is None or era not in act.error.trouble:
            return []
        said = f"not every client was served {act.error.when} within {SETTLE_S:g} s: {act.error.trouble[era]}"
        return [f"{said}; {logs}"]

    async def _settled(self, since: float, when: str = "again") -> None:
        """Until every client was served since then, and at first."""
        end = time.monotonic() + SETTLE_S
        while trouble := self._traffic.trouble(since):
            if time.monotonic() > end:
                raise NotServedError(when, trouble)
            await asyncio.sleep(POLL_S)

    async def _serving(self, eras: set[Era]) -> None:
        """Each instance itself serves new clients of every era: a balancer may keep all of ours away from one."""
        wanted = [(one, era) for one in self._members for era in eras]
        named = [(f"{one.name}-{era}-{next(_numbers)}.0", era, one.url, None) for one, era in wanted]
        trouble: dict[Era, str] = {}
        async with callers(named) as clients:
            for (one, era), client in zip(wanted, clients, strict=True):
                if not (await client.open() and (await client.call()).ok):
                    trouble[era] = f"{one.name}, asked without the proxy: {client.trouble()}"
        if trouble:
            raise NotServedError("again", trouble)

    async def _planted(self, eras: set[Era], long: list[asyncio.Future[ClientCall]]) -> FleetInstance:
        """Begin the long calls, into `long`; the instance to strike runs some of clients of every era.

        Where sessions are kept it also holds some of those that call all the time. Where calls land is up to the
        balancer, so that it may take another attempt.
        """
        for _ in range(PLANT_ATTEMPTS):
            await _opened(self._planters)
            long[:] = [asyncio.ensure_future(one.call(LONG_S)) for one in self._planters]
            while not all(task.done() for task in long):
                running = begun(read(self._ledger), {one.running: one.era for one in self._planters})
                owners = {one.owner for one in self._traffic.clients if one.in_session}
                for one in self._members:
                    if running.get(name_of(one), set()) >= eras and (not owners or name_of(one) in owners):
                        return one
                await asyncio.sleep(POLL_S)
        raise LabError("No instance ran calls of clients of every era at the same time.")


async def _opened(clients: Sequence[Caller]) -> None:
    """A new session for each client."""
    opened = await _within(asyncio.gather(*(one.open() for one in clients)), "Clients got no session")
    if not all(opened):
        raise LabError(f"{opened.count(False)} of {len(opened)} clients could not open a session.")


async def _within(work: Awaitable[_Result], failure: str) -> _Result:
    """What has a deadline of its own for each request, but not for all of them together."""
    try:
        return await asyncio.wait_for(work, SETTLE_S)
    except asyncio.TimeoutError:
        raise LabError(f"{failure} within {SETTLE_S:g} s.") from None


def row_of(one: ExpectedFailure, fleet: Fleet, problems: Sequence[str]) -> ChaosRow:
    """The row of a promise of which nothing was seen yet, and why it is not kept."""
    return ChaosRow(
        tier=one.tier.name if fleet.plan.kit.tiered else None,
        event=one.event.id,
        title=one.event.title,
        era=one.era,
        keeping=one.keeping,
        promised=one.expected.then,
        seen=None,
        running_promised=one.expected.running,
        running_seen=None,
        handles_promised=one.handles,
        handles=HandleJudgement(),
        numbers=NOTHING,
        problems=tuple(problems),
        seconds=0.0,
    )
