"""The text below the options in `--help`: examples, exit codes and other lists."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

_WIDTH = 76  # columns for a list in a help text of 80 columns
# The help keeps the line breaks of a paragraph whose first line has only this character.
_KEEP_LINES = "\b"


LAB_MISSING = "a program, or the installation extra `lab`, is missing"
"""The meaning of exit code 4 for the commands that run programs."""


def epilog(
    *examples: str, install: str = "", exit_codes: Mapping[int, str] | None = None, **lists: Mapping[str, str]
) -> str:
    """Return the epilog of a command.

    Args:
        examples: commands without the program's name.
        install: the shell command that installs the extra `lab`, for a command that needs it.
        exit_codes: the meaning of each exit code.
        lists: further lists by their titles in lower case. Each has words and their explanations.
    """
    title = "Example:" if len(examples) == 1 else "Examples:"
    blocks = [[title, *(f"  mcp-advisor {example}" for example in examples)]]
    if install:
        blocks.append(["The command needs the extra `lab`. Install the extra with:", f"  {install}"])
    blocks += [[f"{title.capitalize()}:", *_entries(entries)] for title, entries in lists.items()]
    if exit_codes:
        blocks.append(["Exit codes:", *_entries({str(code): meaning for code, meaning in exit_codes.items()})])
    return "\n\n".join("\n".join([_KEEP_LINES, *block]) for block in blocks)


def _entries(entries: Mapping[str, str]) -> list[str]:
    """The entries of a list in two columns, wrapped."""
    indent = max(map(len, entries)) + 4
    lines = []
    for name, text in entries.items():
        start = f"  {name}".ljust(indent)
        lines += textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=" " * indent)
    return lines
