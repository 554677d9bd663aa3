"""Start the fleet of a kit as production would, after a look at whether everything for it is installed."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from advisor.kit.upstreams import balance
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.plan import MOST_WORKERS, FleetPlan
from advisor.lab.fleet.server_start import REDIS, interpreter, packages, start_servers
from advisor.lab.fleet.traffic import reach_all
from advisor.lab.process import programs
from advisor.lab.process.run import Run
from advisor.lab.process.steps import Steps
from advisor.lab.testserver.execution_log import FOLDER
from advisor.lab.verify.preparation import Preparation


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
        since = kit.knowledge.kit_proxies[front.program].since["sticky"]
        programs.require_release(front.program, since, "`sticky`, by which this proxy keeps sessions,")


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
    executions = run.folder / "executions"
    executions.mkdir()
    env = {FOLDER: str(executions)}
    plan = FleetPlan(kit_dir, kit, python, prepared.front, prepared.instances, prepared.extras, env)
    fleet = Fleet(run, plan)
    try:
        await start_servers(fleet, wanted, steps, f"start of {_instances(prepared)}")
        if prepared.front.program is not None:
            with steps.step(f"start of {prepared.front.program}") as current:
                await fleet.start_proxy()
                for tier in kit.tiers:
                    await reach_all(fleet, tier.name)
                current.note = fleet.front.label
        await client  # the first client needs it; the import takes as long as the start of an instance
        yield fleet
    finally:
        for process in fleet.processes:
            process.kill()


def _instances(prepared: Preparation) -> str:
    total = sum(prepared.instances.values())
    workers = max(min(tier.workers, MOST_WORKERS) for tier in prepared.kit.tiers)
    tail = f" with {workers} workers each" if workers > 1 else ""
    return f"{total} instance{'s' if total > 1 else ''}{tail}"
