"""The command `capabilities` and its subcommands."""

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
    """The protocol eras to show."""

    BOTH = "both"
    LEGACY = "legacy"
    MODERN = "modern"


@app.callback(invoke_without_command=True)
def capabilities(
    context: typer.Context,
    sdk: Annotated[
        str,
        typer.Option(
            "--sdk",
            metavar="NAME",
            help="Show only this line (mcp-2), release (mcp==1.28.1) or package (mcp). Default: all.",
        ),
    ] = "",
    feature: Annotated[
        str,
        typer.Option(
            "--feature", metavar="NAME", help="Show only this feature, with the evidence. Default: all features."
        ),
    ] = "",
    behaviours: Annotated[
        bool,
        typer.Option(
            "--behaviours",
            help="Show results that are not about a feature: cancellation, broken connections, plain HTTP requests. "
            "JSON and YAML always contain them.",
        ),
    ] = False,
    era: Annotated[
        Clients,
        typer.Option("--era", help="Protocol era of the clients. legacy: 2025-11-25 and older; modern: 2026-07-28."),
    ] = Clients.BOTH,
    format: Annotated[Format, typer.Option("--format", "-f", help="Output format.")] = Format.TEXT,
) -> None:
    """Show feature support by SDK release, flag pair and protocol era."""
    if context.invoked_subcommand is not None:
        return
    if behaviours and feature:
        raise UsageError("--behaviours and --feature exclude each other: behaviours are not about a feature.")
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
