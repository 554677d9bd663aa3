"""`verify --chaos`: each event of rules/failures.yaml happens to a running fleet, and its clients are watched.

What is promised for this kit (the rows that its DECISION.md prints) is held against what the clients saw and against
what the instances wrote down of their executions. Events come one after the other; the fleet is well before the next.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from advisor.errors import LabError, UsageError
from advisor.kit.failures import Promised, promised
from advisor.kit.model import TierContext
from advisor.knowledge import Knowledge
from advisor.knowledge.types import Era
from advisor.lab.chaos_events import name_of, strike
from advisor.lab.chaos_evidence import Call, Execution, Happened, Row
from advisor.lab.chaos_traffic import Caller, Traffic, callers
from advisor.lab.chaos_verdict import judge
from advisor.lab.fleet import Fleet, Instance
from advisor.lab.preparation import Preparation
from advisor.lab.process import POLL_S
from advisor.lab.steps import Steps
from advisor.lab.subject.ledger import FOLDER

SETTLE_S = 60.0
"""Until every client must be served again."""
LONG_S = 2.5
"""How long the calls take that are to run when an event strikes; longer than a stop of an idle instance."""
PLANT_ATTEMPTS = 5
SESSIONS_PER_INSTANCE = 3
CLIENTS_PER_INSTANCE = 2


async def chaos(fleet: Fleet, promises: Sequence[Promised], steps: Steps) -> tuple[Row, ...]:
    """Make every event happen to every tier.

    Args:
        fleet: a running fleet, started with a folder for ledgers in its environment.
        promises: what to check; events without a promise do not happen.
        steps: told what happens.

    Raises:
        LabError: the fleet was not well before an event, or did not come back after it.
    """
    rows: list[Row] = []
    for tier in dict.fromkeys(one.tier.name for one in promises):
        own = [one for one in promises if one.tier.name == tier]
        async with AsyncExitStack() as stack:
            scene = await _Scene.open(stack, fleet, own)
            for event in dict.fromkeys(one.event.id for one in own):
                some = [one for one in own if one.event.id == event]
                with steps.step(f"{some[0].event.title}{f', tier {tier}' if fleet.plan.kit.tiered else ''}") as current:
                    found = await scene.play(some)
                    current.note = "as promised" if all(one.agrees for one in found) else "not as promised"
                rows += found
    return tuple(rows)


def expected(prepared: Preparation, knowledge: Knowledge, events: Sequence[str] = ()) -> list[Promised]:
    """The promises that can be checked on a fleet.

    Args:
        prepared: what it is started from.
        knowledge: the events and the promises.
        events: ids of the events that are wanted; all by default.

    Raises:
        UsageError: an event does not exist, or nothing stands in front of several instances.
    """
    known = [event.id for event in knowledge.events]
    for event in events:
        if event not in known:
            raise UsageError(f"There is no event {event!r}; one of {', '.join(known)}.")
    if prepared.front.program is None and max(prepared.instances.values()) > 1:
        raise UsageError("What is promised for failures counts on a proxy: run it with one, or with --instances 1.")
    # A stand-in that holds streams back stands before the kit's proxy, and it is not the one to reload.
    apart = {"proxy-reloaded"} if prepared.front.holds or not prepared.front.own else set()
    found = promised(prepared.kit, knowledge, prepared.instances)
    return [one for one in found if one.event.id not in apart and (not events or one.event.id in events)]


class _Scene:
    """One tier with its clients: some that call all the time, and some for the calls that take long."""

    def __init__(self, fleet: Fleet, tier: TierContext, clients: list[Caller]) -> None:
        self._fleet = fleet
        self._tier = tier
        self._members = fleet.of(tier.name)
        self._ledger = Path(fleet.plan.env[FOLDER])
        self._planters = [one for one in clients if one.name.endswith("long")]
        self._traffic = Traffic([one for one in clients if one not in self._planters])

    @classmethod
    async def open(cls, stack: AsyncExitStack, fleet: Fleet, own: Sequence[Promised]) -> _Scene:
        tier = own[0].tier
        many = len(fleet.of(tier.name))
        wanted: list[tuple[str, Era, str]] = []
        for era in dict.fromkeys(one.era for one in own):
            calling = many * (SESSIONS_PER_INSTANCE if era == "legacy" else CLIENTS_PER_INSTANCE)
            names = [f"{tier.name}-{era}-{n}" for n in range(calling)]
            names += [f"{tier.name}-{era}-{n}-long" for n in range(2 * many)]
            wanted += [(name, era, fleet.url(tier.name, era, client=n)) for n, name in enumerate(names)]
        clients = await stack.enter_async_context(callers(wanted))
        opened = await asyncio.gather(*(one.open() for one in clients))
        if not all(opened):
            raise LabError(f"{opened.count(False)} of {len(opened)} clients could not open a session before any event.")
        return cls(fleet, tier, clients)

    async def play(self, promises: Sequence[Promised]) -> list[Row]:
        """One event, as clients of every era see it."""
        self._traffic.start()
        long: list[asyncio.Future[Call]] = []
        try:
            await self._settled(time.monotonic())
            await asyncio.gather(*(one.call() for one in self._planters))  # sessions that ended meanwhile are replaced
            self._traffic.forget()
            victim = await self._planted({one.era for one in promises}, long)
            event = promises[0].event.id
            happened = await strike(event, self._fleet, self._members, victim, self._settled)
            await self._settled(happened.over)
        except BaseException:
            self._traffic.cancel()
            for task in long:
                task.cancel()
            raise
        calls = await self._traffic.stop()
        calls += await asyncio.gather(*long)
        executions = read(self._ledger)
        return [self._row(one, calls, executions, happened) for one in promises]

    def _row(self, one: Promised, calls: Sequence[Call], executions: Sequence[Execution], happened: Happened) -> Row:
        found = judge(one.promise, [call for call in calls if call.era == one.era], executions, happened)
        return Row(
            self._tier.name if self._fleet.plan.kit.tiered else None,
            one.event.id,
            one.event.title,
            one.era,
            one.keeping,
            one.promise.then,
            found.seen,
            one.promise.running,
            found.running,
            found.numbers,
            found.problems,
            round(time.monotonic() - happened.began, 1),
        )

    async def _settled(self, since: float) -> None:
        """Until every client was served since then, and at first."""
        end = time.monotonic() + SETTLE_S
        while not self._traffic.calm(since):
            if time.monotonic() > end:
                logs = [one.process.log for one in self._members]
                raise LabError(
                    f"Not every client was served again within {SETTLE_S:g} s ({self._traffic.trouble(since)}).",
                    log=logs[0].parent,
                )
            await asyncio.sleep(POLL_S)

    async def _planted(self, eras: set[Era], long: list[asyncio.Future[Call]]) -> Instance:
        """Begin the long calls, into `long`; the instance that runs some of clients of every era is the one to strike.

        Where they land is up to the balancer, so that it may take another attempt.
        """
        for _ in range(PLANT_ATTEMPTS):
            long[:] = [asyncio.ensure_future(one.call(LONG_S)) for one in self._planters]
            while not all(task.done() for task in long):
                begun = _begun(read(self._ledger), {one.running: one.era for one in self._planters})
                for one in self._members:
                    if begun.get(name_of(one), set()) >= eras:
                        return one
                await asyncio.sleep(POLL_S)
        raise LabError("No instance ran calls of clients of every era at the same time.")


def _begun(executions: Iterable[Execution], wanted: dict[str, Era]) -> dict[str, set[Era]]:
    """The eras of the wanted calls that each instance has begun and not ended."""
    ended = {one.call for one in executions if one.step == "end"}
    found: dict[str, set[Era]] = {}
    for one in executions:
        if one.call in wanted and one.call not in ended:
            found.setdefault(one.instance, set()).add(wanted[one.call])
    return found


def read(ledger: Path) -> list[Execution]:
    """What all instances wrote down, in no order; a line that is being written is left for the next time."""
    found = []
    for path in sorted(ledger.glob("*.jsonl")):
        for line in path.read_text().split("\n")[:-1]:
            found.append(Execution(**json.loads(line)))
    return found
