"""The program and the summaries of its commands. `advisor.cli.<name>` is imported when the command is called."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from advisor import __version__
from advisor.cli.epilog import epilog
from advisor.cli.lazy_group import LazyGroup, load_command
from advisor.errors import Exit
from advisor.knowledge import load

# Each text is also the first paragraph of the help of its command. `--help` cuts a text after 60 characters.
_SUMMARIES = {
    "ask": "Answer questions about a deployment; get a recommendation.",
    "recommend": "Recommend flags, deployment pattern and session affinity.",
    "compare": "Compare all configurations side by side.",
    "explain": "Explain a word of the output, such as a pattern or warning.",
    "document": "Write the decision as a document for your team.",
    "generate": "Write a deployment kit for a requirements file.",
    "verify": "Run a kit with real programs and check what clients observe.",
    "exercise": "Run a built-in server with each flag pair; show what works.",
    "scan": "Read the code of a server: flags, needs and faults.",
    "audit": "Find problems in server code, proxies and manifests.",
    "probe": "Ask a live endpoint why sessions or streams fail.",
    "diagnose": "Rank the causes of a symptom, a log or findings.",
    "init": "Print a commented requirements file to start from.",
    "schema": "Print a JSON Schema for the input file or for JSON output.",
    "capabilities": "Show which features each SDK release supports.",
    "topology": "Show what load-balancing strategies do to sessions.",
    "help": "Show the help of a command, or the exit codes.",
    "rules": "List, explain or check the rules of the recommendation.",
}

_TERMS = ("flag pair", "legacy", "modern", "kit")
_SUMMARY = "Decide how to deploy an MCP server with more than one instance."


class Program(LazyGroup):
    """The group of all commands. Its help reads the words for terms and exit codes from the rules."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, the terms, the exit codes and the first steps."""
        self.epilog = _epilog(load().phrases)
        super().format_epilog(ctx, formatter)


def _epilog(phrases: Mapping[str, str]) -> str:
    examples = ("ask", "recommend requirements.yaml", "generate requirements.yaml -o kit", "verify kit")
    terms = {term: phrases[f"help.term.{term}"] for term in _TERMS}
    codes = {code.value: phrases[f"exit.{code.value}"] for code in Exit}
    return f"{epilog(*examples, exit_codes=codes, terms=terms)}\n\n{phrases['help.start']}"


app = typer.Typer(
    name="mcp-advisor",
    cls=Program,
    help=_SUMMARY,
    rich_markup_mode=None,  # plain help, because the import of rich takes longer than all other imports together
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    subcommand_metavar="COMMAND [ARGS]",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mcp-advisor {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_version, is_eager=True, help="Show the version of mcp-advisor and exit."
        ),
    ] = False,
) -> None:
    """Decide how to deploy an MCP server with more than one instance."""
    if context.invoked_subcommand is not None:
        return
    if sys.stdin.isatty() and sys.stdout.isatty():
        context.invoke(load_command("ask", context))
    else:
        print(context.get_help())


def _loaded_when_called() -> None:
    """The placeholder of a command. `LazyGroup` replaces it when the command is called."""


for _name, _summary in _SUMMARIES.items():
    app.command(_name, help=_summary)(_loaded_when_called)
