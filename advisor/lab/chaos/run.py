"""`verify --chaos`: inject each fault of rules/failures.yaml into a running fleet, and observe its clients.

The expected behaviour is the array `expected_failures` of the kit's decision.json, which DECISION.md also shows. The
observed behaviour comes from the clients and from the execution logs of the instances. Faults are injected one after
another, each into a fleet that has recovered.
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
    """Inject every fault into every tier.

    Each fault has new clients. If the fleet does not recover from a fault, stopped processes are started again. If the
    fleet still does not recover, the remaining faults of the tier are skipped, and the last row names them.

    Args:
        fleet: a running fleet, with a folder for execution logs in its environment.
        failures: the faults to inject, with the expected behaviour.
        steps: shows the progress.

    Returns:
        A row for each tier, fault and protocol era.
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
            break  # the fleet did not work before the fault either
    if not well:  # the next tier and a user who examines the fleet need a working fleet
        await recover(fleet, members)
    if pending and rows:
        rows[-1] = replace(rows[-1], problems=(*rows[-1].problems, f"skipped events: {', '.join(pending)}"))
    return rows


async def _injected(fleet: Fleet, failures: Sequence[ExpectedFailure], steps: Steps) -> tuple[list[ChaosRow], bool]:
    """Inject one fault with new clients. Return the rows, and whether the fleet works afterwards."""
    tier = f", tier {failures[0].tier.name}" if fleet.plan.kit.tiered else ""
    with steps.step(f"{failures[0].event.title}{tier}") as current:
        try:
            async with AsyncExitStack() as stack:
                experiment = await Experiment.open(stack, fleet, failures)
                rows, well = await experiment.run(failures)
        except LabError as error:
            problem = f"the fault was not injected: {error.reason.rstrip('.')}; logs: {fleet.run.logs}"
            rows, well = [row_of(failure, fleet, [problem]) for failure in failures], False
        current.note = "as expected" if all(row.agrees for row in rows) else "not as expected"
    return rows, well
