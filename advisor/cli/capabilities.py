"""The command `capabilities`: it shows the capability data. Its subcommands measure the data."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from advisor.cli import measure
from advisor.cli.completion import complete_feature
from advisor.cli.epilog import epilog
from advisor.cli.formats import DocumentFormat as Format
from advisor.cli.formats import DocumentFormatOption
from advisor.cli.sdk_option import sdk_option
from advisor.console.lines import drawn
from advisor.errors import UsageError

_EPILOG = epilog(
    "capabilities --sdk mcp-2",
    "capabilities --sdk mcp==1.28.1 --feature progress",
    outcomes={
        "works": "the feature works",
        "dropped": "the message or the state is lost without an error",
        "error": "the call fails with an error",
        "hang": "the call gets no answer within 5 seconds",
        "-": "this function does not exist in the SDK release or in the protocol era",
    },
)

app = typer.Typer(add_completion=False, rich_markup_mode=None, epilog=_EPILOG)
app.command("measure", epilog=measure.MEASURE_EPILOG)(measure.measure)
app.command("bisect", epilog=measure.BISECT_EPILOG)(measure.bisect)


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
        sdk_option(
            "Show only one SDK: a package (mcp), the SDK line of one major version (mcp-2), or a release "
            "(mcp==1.28.1). By default, show all SDKs.",
        ),
    ] = "",
    feature: Annotated[
        str,
        typer.Option(
            "--feature",
            metavar="NAME",
            autocompletion=complete_feature,
            help="Show only one feature, such as progress, and explain its measured results. By default, show all "
            "features without explanations.",
        ),
    ] = "",
    behaviours: Annotated[
        bool,
        typer.Option(
            "--behaviours",
            help="Instead of features, show the results for other behaviours: cancellation, broken connections and "
            "plain HTTP requests. JSON and YAML output always contains features and behaviours.",
        ),
    ] = False,
    era: Annotated[
        Clients, typer.Option("--era", help="Show only the tables for clients of this protocol era.")
    ] = Clients.BOTH,
    format: DocumentFormatOption = Format.TEXT,
) -> None:
    """Show which features each SDK release supports.

    The data comes from measurements of real SDK releases. Each row of a table is a function of the SDK that uses a
    feature, such as ctx.report_progress. The four columns are the four flag pairs. Legacy clients (2025-11-25 and
    older) and modern clients (2026-07-28) have separate tables.

    The name of a column has two words. The word stateful means stateless_http=False. The word stateless means
    stateless_http=True. The word sse means json_response=False. The word json means json_response=True.
    """
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
