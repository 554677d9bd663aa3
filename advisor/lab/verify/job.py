"""A verification: start a kit, compare each prediction with the observation of clients, and inject faults.

`plan` checks the input and raises errors before any process starts. `verify` runs the plan.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from advisor.decision.advisor import Advisor
from advisor.errors import EndedBySignalError
from advisor.kit.expected_failures import ExpectedFailure
from advisor.kit.render import render_kit
from advisor.kit.sync.generate import generate
from advisor.knowledge.types import ERAS
from advisor.lab.chaos.run import chaos
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.log_excerpts import Marks
from advisor.lab.fleet.plan import MOST_WORKERS, FleetPlan
from advisor.lab.fleet.server_start import REDIS, interpreter, other_release, packages, start_servers
from advisor.lab.fleet.session_traffic import SessionTraffic
from advisor.lab.fleet.traffic import drive, reach_all
from advisor.lab.load.loaded_server import of_kit
from advisor.lab.load.run import allow_sessions, measure_load
from advisor.lab.process import programs
from advisor.lab.process.deadline import deadline
from advisor.lab.process.run import Run
from advisor.lab.process.steps import Steps
from advisor.lab.testserver.execution_log import FOLDER
from advisor.lab.verify.addresses import check_addresses
from advisor.lab.verify.checking import check
from advisor.lab.verify.conduct import foresight
from advisor.lab.verify.containers import check_deployment
from advisor.lab.verify.expected_failures import as_documented, failures_to_inject
from advisor.lab.verify.kit_documents import read_kit_documents
from advisor.lab.verify.kit_edits import read_kit_edits
from advisor.lab.verify.preparation import Preparation, prepare
from advisor.lab.verify.result import Verification
from advisor.lab.verify.strangers import check_strangers, untried_limits
from advisor.requirements import Requirements
from advisor.sentences import amount


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """The options of a verification.

    Attributes:
        proxy: nginx, envoy, haproxy or none instead of the kit's own proxy; "" for the kit's own.
        instances: number of instances of each tier; 0 for the number in the decision.
        sessions: number of clients of each era that call each tier.
        cells: whether to observe cells, tools and behaviours.
        chaos: whether to inject faults.
        events: ids of the faults to inject; empty for all.
        load: number of sessions that an instance must hold; 0 for no measurement.
        timeout_s: the time limit in seconds, from the installation to the report; 0 for no limit.
    """

    proxy: str = ""
    instances: int = 0
    sessions: int = 20
    cells: bool = True
    chaos: bool = False
    events: tuple[str, ...] = ()
    load: int = 0
    timeout_s: int = 0


@dataclass(frozen=True, slots=True)
class VerificationPlan:
    """The plan that `verify` runs.

    Attributes:
        options: the options of the user.
        requirements: the bytes of the requirements file.
        advisor: makes the decision.
        kit_dir: the user's kit; None if `verify` generates a temporary kit.
        prepared: the fleet to start and the cells to observe.
        problems: problems with the documents of the kit, in words.
        failures: the faults to inject, with the expected behaviour.
    """

    options: VerifyOptions
    requirements: bytes
    advisor: Advisor
    kit_dir: Path | None
    prepared: Preparation
    problems: tuple[str, ...]
    failures: tuple[ExpectedFailure, ...]


def plan(
    raw: bytes, requirements: Requirements, advisor: Advisor, options: VerifyOptions, kit_dir: Path | None = None
) -> VerificationPlan:
    """Decide what to verify, and make sure that it can be verified.

    Args:
        raw: the bytes of the requirements file.
        requirements: the parsed requirements.
        advisor: makes the decision.
        options: the options of the user.
        kit_dir: the kit with these requirements; None to generate a temporary kit.

    Raises:
        InfeasibleError: the requirements contradict each other.
        UsageError: an event does not exist, or fault injection needs a proxy.
        EnvironmentLacksError: a program or the extra `lab` is missing.
    """
    prepared = prepare(requirements, advisor, proxy=options.proxy, instances=options.instances)
    failures = failures_to_inject(prepared, advisor.knowledge, options.events) if options.chaos else []
    problems: list[str] = []
    if kit_dir is not None and prepared.other_proxy:
        note = f"This run used a temporary kit for {options.proxy}. It did not use the kit in {kit_dir}."
        prepared, kit_dir = replace(prepared, notes=(*prepared.notes, note)), None
    elif kit_dir is not None:
        documents = read_kit_documents(kit_dir, prepared, advisor)
        prepared = replace(prepared, cells=documents.cells, notes=(*prepared.notes, *documents.notes))
        broken, edits = read_kit_edits(kit_dir, render_kit(prepared.decision, raw.decode()))
        prepared = replace(prepared, notes=(*prepared.notes, *edits))
        problems += [*documents.problems, *broken]
        if documents.decision is not None and failures:
            failures, wrong = as_documented(failures, documents.decision, prepared, advisor.knowledge)
            problems += wrong
    _require(prepared)
    if options.load:
        allow_sessions(options.load)
    return VerificationPlan(options, raw, advisor, kit_dir, prepared, tuple(problems), tuple(failures))


async def verify(
    job: VerificationPlan,
    steps: Steps,
    report: Callable[[Verification], None],
    keep: Callable[[Fleet], None] | None = None,
) -> Verification:
    """Run a verification.

    Args:
        job: the plan.
        steps: shows the progress.
        report: gets the result while the fleet still runs.
        keep: gets the fleet after the report. The fleet then runs until a signal ends the run. With None, the fleet
            stops after the report.

    Returns:
        The result.

    Raises:
        LabError: a process did not start, or the time limit passed.
        UsageError: the kit's files cannot be used.
        EnvironmentLacksError: the packages of the server cannot be installed.
        EndedBySignalError: the run was interrupted before its result was reported.
    """
    found: Verification | None = None
    try:
        async with Run.open("verify") as run:
            with deadline(job.options.timeout_s, "The verification") as end_limit:
                async with _running(run, job.prepared, _kit_folder(job, run, steps), steps) as fleet:
                    found = await _observed(job, fleet, steps)
                    end_limit()
                    if not found.ok:
                        run.keep_logs()
                        found = replace(found, logs=str(run.logs))
                    report(found)
                    if keep is not None:
                        keep(fleet)
                        await asyncio.Event().wait()
    except EndedBySignalError:
        if keep is None or found is None:  # a signal is the normal end of a fleet that `keep` left running
            raise
    return found


def _kit_folder(job: VerificationPlan, run: Run, steps: Steps) -> Path:
    """The user's kit, or else a temporary kit in the folder of the run."""
    if job.kit_dir is not None:
        return job.kit_dir
    folder = run.folder / "kit"
    with steps.step("kit"):
        files = render_kit(job.prepared.decision, job.requirements.decode(), job.prepared.kit)
        generate(files, job.requirements, folder)
    return folder


