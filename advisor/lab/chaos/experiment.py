"""One tier of a running fleet with clients of every era, and the failure that is injected into it."""

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
from advisor.lab.chaos.clients import Caller, callers
from advisor.lab.chaos.events import inject, met, name_of
from advisor.lab.chaos.evidence import ChaosRow, ClientCall, Execution, HandleJudgement, Happened, Judgement
from advisor.lab.chaos.handle_verdict import judge_handles
from advisor.lab.chaos.state_handles import state_handles_of
from advisor.lab.chaos.traffic import ChaosTraffic, NotServedError
from advisor.lab.chaos.verdict import judge
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.plan import FleetInstance
from advisor.lab.process.process import POLL_S
from advisor.lab.testserver.execution_log import FOLDER

_Result = TypeVar("_Result")
_numbers = count(1)

SETTLE_S = 60.0
"""Until every client must be served again."""
LONG_S = 2.5
"""How long the calls take that run on the target of an event; longer than a stop of an idle instance."""
TARGET_ATTEMPTS = 5
SESSIONS_PER_INSTANCE = 3
CLIENTS_PER_INSTANCE = 2
KEEPERS = 4
"""How many clients of each era also keep something behind a handle, where instances share a store."""


@dataclass(slots=True)
class _Event:
    """One event: what came of it so far."""

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
        self._executions = Path(fleet.plan.env[FOLDER])
        self._long_callers = [client for client in clients if client.name.endswith("long")]
        self._traffic = ChaosTraffic([client for client in clients if client not in self._long_callers])

    @classmethod
    async def open(cls, stack: AsyncExitStack, fleet: Fleet, failures: Sequence[ExpectedFailure]) -> Experiment:
        """Make the clients of a tier, each with its session.

        Args:
            stack: closes their connections.
            fleet: the running fleet.
            failures: what clients of each era should see of an event in a tier.

        Raises:
            LabError: some of them got no session.
        """
        tier = failures[0].tier
        number = next(_numbers)  # the execution logs must tell the experiments apart
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
        """One event, as clients of every era see it.

        Returns:
            A row for each failure, and whether every client was served in the end.
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
        await self._settled(act.began, "before it")
        self._traffic.forget()
        eras = {failure.era for failure in failures}
        target = await _within(self._target(eras, act.long), "No instance ran calls of clients of every era")
        event = failures[0].event.id
        act.happened = met(event, self._members, target)
        try:
            await inject(event, self._fleet, self._members, target, self._settled)
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
            judged = judge(failure.expected, calls, executions, act.happened, recalls)
            problems += judged.problems
            if judged.running is None and not act.error:
                problems.append("no call ran where the event struck")
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
        """Each instance itself serves new clients of every era: a balancer can keep all of ours away from it."""
        wanted = [(member, era) for member in self._members for era in eras]
        named = [(f"{instance.name}-{era}-{next(_numbers)}.0", era, instance.url, None) for instance, era in wanted]
        trouble: dict[Era, str] = {}
        async with callers(named) as clients:
            for (instance, era), client in zip(wanted, clients, strict=True):
                if not (await client.open() and (await client.call()).ok):
                    trouble[era] = f"{instance.name}, asked without the proxy: {client.trouble()}"
        if trouble:
            raise NotServedError("again", trouble)

    async def _target(self, eras: set[Era], long: list[asyncio.Future[ClientCall]]) -> FleetInstance:
        """Begin the long calls, into `long`; the target runs some of clients of every era.

        Where sessions are kept it also holds some of those that call all the time. Where calls land is up to the
        balancer, so that it may take another attempt.
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
    """A new session for each client."""
    opened = await _within(asyncio.gather(*(client.open() for client in clients)), "Clients got no session")
    if not all(opened):
        raise LabError(f"{opened.count(False)} of {len(opened)} clients could not open a session.")


async def _within(work: Awaitable[_Result], failure: str) -> _Result:
    """What has a deadline of its own for each request, but not for all of them together."""
    try:
        return await asyncio.wait_for(work, SETTLE_S)
    except asyncio.TimeoutError:
        raise LabError(f"{failure} within {SETTLE_S:g} s.") from None


def row_of(failure: ExpectedFailure, fleet: Fleet, problems: Sequence[str]) -> ChaosRow:
    """The row of a failure of which nothing was seen yet, and why it does not agree."""
    return ChaosRow(failure.tier.name if fleet.plan.kit.tiered else None, failure, tuple(problems))


def _executions(folder: Path) -> list[Execution]:
    """The executions of all instances, in no order; a line that is being written is left for the next time."""
    found: list[Execution] = []
    for path in sorted(folder.glob("*.jsonl")):
        found += [Execution(**json.loads(line)) for line in path.read_text().split("\n")[:-1]]
    return found


def _begun(executions: Iterable[Execution], wanted: Mapping[str, Era]) -> dict[str, set[Era]]:
    """The eras of the wanted calls that each instance has begun and not ended."""
    ended = {execution.call for execution in executions if execution.step == "end"}
    found: dict[str, set[Era]] = {}
    for execution in executions:
        if execution.call in wanted and execution.call not in ended:
            found.setdefault(execution.instance, set()).add(wanted[execution.call])
    return found
