"""The command `capabilities`, and the commands below it that measure."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from advisor.cli import measure
from advisor.cli.formats import DocumentFormat as Format
from advisor.console.lines import drawn
from advisor.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command("measure")(measure.measure)
app.command("bisect")(measure.bisect)


class Clients(str, Enum):
    """The eras to show."""

    BOTH = "both"
    LEGACY = "legacy"
    MODERN = "modern"


@app.callback(invoke_without_command=True)
def capabilities(
    context: typer.Context,
    sdk: Annotated[
        str, typer.Option("--sdk", metavar="NAME", help="A line (mcp-2), a release (mcp==1.28.1) or a package (mcp).")
    ] = "",
    feature: Annotated[
        str, typer.Option("--feature", metavar="NAME", help="One feature, with what was observed.")
    ] = "",
    behaviours: Annotated[
        bool,
        typer.Option(
            "--behaviours", help="Show what is not in the table: cancellation, bare HTTP. JSON and YAML have both."
        ),
    ] = False,
    era: Annotated[Clients, typer.Option("--era", help="Clients of one protocol era.")] = Clients.BOTH,
    format: Annotated[Format, typer.Option("--format", "-f", help="How to write it.")] = Format.TEXT,
) -> None:
    """Show what each SDK release does with each feature, per flag pair and client era."""
    if context.invoked_subcommand is not None:
        return
    if behaviours and feature:
        raise UsageError("--behaviours cannot be narrowed by --feature: no behaviour is of one feature.")
    from advisor.console.output import emit, is_unicode
    from advisor.knowledge import load
    from advisor.knowledge.space import FactSpace
    from advisor.knowledge.types import ERAS
    from advisor.report.capability_matrix import Matrix
    from advisor.report.serialization import json_text, yaml_text

    eras = tuple(name for name in ERAS if era.value in (name, "both"))
    matrix = Matrix(FactSpace(load()), sdk, feature, eras)
    if format is Format.TEXT:
        emit(drawn(matrix.behaviours.lines() if behaviours else matrix.lines()))
    elif format is Format.MARKDOWN:
        emit(matrix.behaviours.markdown() if behaviours else matrix.markdown())
    else:
        write = json_text if format is Format.JSON else yaml_text
        emit(write(matrix.record(), ascii_only=not is_unicode()))
