"""Runs both examples of a finding with real servers, the real proxy and real clients."""

from __future__ import annotations

import asyncio
import datetime
import sys
from importlib import metadata
from pathlib import Path
from typing import Literal, get_args

from advisor.knowledge import Knowledge
from advisor.knowledge.finding_kinds import FindingKind
from advisor.knowledge.trials import FindingTrial
from advisor.lab.fleet.proxy_program import ProxyProgram
from advisor.lab.process import programs
from advisor.lab.process.process import Process
from advisor.lab.process.run import Launch, Run
from advisor.lab.process.sdk_under_test import FlagPair, line_of, serving
from advisor.lab.testserver.execution_log import FOLDER
from advisor.lab.trials.example_files import COUNT, write_example
from advisor.lab.trials.experiments import EXPERIMENTS, TrialDeployment

Example = Literal["hit", "miss"]
"""The example of a fault, or the example without it."""

_START_S = 60.0


async def measure(trial: FindingTrial, knowledge: Knowledge) -> FindingTrial:
    """Run both examples of the finding of a trial, each with new servers.

    Returns:
        The trial with new figures, programs and date.

    Raises:
        EnvironmentLacksError: a program is missing.
        LabError: a process did not start, or an experiment failed.
    """
    finding = knowledge.findings[trial.id]
    faulty, fixed = [await _figure(trial, finding, example, knowledge) for example in get_args(Example)]
    proxy = await programs.version(programs.program(trial.program))
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    return trial._replace(faulty=faulty, fixed=fixed, releases=f"{proxy}, mcp {metadata.version('mcp')}", date=today)


async def _figure(trial: FindingTrial, finding: FindingKind, example: Example, knowledge: Knowledge) -> float:
    files = next(files for name, files in finding.examples if name == example)
    async with Run.open(f"trial-{trial.id}-{example}") as run:
        executions = run.folder / "executions"
        executions.mkdir()
        servers = await _servers(run, trial.flags(files), executions)
        addresses = [f"127.0.0.1:{port}" for port in servers]
        program = ProxyProgram(trial.program, knowledge.kit_proxies[trial.program])

        def launch(port: int) -> Launch:
            folder = run.folder / f"proxy-{port}"
            write_example(files, folder, port, addresses)
            for name in knowledge.kit_proxies[trial.program].files:  # the command names each file that a kit has
                (folder / name).touch()
            return Launch(program.command(folder, port))

        _, port = await run.start_on_port("proxy", launch)
        return await EXPERIMENTS[trial.experiment](TrialDeployment(port, servers, executions, trial.seconds))


async def _servers(run: Run, flags: FlagPair, executions: Path) -> dict[str, Process]:
    """Start the servers. Returns the process of each server by its port."""
    line = line_of("mcp", metadata.version("mcp"))
    env = {"LAB_SIGNED": "1", "LAB_KEY": "k" * 32, "LAB_ANY_HOST": "1", FOLDER: str(executions)}
    launch = serving(Path(sys.executable), line, flags, "exercise+lab", env=env)
    started = [run.start_on_port(f"server-{number + 1}", launch, deadline_s=_START_S) for number in range(COUNT)]
    return {str(port): process for process, port in await asyncio.gather(*started)}
