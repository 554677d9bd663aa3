"""The commands and their options. What they do is imported when they run, so that `--help` starts at once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from advisor import __version__
from advisor.cli import ask, capabilities, exercise, generate, init, recommend, rules, schema, topology, verify
from advisor.cli.lean import LeanCommand, LeanGroup

app = typer.Typer(
    name="mcp-advisor",
    cls=LeanGroup,
    help="How to deploy an MCP server so that it still works with more than one instance.",
    rich_markup_mode=None,  # plain help: rich takes longer to import than all the rest
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 findings, 2 bad input, 3 contradiction, 4 something is missing, 130 interrupted.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mcp-advisor {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """How to deploy an MCP server so that it still works with more than one instance."""
    if context.invoked_subcommand is not None:
        return
    if sys.stdin.isatty() and sys.stdout.isatty():
        ask.ask()
    else:
        print(context.get_help())


app.command("ask", cls=LeanCommand)(ask.ask)
app.command("recommend", cls=LeanCommand)(recommend.recommend)
app.command("generate", cls=LeanCommand)(generate.generate)
app.command("verify", cls=LeanCommand)(verify.verify)
app.command("exercise", cls=LeanCommand)(exercise.exercise)
app.add_typer(capabilities.app, name="capabilities")
app.add_typer(topology.app, name="topology")
app.add_typer(rules.app, name="rules")
app.command("init", cls=LeanCommand)(init.init)
app.command("schema", cls=LeanCommand)(schema.schema)
