"""`verify --chaos`: each event of rules/failures.yaml happens to a running fleet, and its clients are watched.

What clients of this kit should see (the array `expected_failures` of its decision.json, which DECISION.md prints) is
compared with what clients saw and with the execution logs of the instances. Events come one after the other; the fleet
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

    After an event that left the fleet in a bad way, what is down is started again and the next one follows, with new
    clients; where that does not help, the rest of the events of the tier is left out, and the last row says so.

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
    pending = list(dict.fromkeys(failure.event.id for failure in own))
    rows: list[ChaosRow] = []
    well = True
    while pending:
        if not well and not await recover(fleet, fleet.of(own[0].tier.name)):
            break
        async with AsyncExitStack() as stack:
            try:
                experiment = await Experiment.open(stack, fleet, own)
            except LabError as error:
                rows += [_unplayed(failure, fleet, error) for failure in own if failure.event.id == pending[0]]
                del pending[0]
                break
            well = True
            while well and pending:
                some = [failure for failure in own if failure.event.id == pending[0]]
                found, well = await _played(experiment, some, fleet, steps)
                rows += found
                del pending[0]
        if not well and rows[-1].seen is None:
            break  # it was not even well before the event
    if not well:  # for the tier after this one, and for who looks at the fleet then
        await recover(fleet, fleet.of(own[0].tier.name))
    if pending and rows:
        rows[-1] = replace(rows[-1], problems=(*rows[-1].problems, f"not tried any more: {', '.join(pending)}"))
    return rows


async def _played(
    experiment: Experiment, some: Sequence[ExpectedFailure], fleet: Fleet, steps: Steps
) -> tuple[list[ChaosRow], bool]:
    tier = f", tier {some[0].tier.name}" if fleet.plan.kit.tiered else ""
    with steps.step(f"{some[0].event.title}{tier}") as current:
        rows, well = await experiment.run(some)
        current.note = "as promised" if all(row.agrees for row in rows) else "not as promised"
    return rows, well


def _unplayed(failure: ExpectedFailure, fleet: Fleet, error: LabError) -> ChaosRow:
    """The row of an event that could not be made to happen."""
    return row_of(failure, fleet, [f"not made to happen: {error.reason.rstrip('.')}; logs: {fleet.run.logs}"])
