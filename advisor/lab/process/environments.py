"""Temporary Python environments, one for each SDK release that a run needs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from advisor.errors import EnvironmentLacksError, LabError, UsageError
from advisor.files import lacking
from advisor.lab.process.programs import program
from advisor.lab.process.run import Run

_CREATE_S = 60.0
_INSTALL_S = 300.0
_MESSAGE_LINES = 6

_UNREACHABLE = re.compile(
    r"error sending request|failed to fetch|request failed after|dns error|could not connect|connection refused"
    r"|tcp connect error|timed out|network was disabled|failed to lookup address",
    re.IGNORECASE,
)
_UNSOLVABLE = re.compile(
    r"no solution found|failed to parse|was not found in the (?:package registry|provided package locations)", re.I
)
_SYSTEM = re.compile(r"\(os error (\d+)\)")
_DRAWING = re.compile(r"^[\s\u00d7\u2570\u2500\u25b6\u2502\u251c\u2192>|-]+(?=\S)")


async def environment(
    run: Run,
    requirements: Sequence[str],
    *,
    exclude_newer: str | None = None,
    name: str = "venv",
    python: str | Path | None = None,
) -> Path:
    """Create an environment in the run's folder. uv takes packages from its cache if possible.

    Args:
        run: the environment and its logs are created in the folder of this run.
        requirements: requirements in the syntax of pip, such as `mcp==1.28.1`.
        exclude_newer: a date or time in the syntax of uv; uv ignores packages that were uploaded later.
        name: folder of the environment, which must be unique in the run.
        python: path or version of the interpreter; the running interpreter by default.

    Returns:
        The path of the interpreter in the environment.

    Raises:
        UsageError: a release does not exist, or the requirements contradict each other.
        EnvironmentLacksError: uv is missing, the package index cannot be reached, or the disk is full.
        LabError: another step failed or took too long.
    """
    uv = program("uv")
    folder = run.folder / name
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    quiet = {"UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
    create: list[str | Path] = [uv, "venv", "--quiet", "--python", python or sys.executable, folder]
    install: list[str | Path] = [uv, "pip", "install", "--python", interpreter]
    if exclude_newer is not None:
        install += ["--exclude-newer", exclude_newer]
    try:
        await run.execute(f"{name}-create", create, env=quiet, deadline_s=_CREATE_S)
        await run.execute(f"{name}-install", [*install, "--", *requirements], env=quiet, deadline_s=_INSTALL_S)
    except LabError as error:
        raise explained(error, requirements) from error
    return interpreter


def explained(error: LabError, requirements: Sequence[str]) -> Exception:
    """Convert an error of uv to an error with a remediation, if the output of uv shows the cause.

    Args:
        error: the failed step, with the last lines of uv.
        requirements: the packages, for the message.

    Returns:
        EnvironmentLacksError or UsageError with the cause, or the same error.
    """
    lines = [_DRAWING.sub("", line).rstrip() for line in error.lines]
    said = [line for line in lines if line and not line.startswith("Using Python")]
    text = " ".join(said)
    short = "\n".join(f"    {line}" for line in said[-_MESSAGE_LINES:])
    wanted = " ".join(requirements)
    if (failed := _SYSTEM.search(text)) and (remedy := lacking(int(failed[1]))):
        return EnvironmentLacksError(f"Cannot install {wanted}:\n{short}\n{remedy}.")
    if _UNREACHABLE.search(text):
        return EnvironmentLacksError(f"The package index cannot be reached, so {wanted} cannot be installed.\n{short}")
    if _UNSOLVABLE.search(text):
        return UsageError(f"Cannot install {wanted}:\n{short}")
    return error
