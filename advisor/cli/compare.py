"""The command `compare`: every configuration for a requirements file side by side."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from advisor.cli import inputs
from advisor.cli.epilog import epilog
from advisor.cli.formats import DocumentFormat, DocumentFormatOption
from advisor.console.canvas import Screen
from advisor.console.output import emit, is_unicode
from advisor.decision.advisor import default_advisor
from advisor.decision.comparison import Comparison
from advisor.decision.options import Comparer
from advisor.errors import Exit
from advisor.report.comparison_document import comparison_dict
from advisor.report.comparison_markdown import comparison_markdown
from advisor.report.comparison_text import comparison_text, product_text
from advisor.report.serialization import json_text, yaml_text

EPILOG = epilog(
    "compare requirements.yaml --for product",
    exit_codes={
        0: "success",
        2: "an input or an option is invalid",
        3: "no configuration keeps every required feature; the output starts with the nearest option",
    },
)


class Audience(str, Enum):
    """The readers of a comparison."""

    ENGINEERING = "engineering"
    PRODUCT = "product"


def compare(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A requirements file (YAML or JSON); - for standard input.")
    ],
    audience: Annotated[
        Audience,
        typer.Option(
            "--for",
            help="The readers: engineering shows settings and features, product shows the effect on users, work, time "
            "and cost in plain words. Applies to text and markdown.",
        ),
    ] = Audience.ENGINEERING,
    format: DocumentFormatOption = DocumentFormat.TEXT,
    full: Annotated[
        bool, typer.Option("--full", help="Show feature tables, estimates with reasons, and every flag pair.")
    ] = False,
) -> int:
    """Compare every possible configuration side by side.

    The first option is the decision of `recommend`. For each other option, the output says why it loses, and which
    smallest change of the requirements makes it the decision. The search tries each change of a single fact, then each
    change of two facts, and decides again after each change.
    """
    advisor = default_advisor()
    requirements = inputs.read_named(file, advisor.space)
    comparison = Comparer(advisor).compare(advisor.decide(requirements))
    emit(_rendered(comparison, format, plain=audience is Audience.PRODUCT, full=full))
    return Exit.OK if comparison.decision.feasible else Exit.CONTRADICTION


def _rendered(comparison: Comparison, format: DocumentFormat, *, plain: bool, full: bool) -> str:
    match format:
        case DocumentFormat.TEXT:
            return (product_text if plain else comparison_text)(comparison, Screen.of_output(), full=full)
        case DocumentFormat.MARKDOWN:
            return comparison_markdown(comparison, plain=plain)
    write = json_text if format is DocumentFormat.JSON else yaml_text
    return write(comparison_dict(comparison), ascii_only=not is_unicode())
