"""Prints an entry of the rules, or a word of an answer, for `explain` and `rules show`."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.cli.formats import Format
from advisor.console.lines import drawn
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
    record = catalogue.find(name)
    if format is Format.JSON:
        emit(json_text(record, ascii_only=not is_unicode()))
    else:
        emit(drawn(rule_text.entry_lines(record, catalogue.says, catalogue.terms, catalogue.in_words)))
