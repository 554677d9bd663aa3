"""The command `help`: the help of a command, or the exit codes."""

from __future__ import annotations

from typing import Annotated

import typer

from advisor.cli.epilog import epilog
from advisor.cli.lazy_group import load_command
from advisor.errors import Exit, UsageError
from advisor.requirements.text import suggestion

_EXIT_CODES = "exit-codes"

EPILOG = epilog("help verify", "help exit-codes")


def _complete(context: typer.Context, incomplete: str) -> list[str]:
    return [topic for topic in _topics(context) if topic.startswith(incomplete)]


def _topics(context: typer.Context) -> list[str]:
    program = context.find_root()
    return [*getattr(program.command, "commands", {}), _EXIT_CODES]


def help(
    context: typer.Context,
    topic: Annotated[
        str, typer.Argument(metavar="TOPIC", autocompletion=_complete, help="A command, or `exit-codes`.")
    ] = "",
) -> None:
    """Show the help of a command, or the exit codes."""
    program = context.parent
    if program is None or not topic:
        print((program or context).get_help())
        return
    if topic == _EXIT_CODES:
        from advisor.decision.advisor import default_advisor

        phrases = default_advisor().knowledge.phrases
        for code in Exit:
            print(f"{code.value:<4} {phrases[f'exit.{code.value}']}")
        return
    names = _topics(context)
    if topic not in names:
        raise UsageError(f"There is no command {topic!r:.80}. {suggestion(topic, names, 'Topics')}")
    command = load_command(topic, program)
    print(command.get_help(typer.Context(command, info_name=topic, parent=program)))
