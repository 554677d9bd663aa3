"""The command `compare`: every configuration for a requirements file side by side."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import typer

from advisor.cli import inputs
from advisor.cli.completion import complete_fact
from advisor.cli.epilog import epilog
from advisor.cli.formats import DocumentFormat, DocumentFormatOption
from advisor.console.canvas import Screen
from advisor.console.output import emit, is_unicode
from advisor.decision.advisor import Advisor, default_advisor
from advisor.decision.comparison import Comparison
from advisor.decision.options import Comparer
from advisor.decision.what_if import WhatIf, combinations, variant, with_facts
from advisor.errors import Exit, UsageError
from advisor.questionnaire.settings import read_values
from advisor.report.comparison_document import comparison_dict
from advisor.report.comparison_markdown import comparison_markdown
from advisor.report.comparison_text import comparison_text, product_text
from advisor.report.serialization import json_text, yaml_text
from advisor.report.what_if_document import what_if_dict
from advisor.report.what_if_text import what_if_markdown, what_if_text
from advisor.requirements import Requirements

EPILOG = epilog(
    "compare requirements.yaml --with sdk=mcp-1,mcp-2",
    exit_codes={
        0: "success",
        2: "an input or an option is invalid",
        3: "no configuration keeps every required feature of the first file",
    },
)


class Audience(str, Enum):
    """The readers of a comparison."""

    ENGINEERING = "engineering"
    PRODUCT = "product"


def compare(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="A requirements file (YAML or JSON); - for standard input. With a second file, the output is what the "
            "second file changes, cell by cell.",
        ),
    ],
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="KEY=VALUE,VALUE",
            autocompletion=complete_fact,
            help="Decide again with other values of a fact, and show each difference. Repeatable: the output has each "
            "combination of the values.",
        ),
    ] = None,
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
    """Compare all configurations side by side.

    The first configuration is the decision of `recommend`. For each other configuration, the output says why it loses
    or is not possible, and which smallest change of the requirements makes it the decision. The search tries each
    change of a single fact, then each change of two facts, and decides again after each change.

    With a second file or with --with, the output shows what changes: the facts, the decision, the warnings, and each
    cell of the feature table.
    """
    advisor = default_advisor()
    file, *others = files
    if len(others) > 1:
        raise UsageError(f"compare takes one or two files, not {len(files)}.")
    requirements = inputs.read_named(file, advisor.space)
    if others or values:
        if others and values:
            raise UsageError("Use a second file or --with, but not both.")
        if audience is Audience.PRODUCT:
            raise UsageError("--for product shows the options of one file. Leave out the second file and --with.")
        found = _what_if(advisor, requirements, others, values or [])
        emit(_changes(found, format, full=full))
        return Exit.OK if found.base.feasible else Exit.CONTRADICTION
    comparison = Comparer(advisor).compare(advisor.decide(requirements))
    emit(_rendered(comparison, format, plain=audience is Audience.PRODUCT, full=full))
    return Exit.OK if comparison.decision.feasible else Exit.CONTRADICTION


def _what_if(advisor: Advisor, requirements: Requirements, others: list[str], values: list[str]) -> WhatIf:
    base, space = advisor.decide(requirements), advisor.space
    if others:
        asked = [inputs.read_named(other, space) for other in others]
    else:
        stated = read_values(values, space)
        asked = [with_facts(requirements, change, space) for change in combinations(stated)]
    return WhatIf(base, tuple(variant(base, advisor.decide(changed)) for changed in asked))


def _changes(found: WhatIf, format: DocumentFormat, *, full: bool) -> str:
    match format:
        case DocumentFormat.TEXT:
            return what_if_text(found, Screen.of_output(), full=full)
        case DocumentFormat.MARKDOWN:
            return what_if_markdown(found)
    return _data(what_if_dict(found), format)


def _rendered(comparison: Comparison, format: DocumentFormat, *, plain: bool, full: bool) -> str:
    match format:
        case DocumentFormat.TEXT:
            return (product_text if plain else comparison_text)(comparison, Screen.of_output(), full=full)
        case DocumentFormat.MARKDOWN:
            return comparison_markdown(comparison, plain=plain)
    return _data(comparison_dict(comparison), format)


def _data(document: Any, format: DocumentFormat) -> str:
    write = json_text if format is DocumentFormat.JSON else yaml_text
    return write(document, ascii_only=not is_unicode())
