"""The command `init`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from advisor.console.output import emit, say
from advisor.errors import UsageError
from advisor.files import reason
from advisor.knowledge import load
from advisor.knowledge.space import FactSpace
from advisor.requirements.template import starter


def init(
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Write to this file instead of to the screen.")
    ] = "-",
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> None:
    """Print a commented requirements file to start from."""
    text = starter(FactSpace(load()))
    if output == "-":
        emit(text)
        return
    _write(Path(output), text, force)
    say(f"Wrote {output}. Edit it, then run: mcp-advisor recommend {shlex.quote(output)}")


def _write(path: Path, text: str, force: bool) -> None:
    """Write the file; an existing file is replaced only with `force`."""
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists already. Add --force to replace it.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UsageError(f"{path} cannot be written: {reason(error)}.") from None
