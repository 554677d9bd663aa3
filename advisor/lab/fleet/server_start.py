"""The packages of a generated server, and its start. If necessary, the packages are as old as the SDK release."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement

from advisor.errors import LabError, UsageError
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.process.environments import environment
from advisor.lab.process.installed import installed
from advisor.lab.process.package_index import its_time
from advisor.lab.process.run import Run
from advisor.lab.process.steps import Steps

REDIS = "redis>=5.0"
"""The package that the lab's own tools need for a shared store."""

_MISFIT = re.compile(r"^\s*(ImportError|ModuleNotFoundError|AttributeError|TypeError)\b.*", re.MULTILINE)


def packages(pyproject: Path) -> list[str]:
    """Read the dependencies of a server from its pyproject.toml.

    Raises:
        UsageError: the file cannot be read or has no dependencies.
    """
    try:
        toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
        found = toml.loads(pyproject.read_text())["project"]["dependencies"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{pyproject}: the dependencies of the project cannot be read: {error}") from None
    return [str(dependency) for dependency in found]


async def interpreter(run: Run, release: str, server: Path, wanted: Sequence[str]) -> tuple[Path, str]:
    """Return an interpreter with the packages of a server: the running interpreter, or else a new environment.

    Args:
        run: a new environment is created in the folder of this run.
        release: the SDK release, as the kit requires it.
        server: the folder of the server's code.
        wanted: the required packages.

    Returns:
        The path of the interpreter, and a remark if it is the running interpreter, else "".

    Raises:
        UsageError: a release does not exist, or the requirements contradict each other.
        EnvironmentLacksError: uv is missing or the package index cannot be reached.
        LabError: another step failed or took too long.
    """
    found = await asyncio.to_thread(installed, wanted, release, server)
    if found:
        return Path(sys.executable), f"uses the packages of the running interpreter: {found}"
    return await environment(run, wanted), ""


async def other_release(run: Run, python: Path, package: str, asked: str) -> str:
    """Return in words that an environment has another SDK release than the requirements ask for; "" if it has not.

    Args:
        run: runs the interpreter.
        python: the interpreter of the environment.
        package: mcp or fastmcp.
        asked: the SDK requirement, as the requirements file states it.
    """
    code = "import sys; from importlib.metadata import distributions as found; "
    code += "print(*(package.version for package in found(name=sys.argv[1])))"
    found, *_ = (await run.execute(f"the release of {package}", [python, "-I", "-c", code, package])).split() or [""]
    if found and Requirement(asked).specifier.contains(found, prereleases=True):
        return ""
    return (
        f"This run used {package} {found or '(not installed)'}, but the requirements ask for {asked}. To fix this, "
        f"write {asked} into server/pyproject.toml."
    )


async def start_servers(fleet: Fleet, wanted: Sequence[str], steps: Steps, name: str) -> None:
    """Start the instances. If an old SDK fails with current packages, use the packages from its release date.

    The fleet then has a problem, because the server would not start in production either.

    Args:
        fleet: a fleet that is not started yet.
        wanted: the packages of the server.
        steps: shows the progress.
        name: name of the step.

    Raises:
        LabError: an instance does not start.
    """
    try:
        with steps.step(name):
            await fleet.start_servers()
    except LabError as error:
        misfit = _MISFIT.search("\n".join(error.lines))
        if misfit is None:
            raise
        kit = fleet.plan.kit
        with steps.step("environment with packages from the release date of the SDK") as current:
            then = await its_time(fleet.run, kit.package, kit.oldest_sdk)
            python = await environment(fleet.run, wanted, exclude_newer=then, name="venv-then")
            current.note = then[:10]
        fleet.plan = replace(fleet.plan, python=python)
        with steps.step(name):
            await fleet.start_servers()
        fleet.problems.append(
            f"The server does not start with current packages ({misfit[0].strip()}). This run used the packages from "
            f"{then[:10]}. To fix this, pin these packages in server/pyproject.toml."
        )
