"""The command `explain`: it explains any word that the program prints."""

from __future__ import annotations

from typing import Annotated

import typer

from advisor.cli.completion import complete_word
from advisor.cli.entry import print_entry
from advisor.cli.epilog import epilog
from advisor.cli.formats import Format, FormatOption

EPILOG = epilog(
    "explain sticky-fleet",
    "explain shutdown-cuts-running-calls",
    "explain scale.affinity",
    exit_codes={0: "success", 2: "the word is not known; the message names the nearest spelling"},
)


def explain(
    context: typer.Context,
    word: Annotated[
        list[str],
        typer.Argument(
            metavar="WORD",
            autocompletion=complete_word,
            help="A word of the output, such as a pattern, a mechanism of session affinity, a rule or a warning."
            " Also a key of the requirements file or its value, a label, a term, an exit code or a source.",
        ),
    ],
    format: FormatOption = Format.TEXT,
) -> None:
    """Explain a word of the output, such as a pattern or warning.

    Several words are one entry, such as `exit code 3`.

    The command finds every word that a decision, a warning or a kit shows.
    """
    members = getattr(context.find_root().command, "commands", {})
    commands = {name: f"{command.help} See: mcp-advisor help {name}" for name, command in members.items()}
    print_entry(" ".join(word), format, commands)
