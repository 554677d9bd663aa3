"""Prints a record as JSON or as lines, and an entry of the rules for `explain` and `rules show`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from advisor.cli.formats import Format
from advisor.console.lines import ReportLine, drawn
from advisor.console.output import emit, is_unicode
from advisor.decision.advisor import default_advisor
from advisor.report import rule_records, rule_text
from advisor.report.serialization import json_text


def print_entry(name: str, format: Format, commands: Mapping[str, str] | None = None) -> None:
    """Print the entry of the rules, or the word of an answer, with this name.

    Args:
        name: an id, a word or a command.
        format: of the output.
        commands: the summary of each command of the program, by its name.

    Raises:
        UsageError: the name is not known.
    """
    advisor = default_advisor()
    catalogue = rule_records.Catalogue(advisor.space, advisor.compiled, commands)
    print_record(catalogue.find(name), format, lambda record: rule_text.entry_lines(record, catalogue))


def print_record(record: Mapping[str, Any], format: Format, lines: Callable[[Any], Iterable[ReportLine]]) -> None:
    """Print a record as JSON, or as text with the lines that `lines` makes of it."""
    if format is Format.JSON:
        emit(json_text(record, ascii_only=not is_unicode()))
    else:
        emit(drawn(lines(record)))
