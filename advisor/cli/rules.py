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
    add_completion=False, help="The rule catalogue: list, show, check.", rich_markup_mode=None, no_args_is_help=True
)


FormatOption: TypeAlias = Annotated[Format, typer.Option("--format", "-f", help="How to write it.")]


@app.command("list")
def list_rules(
    table: Annotated[str, typer.Option("--table", metavar="NAME", help="Only the rules of this table.")] = "",
    format: FormatOption = Format.TEXT,
) -> None:
    """List the rules, table by table."""
    record = rule_records.listing(load(), table or None)
    _print(record, format, rule_text.listing_lines)


@app.command("show")
def show_rule(
    name: Annotated[str, typer.Argument(metavar="ID", help="A rule; or a table, a fact, a feature or a source.")],
    format: FormatOption = Format.TEXT,
) -> None:
    """Show a rule: conditions, outcome, reasons, sources and examples."""
    advisor = default_advisor()
    record = rule_records.Catalogue(advisor.space, advisor.compiled).find(name)
    _print(record, format, rule_text.entry_lines)


@app.command("check")
def check_rules(
    rules: Annotated[
        str, typer.Option("--rules", metavar="DIR", help="Check this folder of rules instead of the program's own.")
    ] = "",
    format: FormatOption = Format.TEXT,
) -> int:
    """Prove over the whole fact space that the rules are complete, without overlap and without dead rules."""
    advisor = _advisor(Path(rules) if rules else None)
    if sys.stderr.isatty():
        say("Proving the rules over the whole fact space ...")
    record = rule_records.proof_record(check(advisor))
    _print(record, format, rule_text.proof_lines)
    return Exit.OK if record["ok"] else Exit.FINDINGS


def _advisor(folder: Path | None) -> Advisor:
    """The advisor over a folder of rules.

    Raises:
        UsageError: it is not a folder.
        KnowledgeError: its files are not valid, or it lacks something that the others refer to.
    """
    try:
        if folder is not None and not folder.is_dir():
            raise UsageError(f"{folder} is not a folder.")
        return Advisor(load(folder and folder.resolve()))
    except (OSError, ValueError) as error:  # an unreadable folder, a NUL in its name
        raise UsageError(f"{str(folder)!r} cannot be read: {reason(error)}.") from None
    except (LookupError, StopIteration) as error:
        # The files are valid individually; together they name something that none of them declares.
        raise KnowledgeError(f"{folder or 'rules/'}: incomplete: {error or 'no table'} is not declared.") from None


def _print(record: Mapping[str, Any], format: Format, in_words: Callable[[Any], Iterable[ReportLine]]) -> None:
    """Print a record as JSON, or put into words for people."""
    if format is Format.JSON:
        emit(json_text(record, ascii_only=not is_unicode()))
    else:
        emit(drawn(in_words(record)))
