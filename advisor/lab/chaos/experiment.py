"""Inject one fault into a tier of a running fleet, with clients of every era."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TypeVar

from advisor.errors import LabError
from advisor.kit.expected_failures import ExpectedFailure
from advisor.kit.model import TierContext
from advisor.knowledge.types import Era
from advisor.lab.chaos.background_calls import ChaosTraffic, NotServedError
from advisor.lab.chaos.clients import Caller, callers
from advisor.lab.chaos.events import EventContext, inject, met, name_of
from advisor.lab.chaos.evidence import ChaosRow, ClientCall, Execution, HandleJudgement, InjectedEvent, Judgement
from advisor.lab.chaos.handle_verdict import judge_handles
from advisor.lab.chaos.state_handles import state_handles_of
from advisor.lab.chaos.verdict import judge
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.plan import FleetInstance
from advisor.lab.process.process import POLL_S
from advisor.lab.testserver.execution_log import FOLDER

_Result = TypeVar("_Result")
_numbers = count(1)

SETTLE_S = 60.0
"""The time in seconds after which every client must be served again."""
LONG_S = 2.5
"""Duration in seconds of the calls that run on the target. An idle instance stops in less time."""
TARGET_ATTEMPTS = 5
SESSIONS_PER_INSTANCE = 3
CLIENTS_PER_INSTANCE = 2
KEEPERS = 4
"""The number of clients of each era that also use a state handle, if instances share a store."""


@dataclass(slots=True)
class _Event:
    """The state of an experiment."""

    began: float
    happened: InjectedEvent | None = None
    long: list[asyncio.Future[ClientCall]] = field(default_factory=list)
    error: NotServedError | LabError | None = None

    @property
    def calls(self) -> list[ClientCall]:
        """The long calls that have ended."""
        return [task.result() for task in self.long if task.done() and not task.cancelled() and not task.exception()]


class Experiment:
    """One tier with two groups of clients: some call all the time, the others make the long calls."""

    def __init__(self, fleet: Fleet, tier: TierContext, clients: list[Caller]) -> None:
        self._fleet = fleet
        self._tier = tier
        self._members = fleet.of(tier.name)
        self._executions = Path(fleet.plan.env[FOLDER])
        self._long_callers = [client for client in clients if client.name.endswith("long")]
        self._traffic = ChaosTraffic([client for client in clients if client not in self._long_callers])

    @classmethod
    async def open(cls, stack: AsyncExitStack, fleet: Fleet, failures: Sequence[ExpectedFailure]) -> Experiment:
        """Create the clients of a tier and open their sessions.

        Args:
            stack: closes the connections of the clients.
            fleet: the running fleet.
            failures: the expected behaviour for each era. All of them have the same event and the same tier.

        Raises:
            LabError: a client could not open a session.
        """
        tier = failures[0].tier
        number = next(_numbers)  # makes the names in the execution logs unique
        many = len(fleet.of(tier.name))
        keeps = any(failure.handles is not None for failure in failures)
        store = state_handles_of(fleet.plan.kit, tier, fleet.plan.extras) if keeps else None
        wanted = []
        for era in dict.fromkeys(failure.era for failure in failures):
            calling = many * (SESSIONS_PER_INSTANCE if era == "legacy" else CLIENTS_PER_INSTANCE)
            names = [f"{tier.name}-{era}-{number}.{n}" for n in range(calling)]
            names += [f"{tier.name}-{era}-{number}.{n}-long" for n in range(2 * many)]
            urls = [fleet.url(tier.name, era, client=n) for n in range(len(names))]
            wanted += [
                (name, era, url, store if n < KEEPERS else None)
                for n, (name, url) in enumerate(zip(names, urls, strict=True))
            ]
        clients = await _within(stack.enter_async_context(callers(wanted)), "The proxy did not answer")
        await _opened(clients)
        return cls(fleet, tier, clients)

    async def run(self, failures: Sequence[ExpectedFailure]) -> tuple[list[ChaosRow], bool]:
        """Inject the event and observe clients of every era.

        Returns:
            A row for each failure, and whether every client was served at the end.
        """
        act = _Event(time.monotonic())
        try:
            self._traffic.start()
            await self._perform(failures, act)
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
        executions = _executions(self._executions)
        return [self._row(failure, act, executions) for failure in failures], act.error is None

    async def _perform(self, failures: Sequence[ExpectedFailure], act: _Event) -> None:
        await self._settled(act.began, "before the event")
        self._traffic.forget()
        eras = {failure.era for failure in failures}
        target = await _within(self._target(eras, act.long), "No instance ran calls of clients of every era")
        event = failures[0].event
        act.happened = met(event, self._members, target)
        try:
            await inject(event, EventContext(self._fleet, self._members, target, self._settled))
        finally:
            act.happened = replace(act.happened, over=time.monotonic())
        await self._settled(act.happened.over)
        await _within(self._serving(eras), "Not every instance answered")

    async def _broken_off(self, act: _Event) -> None:
        for task in act.long:
            task.cancel()
        await self._traffic.cancel()
        await asyncio.gather(*act.long, return_exceptions=True)

    def _row(self, failure: ExpectedFailure, act: _Event, executions: Sequence[Execution]) -> ChaosRow:
        problems = [*self._failure(failure.era, act)]
        judged, handles = Judgement(), HandleJudgement()
        if act.happened is not None:
            calls = [call for call in (*self._traffic.calls, *act.calls) if call.era == failure.era]
            recalls = [call for call in self._traffic.recalls if call.era == failure.era]
            judged = judge(
                failure.expected, calls, executions, act.happened, recalls, self._traffic.refusals(failure.era)
            )
            problems += judged.problems
            if judged.running is None and not act.error:
                problems.append("no call ran on the target when the fault was injected")
            if failure.handles is not None:
                handles = judge_handles(failure.expected, recalls, act.happened)
                problems += handles.problems
        return replace(
            row_of(failure, self._fleet, problems),
            judged=judged,
            handles=handles,
            seconds=round(time.monotonic() - (act.happened.began if act.happened else act.began), 1),
        )

    def _failure(self, era: Era, act: _Event) -> list[str]:
        """The reasons why the experiment did not complete for clients of this era."""
        logs = f"logs: {self._fleet.run.logs}"
        if isinstance(act.error, LabError):
            return [f"{act.error.reason.rstrip('.')}; {f'log: {act.error.log}' if act.error.log else logs}"]
        if act.error is None or era not in act.error.trouble:
            return []
        said = f"not every client was served {act.error.when} within {SETTLE_S:g} s: {act.error.trouble[era]}"
        return [f"{said}; {logs}"]

    async def _settled(self, since: float, when: str = "again") -> None:
        """Wait until every client has been served at the first request since the time `since`."""
        end = time.monotonic() + SETTLE_S
        while trouble := self._traffic.trouble(since):
            if time.monotonic() > end:
                raise NotServedError(when, trouble)
            await asyncio.sleep(POLL_S)

    async def _serving(self, eras: set[Era]) -> None:
        """Check with new clients that each instance serves every era.

        These clients bypass the proxy, because a load balancer can send all other clients to other instances.
        """
        wanted = [(member, era) for member in self._members for era in eras]
        named = [(f"{instance.name}-{era}-{next(_numbers)}.0", era, instance.url, None) for instance, era in wanted]
        trouble: dict[Era, str] = {}
        async with callers(named) as clients:
            for (instance, era), client in zip(wanted, clients, strict=True):
                if not (await client.open() and (await client.call()).ok):
                    trouble[era] = f"{instance.name}, called without the proxy: {client.trouble()}"
        if trouble:
            raise NotServedError("again", trouble)

    async def _target(self, eras: set[Era], long: list[asyncio.Future[ClientCall]]) -> FleetInstance:
        """Start the long calls, add them to `long`, and choose a target that runs long calls of every era.

        In a stateful tier the target also owns sessions of the clients that call all the time. The load balancer
        chooses the instances, so several attempts can be necessary.
        """
        for _ in range(TARGET_ATTEMPTS):
            await _opened(self._long_callers)
            long[:] = [asyncio.ensure_future(long_caller.call(LONG_S)) for long_caller in self._long_callers]
            while not all(task.done() for task in long):
                eras_of = {long_caller.running: long_caller.era for long_caller in self._long_callers}
                running = _begun(_executions(self._executions), eras_of)
                owners = {client.owner for client in self._traffic.clients if client.in_session}
                for member in self._members:
                    if running.get(name_of(member), set()) >= eras and (not owners or name_of(member) in owners):
                        return member
                await asyncio.sleep(POLL_S)
        raise LabError("No instance ran calls of clients of every era at the same time.")


async def _opened(clients: Sequence[Caller]) -> None:
    """Open a new session for each client."""
    opened = await _within(asyncio.gather(*(client.open() for client in clients)), "Clients got no session")
    if not all(opened):
        raise LabError(f"{opened.count(False)} of {len(opened)} clients could not open a session.")


async def _within(work: Awaitable[_Result], failure: str) -> _Result:
    """Add a deadline for several requests together. Each request already has its own deadline."""
    try:
        return await asyncio.wait_for(work, SETTLE_S)
    except asyncio.TimeoutError:
        raise LabError(f"{failure} within {SETTLE_S:g} s.") from None


def row_of(failure: ExpectedFailure, fleet: Fleet, problems: Sequence[str]) -> ChaosRow:
    """Create the row of a failure without observations. `problems` are the reasons in words."""
    return ChaosRow(failure.tier.name if fleet.plan.kit.tiered else None, failure, tuple(problems))


def _executions(folder: Path) -> list[Execution]:
    """Read the executions of all instances, in no order. An incomplete last line is left out."""
    found: list[Execution] = []
    for path in sorted(folder.glob("*.jsonl")):
        found += [Execution(**json.loads(line)) for line in path.read_text().split("\n")[:-1]]
    return found


def _begun(executions: Iterable[Execution], wanted: Mapping[str, Era]) -> dict[str, set[Era]]:
    """For each instance, the eras of the wanted calls that run on the instance now."""
    ended = {execution.call for execution in executions if execution.step == "end"}
    found: dict[str, set[Era]] = {}
    for execution in executions:
        if execution.call in wanted and execution.call not in ended:
            found.setdefault(execution.instance, set()).add(wanted[execution.call])
    return found
