"""`verify --chaos`: each event of rules/failures.yaml happens to a running fleet, and its clients are watched.

What clients of this kit should see (the array `expected_failures` of its decision.json, which DECISION.md prints) is
compared with what clients saw and with the execution logs of the instances. Events come in sequence; the fleet
has recovered before the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from advisor.errors import LabError
from advisor.kit.expected_failures import ExpectedFailure
from advisor.lab.chaos.events import recover
from advisor.lab.chaos.evidence import ChaosRow
from advisor.lab.chaos.experiment import Experiment, row_of
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.process.steps import Steps


async def chaos(fleet: Fleet, failures: Sequence[ExpectedFailure], steps: Steps) -> tuple[ChaosRow, ...]:
    """Make every event happen to every tier.

    Each event has clients of its own. After an event from which the fleet does not recover, what is down is started
    again; where that does not help, the rest of the events of the tier is left out, and the last row says so.

    Args:
        fleet: a running fleet, started with a folder for execution logs in its environment.
        failures: what to inject, and what clients should see of it.
        steps: told what happens.
    """
    rows: list[ChaosRow] = []
    for tier in dict.fromkeys(failure.tier.name for failure in failures):
        rows += await _tier(fleet, [failure for failure in failures if failure.tier.name == tier], steps)
    return tuple(rows)


async def _tier(fleet: Fleet, own: Sequence[ExpectedFailure], steps: Steps) -> list[ChaosRow]:
    members = fleet.of(own[0].tier.name)
    pending = list(dict.fromkeys(failure.event.id for failure in own))
    rows: list[ChaosRow] = []
    well = True
    while pending and (well or await recover(fleet, members)):
        event = pending.pop(0)
        found, well = await _injected(fleet, [failure for failure in own if failure.event.id == event], steps)
        rows += found
        if not well and found[-1].judged.seen is None:
            break  # it was not even well before the event
    if not well:  # for the next tier, and for a user who looks at the fleet then
        await recover(fleet, members)
    if pending and rows:
        rows[-1] = replace(rows[-1], problems=(*rows[-1].problems, f"not tried any more: {', '.join(pending)}"))
    return rows


async def _injected(fleet: Fleet, failures: Sequence[ExpectedFailure], steps: Steps) -> tuple[list[ChaosRow], bool]:
    """One event, with clients of its own: the rows, and whether the fleet is well after it."""
    tier = f", tier {failures[0].tier.name}" if fleet.plan.kit.tiered else ""
    with steps.step(f"{failures[0].event.title}{tier}") as current:
        try:
            async with AsyncExitStack() as stack:
                experiment = await Experiment.open(stack, fleet, failures)
                rows, well = await experiment.run(failures)
        except LabError as error:
            problem = f"not made to happen: {error.reason.rstrip('.')}; logs: {fleet.run.logs}"
            rows, well = [row_of(failure, fleet, [problem]) for failure in failures], False
        current.note = "as promised" if all(row.agrees for row in rows) else "not as promised"
    return rows, well
