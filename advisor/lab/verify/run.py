"""Verify a kit: start it as production would, drive it with real clients, compare each cell with the prediction."""

from __future__ import annotations

import asyncio
import importlib
import logging
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from advisor.kit.upstreams import STICKY_SINCE, balance
from advisor.knowledge.types import ERAS
from advisor.lab.fleet.explain import Marks
from advisor.lab.fleet.fleet import MOST_WORKERS, Fleet, FleetPlan
from advisor.lab.fleet.server_start import REDIS, interpreter, packages, start_servers
from advisor.lab.fleet.traffic import SessionTraffic, drive, reach_all
from advisor.lab.process import programs
from advisor.lab.process.run import Run
from advisor.lab.process.steps import Steps
from advisor.lab.testserver.execution_log import FOLDER
from advisor.lab.verify.checking import check
from advisor.lab.verify.conduct import Foresight
from advisor.lab.verify.preparation import Preparation
from advisor.lab.verify.result import Verification

SESSIONS = 20
"""How many clients of each era drive each tier."""


def require(prepared: Preparation) -> None:
    """Make sure that everything is installed, before anything is started.

    Raises:
        EnvironmentLacksError: something is not; with the command that installs it.
    """
    programs.require_extra()
    for name in prepared.programs:
        programs.program(name)
    kit, front = prepared.kit, prepared.front
    mechanisms = {balance(kit, tier) for tier in kit.tiers} if front.own else {front.way}
    if front.program == "nginx" and mechanisms & {"learn", "cookie"}:
        programs.require_release("nginx", STICKY_SINCE, "`sticky`, by which this proxy keeps sessions,")


@asynccontextmanager
async def running(run: Run, prepared: Preparation, kit_dir: Path, steps: Steps) -> AsyncIterator[Fleet]:
    """The fleet of a kit, started.

    Args:
        run: holds its processes.
        prepared: what to start.
        kit_dir: the kit; its server and its proxy files are used as they lie there.
        steps: told of what is done.

    Raises:
        LabError: something did not start.
        UsageError: the kit's files cannot be used.
        EnvironmentLacksError: the packages of the server cannot be installed.
    """
    kit = prepared.kit
    with steps.step(f"environment for the server ({kit.requirement})") as current:
        wanted = [*packages(kit_dir / "server" / "pyproject.toml"), *([REDIS] if prepared.extras.redis else [])]
        client = asyncio.get_running_loop().run_in_executor(None, importlib.import_module, "mcp")
        python, current.note = await interpreter(run, kit.requirement, kit_dir / "server", wanted)
    ledger = run.folder / "ledger"  # what ran, in the words of the instances
    ledger.mkdir()
    plan = FleetPlan(kit_dir, kit, python, prepared.front, prepared.instances, prepared.extras, {FOLDER: str(ledger)})
    fleet = Fleet(run, plan)
    try:
        await start_servers(fleet, wanted, steps, f"start of {_instances(prepared)}")
        if prepared.front.program is not None:
            with steps.step(f"start of {prepared.front.program}") as current:
                await fleet.start_proxy()
                for tier in kit.tiers:
                    await reach_all(fleet, tier.name)
                current.note = fleet.label
        await client  # the first who needs it; it takes as long as an instance takes to start
        yield fleet
    finally:
        for process in fleet.processes:
            process.kill()


def nothing_yet(fleet: Fleet, prepared: Preparation, steps: Steps) -> Verification:
    """The result as long as nothing was observed."""
    kit = prepared.kit
    instances = {tier.name: prepared.instances[tier.name] for tier in kit.tiers}
    return Verification(
        service=kit.service,
        proxy=fleet.label,
        instances=instances,
        cells=(),
        traffic=(),
        problems=tuple(fleet.problems),
        notes=prepared.notes,
        steps=tuple(steps.done),
        seconds=steps.seconds,
        floor_seconds=fleet.seconds,
    )


async def verify(
    fleet: Fleet, prepared: Preparation, foresight: Foresight, steps: Steps, *, sessions: int = SESSIONS
) -> Verification:
    """Drive the fleet and observe every cell, tool and behaviour.

    Args:
        fleet: started by `running`.
        prepared: what it was started from.
        foresight: predicts the behaviours.
        steps: told of what is done.
        sessions: how many clients of each era drive each tier.
    """
    kit = prepared.kit
    # The clients' own remarks are not for our reader: what they see is in the result.
    logging.getLogger("mcp").setLevel(logging.CRITICAL + 1)
    logging.getLogger("httpx2").setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traffic, problems = await _traffic(fleet, prepared, steps, sessions)
        found = await check(fleet, prepared.cells, foresight, steps)
    dead = [f"{one.name} has ended (code {one.code})" for one in fleet.processes if not one.alive()]
    return Verification(
        service=kit.service,
        proxy=fleet.label,
        instances={tier.name: prepared.instances[tier.name] for tier in kit.tiers},
        cells=found.cells,
        traffic=tuple(traffic),
        problems=(*fleet.problems, *problems, *found.problems, *dead),
        notes=(*prepared.notes, *found.notes),
        steps=tuple(steps.done),
        seconds=steps.seconds,
        floor_seconds=fleet.seconds,
        behaviours=found.behaviours,
        unknown=found.unknown,
    )


async def _traffic(
    fleet: Fleet, prepared: Preparation, steps: Steps, sessions: int
) -> tuple[list[SessionTraffic], list[str]]:
    """Every tier under clients of every era that the requirements name."""
    kit = prepared.kit
    plans = [(tier.name if kit.tiered else None, era) for tier in kit.tiers for era in ERAS if era in kit.eras]
    found, problems = [], []
    with steps.step(f"{sessions} clients of each era, {len(plans)} times", len(plans)) as current:
        for tier, era in plans:
            marks = Marks(fleet)
            seen = await drive(fleet, tier, era, sessions)
            found.append(seen)
            if seen.lost:
                lines = "".join(f"\n    {name}: {line}" for name, line in marks.lines())
                where = f" of the tier {tier}" if tier else ""
                problems.append(f"{seen.lost} of {seen.clients} {era} clients{where} lost calls: {seen.example}{lines}")
            current.advance()
    return found, problems


def _instances(prepared: Preparation) -> str:
    total = sum(prepared.instances.values())
    workers = max(min(tier.workers, MOST_WORKERS) for tier in prepared.kit.tiers)
    tail = f" with {workers} workers each" if workers > 1 else ""
    return f"{total} instance{'s' if total > 1 else ''}{tail}"
