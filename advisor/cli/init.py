"""The command `init`: it writes a commented requirements file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.epilog import epilog
from advisor.console.output import emit, say
from advisor.errors import UsageError
from advisor.files import reason
from advisor.knowledge import load
from advisor.knowledge.space import FactSpace
from advisor.requirements.template import starter

EPILOG = epilog(
    "init -o requirements.yaml",
    exit_codes={
        0: "success",
        2: "the file exists, or cannot be written",
    },
)


def init(
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE", help="The file to write. By default, the text is printed (-)."),
    ] = "-",
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing file. By default, it is kept and the command fails.")
    ] = False,
) -> None:
    """Print a commented requirements file to start from.

    The file lists every key with its default, its allowed values and its meaning. Set the keys that differ for your
    deployment.
    """
    text = starter(FactSpace(load()))
    if output == "-":
        emit(text)
        return
    _write(Path(output), text, force)
    say(f"Wrote {output}. Edit it, then run:\n  mcp-advisor recommend {shlex.quote(output)}")


def _write(path: Path, text: str, force: bool) -> None:
    """Write the file. Replace an existing file only with `force`."""
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists already. Add --force to replace it.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UsageError(f"{path} cannot be written: {reason(error)}.") from None
