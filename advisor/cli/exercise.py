"""The command `exercise`: it compares two tools under the four flag pairs."""

from __future__ import annotations

import logging
import warnings
from enum import Enum
from importlib import metadata
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.epilog import LAB_MISSING, epilog
from advisor.cli.sdk_option import sdk_option
from advisor.console import output
from advisor.errors import UsageError
from advisor.lab.process.extra import EXTRA
from advisor.requirements.text import nearest

EPILOG = epilog(
    "exercise",
    "exercise --sdk mcp==1.28.1 --format markdown",
    install=EXTRA,
    exit_codes={
        0: "success",
        1: "a server did not start",
        2: "the SDK is unknown",
        4: LAB_MISSING,
    },
)

if TYPE_CHECKING:
    from advisor.lab.exercise.table import Exercise


class TableFormat(str, Enum):
    """The output formats of the table."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def exercise(
    sdk: Annotated[
        str,
        sdk_option(
            "The SDK of the servers: a release (mcp==1.28.1) or an SDK line, a major version (fastmcp-3). "
            "For a line, the command uses the installed release, or else the newest measured release. By default, the "
            "command uses the SDK line of the installed mcp.",
        ),
    ] = "",
    format: Annotated[
        TableFormat,
        typer.Option(
            "--format", "-f", help="Output format: text for people, json for scripts, markdown for a repository."
        ),
    ] = TableFormat.TEXT,
) -> None:
    """Run a built-in server with each flag pair; show what works.

    The command starts four test servers: one for each combination of the values of stateless_http and json_response.
    Each server has two tools. The tool `add` returns immediately. The tool `research` sends a log message and its
    progress, and returns after three seconds. Legacy clients, modern clients and plain HTTP requests call both tools.
    The output is a table of the results. Below the table are the statements of published guides.

    The command installs a missing SDK release with uv, in a temporary environment.
    """
    import asyncio

    from advisor.console.progress import watcher
    from advisor.knowledge import load
    from advisor.lab.process.programs import require_extra

    require_extra()
    from advisor.lab.exercise import run as lab  # needs the extra
    from advisor.lab.process.sdk_under_test import line_of
    from advisor.lab.process.steps import Steps

    release = _release(sdk or line_of("mcp", metadata.version("mcp")))

    # The table has the results, so the log messages of the client libraries are hidden.
    for name in ("mcp", "httpx2"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    context, shown = watcher()
    with context, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = asyncio.run(lab.exercise(release, load(), Steps(shown)))
    output.emit(_written(found, format))


def _release(sdk: str) -> str:
    """Return an exact release such as `mcp==2.3.0`. For a line: the installed release, or else the newest measured one.

    Raises:
        UsageError: the SDK is unknown.
    """
    from advisor.knowledge import load
    from advisor.knowledge.space import FactSpace

    space = FactSpace(load())
    if "==" in sdk:
        return sdk
    found = space.release(sdk)
    if found is None:
        lines = dict.fromkeys(release.line.id for release in space.measured.values())
        allowed = f"Allowed: {', '.join(lines)}, or a release such as mcp==2.3.0."
        said = (f"--sdk {sdk!r:.80} is not an SDK.", nearest(sdk, lines), allowed)
        raise UsageError(" ".join(filter(None, said)))
    try:
        installed = metadata.version(found.package)
    except metadata.PackageNotFoundError:
        return found.exact
    here = space.release(f"{found.package}=={installed}")
    return f"{found.package}=={installed}" if here is not None and here.line.id == found.line.id else found.exact


def _written(found: Exercise, format: TableFormat) -> str:
    from advisor.lab.exercise import report as render

    if format is TableFormat.JSON:
        from advisor.lab.exercise.document import exercise_dict
        from advisor.report.serialization import json_text

        return json_text(exercise_dict(found), ascii_only=not output.is_unicode())
    if format is TableFormat.MARKDOWN:
        return render.exercise_markdown(found)
    from advisor.console.canvas import Screen

    return render.exercise_text(found, Screen.of_output())
