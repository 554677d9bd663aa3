"""The packages of a generated server, and its start, if need be with packages as old as its SDK."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from advisor.errors import LabError, UsageError
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.process.environments import environment
from advisor.lab.process.installed import installed
from advisor.lab.process.package_index import its_time
from advisor.lab.process.run import Run
from advisor.lab.process.steps import Steps

REDIS = "redis>=5.0"
"""What the lab's own tools need where instances share something."""

_MISFIT = re.compile(r"^\s*(ImportError|ModuleNotFoundError|AttributeError|TypeError)\b.*", re.MULTILINE)
_RELEASE = re.compile(r"(?P<package>[a-z]+)>=(?P<version>[0-9.]+)")


def packages(pyproject: Path) -> list[str]:
    """What a server says that it needs.

    Raises:
        UsageError: the file cannot be read, or says nothing.
    """
    try:
        toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
        found = toml.loads(pyproject.read_text())["project"]["dependencies"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{pyproject}: the dependencies of the project cannot be read: {error}") from None
    return [str(dependency) for dependency in found]


async def interpreter(run: Run, release: str, server: Path, wanted: Sequence[str]) -> tuple[Path, str]:
    """An interpreter with the packages of a server: the running interpreter if it has them all, else a new environment.

    Args:
        run: its folder holds a new environment.
        release: the SDK's, as the kit requires it.
        server: the folder of the server's code.
        wanted: the packages.

    Returns:
        Its path, and what it is in words where it is not a new environment; else "".

    Raises:
        UsageError: a release does not exist, or the requirements contradict each other.
        EnvironmentLacksError: uv is missing or the package index cannot be reached.
        LabError: another step failed or took too long.
    """
    found = await asyncio.to_thread(installed, wanted, release, server)
    if found:
        return Path(sys.executable), f"this interpreter has it: {found}"
    return await environment(run, wanted), ""


async def start_servers(fleet: Fleet, wanted: Sequence[str], steps: Steps, name: str) -> None:
    """Start the instances. Where an old SDK does not get on with the packages of today, take those of its time.

    The fleet then remembers it as a problem: in production the server would not start either.

    Args:
        fleet: not started yet.
        wanted: the packages of the server.
        steps: told of what is done.
        name: of the step.

    Raises:
        LabError: an instance does not start.
    """
    try:
        with steps.step(name):
            await fleet.start_servers()
    except LabError as error:
        misfit = _MISFIT.search("\n".join(error.lines))
        release = _RELEASE.match(fleet.plan.kit.requirement)
        if misfit is None or release is None:
            raise
        with steps.step("environment with the packages of its time") as current:
            then = await its_time(fleet.run, release["package"], release["version"])
            python = await environment(fleet.run, wanted, exclude_newer=then, name="venv-then")
            current.note = then[:10]
        fleet.plan = replace(fleet.plan, python=python)
        with steps.step(name):
            await fleet.start_servers()
        fleet.problems.append(
            f"With the packages of today the server does not start ({misfit[0].strip()}), so it was run with those of "
            f"{then[:10]}. Pin them in server/pyproject.toml."
        )