async def _observed(job: VerificationPlan, fleet: Fleet, steps: Steps) -> Verification:
    """Run the parts of the verification that the options select."""
    found = Verification(
        service=job.prepared.kit.service,
        proxy=fleet.front.label,
        instances={tier.name: job.prepared.instances[tier.name] for tier in job.prepared.kit.tiers},
        problems=(*job.problems, *fleet.problems),
        notes=job.prepared.notes,
        floor_seconds=fleet.seconds,
        sdk=f"{job.prepared.kit.package} {job.prepared.kit.measured_minor}",
    )
    if job.options.cells:
        found = await _with_cells(found, job, fleet, steps)
    if job.options.load:
        found = replace(found, load=await measure_load(fleet.run, of_kit(fleet), job.options.load, steps=steps))
    if job.failures:
        found = replace(found, chaos=await chaos(fleet, job.failures, steps))
    return replace(found, steps=tuple(steps.done), seconds=steps.seconds)


async def _with_cells(found: Verification, job: VerificationPlan, fleet: Fleet, steps: Steps) -> Verification:
    """Call the fleet with many clients, and observe every cell, tool and behaviour."""
    # The log messages of the client libraries would only disturb: the result holds the observations.
    for name in ("mcp", "httpx2"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traffic, problems = await _traffic(job, fleet, steps)
        found = replace(found, traffic=tuple(traffic), problems=(*found.problems, *problems))
        found = await check(found, fleet, job.prepared.cells, foresight(job.prepared, job.advisor), steps)
        found = replace(found, problems=(*found.problems, *await check_addresses(fleet, steps)))
        trials = [*await check_strangers(fleet, steps), *await check_deployment(fleet, steps)]
        notes = untried_limits(job.prepared.kit, job.prepared.front)
        found = replace(found, trials=tuple(trials), notes=(*found.notes, *notes))
    dead = [
        f"The process {process.name} ended (exit code {process.code})"
        for process in fleet.processes
        if not process.alive()
    ]
    return replace(found, problems=(*found.problems, *dead))


async def _traffic(job: VerificationPlan, fleet: Fleet, steps: Steps) -> tuple[list[SessionTraffic], list[str]]:
    """Call every tier with clients of every era in the requirements. Return the traffic and the problems."""
    kit, sessions = job.prepared.kit, job.options.sessions
    places = [(tier.name if kit.tiered else None, era) for tier in kit.tiers for era in ERAS if era in kit.eras]
    found, problems = [], []
    with steps.step(f"{sessions} clients of each era and tier", len(places)) as current:
        for tier, era in places:
            marks = Marks(fleet)
            seen = await drive(fleet, tier, era, sessions)
            found.append(seen)
            if seen.lost:
                lines = "".join(f"\n    {line}" for line in marks.lines())
                where = f" of the tier {tier}" if tier else ""
                problems.append(
                    f"{seen.lost} of {seen.clients} {era} clients{where} had failed calls: {seen.example}{lines}"
                )
            current.advance()
    return found, problems


def _require(prepared: Preparation) -> None:
    """Make sure that all programs and packages are installed.

    Raises:
        EnvironmentLacksError: a program or package is missing; the message has the install command.
    """
    programs.require_extra()
    for name in prepared.programs:
        programs.program(name)
    kit, front = prepared.kit, prepared.front
    if front.program is not None and front.needs:
        since = kit.knowledge.kit_proxies[front.program].since[front.needs]
        programs.require_release(front.program, since, f"`{front.needs}`, which this proxy uses for session affinity,")


@asynccontextmanager
async def _running(run: Run, prepared: Preparation, kit_dir: Path, steps: Steps) -> AsyncIterator[Fleet]:
    """Start the fleet of a kit, and stop the fleet at the end.

    Args:
        run: owns the processes.
        prepared: the fleet to start.
        kit_dir: the kit. The fleet uses the server and proxy files of this folder without changes.
        steps: shows the progress.

    Raises:
        LabError: a process did not start.
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
    if other := await other_release(run, python, kit.package, kit.requirement):
        fleet.problems.append(other)
    try:
        await start_servers(fleet, wanted, steps, f"start of {_instances(prepared)}")
        if prepared.front.program is not None:
            with steps.step(f"start of {prepared.front.program}") as current:
                await fleet.start_proxy()
                for tier in kit.tiers:
                    await reach_all(fleet, tier.name)
                current.note = fleet.front.label
        await client  # the first client needs this import, which takes as long as the start of an instance
        yield fleet
    finally:
        for process in fleet.processes:
            process.kill()


def _instances(prepared: Preparation) -> str:
    total = sum(prepared.instances.values())
    workers = max(min(tier.workers, MOST_WORKERS) for tier in prepared.kit.tiers)
    tail = f" with {workers} workers each" if workers > 1 else ""
    return f"{amount(total, 'instance')}{tail}"
