"""The commands `rules list|show|check`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from advisor.cli.formats import Format
from advisor.console.lines import ReportLine, drawn
from advisor.console.output import emit, is_unicode, say
from advisor.decision.advisor import Advisor, default_advisor
from advisor.decision.checks.proof import check
from advisor.errors import Exit, KnowledgeError, UsageError
from advisor.files import reason
from advisor.knowledge import load
from advisor.report import rule_records, rule_text
from advisor.report.serialization import json_text

app = typer.Typer(
    add_completion=False,
    help="List, show and check the rules of the decisions.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


FormatOption: TypeAlias = Annotated[Format, typer.Option("--format", "-f", help="The output format.")]


@app.command("list")
def list_rules(
    table: Annotated[str, typer.Option("--table", metavar="NAME", help="List the rules of this table only.")] = "",
    format: FormatOption = Format.TEXT,
) -> None:
    """List all rules, table by table."""
    record = rule_records.listing(load(), table or None)
    _print(record, format, rule_text.listing_lines)


@app.command("show")
def show_rule(
    name: Annotated[str, typer.Argument(metavar="ID", help="The id of a rule, table, fact, feature or source.")],
    format: FormatOption = Format.TEXT,
) -> None:
    """Explain a rule: what it decides, when it applies, why, examples and sources."""
    advisor = default_advisor()
    catalogue = rule_records.Catalogue(advisor.space, advisor.compiled)
    _print(catalogue.find(name), format, lambda record: rule_text.entry_lines(record, catalogue.says))


@app.command("check")
def check_rules(
    rules: Annotated[
        str,
        typer.Option(
            "--rules", metavar="DIR", help="Check the rules in this folder. Default: the rules of mcp-advisor."
        ),
    ] = "",
    format: FormatOption = Format.TEXT,
) -> int:
    """Check that the rules give exactly one decision for every combination of facts, and that every rule is needed."""
    advisor = _advisor(Path(rules) if rules else None)
    if sys.stderr.isatty():
        say("Checking the rules for all combinations of facts ...")
    record = rule_records.proof_record(check(advisor))
    _print(record, format, rule_text.proof_lines)
    return Exit.OK if record["ok"] else Exit.FINDINGS


def _advisor(folder: Path | None) -> Advisor:
    """An advisor that uses the rules of `folder`, or mcp-advisor's own rules if `folder` is None.

    Raises:
        UsageError: `folder` is not a folder.
        KnowledgeError: a file in `folder` is not valid, or refers to an entry that no file declares.
    """
    try:
        if folder is not None and not folder.is_dir():
            raise UsageError(f"{folder} is not a folder.")
        return Advisor(load(folder and folder.resolve()))
    except (OSError, ValueError) as error:  # an unreadable folder, a NUL in its name
        raise UsageError(f"{str(folder)!r} cannot be read: {reason(error)}.") from None
    except (LookupError, StopIteration) as error:
        # Each file is valid, but a file refers to an entry that no file declares.
        raise KnowledgeError(f"{folder or 'rules/'}: incomplete: {error or 'a table'} is not declared.") from None


def _print(record: Mapping[str, Any], format: Format, in_words: Callable[[Any], Iterable[ReportLine]]) -> None:
    """Print a record as JSON or as text."""
    if format is Format.JSON:
        emit(json_text(record, ascii_only=not is_unicode()))
    else:
        emit(drawn(in_words(record)))
