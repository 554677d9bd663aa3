"""The command `exercise`: two tools under the four flag pairs, and what clients see of them."""

from __future__ import annotations

import logging
import warnings
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.console import output
from advisor.errors import UsageError

if TYPE_CHECKING:
    from advisor.lab.exercise.table import Exercise


class TableFormat(str, Enum):
    """How the table is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def exercise(
    sdk: Annotated[
        str, typer.Option("--sdk", metavar="NAME", help="A line (mcp-2) or a release (mcp==1.28.1) of an SDK.")
    ] = "mcp-2",
    format: Annotated[TableFormat, typer.Option("--format", "-f", help="How to write the table.")] = TableFormat.TEXT,
) -> None:
    """Fill in the table of exercise 1: the tools add and research under the four flag pairs.

    Starts four real servers and calls them with clients of both protocol eras and as curl does. Below the table stands
    what published guides say of the same flags. uv fetches an SDK release that is not installed.
    """
    import asyncio

    from advisor.console.progress import watcher
    from advisor.knowledge import load
    from advisor.lab.process.programs import require_extra

    require_extra()
    release = _release(sdk)
    from advisor.lab.exercise import run as lab  # needs the extra
    from advisor.lab.process.steps import Steps

    # The clients' own remarks are not for our reader: what they see is in the table.
    for name in ("mcp", "httpx2"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    context, shown = watcher()
    with context, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = asyncio.run(lab.exercise(release, load(), Steps(shown)))
    output.emit(_written(found, format))


def _release(sdk: str) -> str:
    """The exact release that is meant; of a line the installed release, else the newest measured release."""
    from importlib import metadata

    from advisor.knowledge import load
    from advisor.knowledge.space import FactSpace

    space = FactSpace(load())
    if "==" in sdk:
        return sdk
    found = space.release(sdk)
    if found is None:
        lines = dict.fromkeys(release.line.id for release in space.releases.values())
        raise UsageError(f"{sdk!r:.80} is no SDK. Name a line ({', '.join(lines)}) or a release such as mcp==2.3.0.")
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

    return render.exercise_text(found, Screen(output.width(), output.wants_colour(), output.is_unicode()))
