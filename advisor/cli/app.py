"""The commands. Each is imported when it is called: `advisor.cli.<name>`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from advisor import __version__
from advisor.cli.lazy_group import LazyGroup, load_command

# The first sentence of each command's own help.
_SUMMARIES = {
    "ask": "Answer a few questions, save them as requirements.yaml and see the recommendation.",
    "recommend": "Decide flags, pattern and affinity for each requirements file.",
    "generate": "Write everything that deploys the decision for FILE: server, proxy, manifests, tests.",
    "verify": "Run a kit for real and compare every predicted feature cell with what clients observe.",
    "exercise": "Fill in the table of exercise 1: the tools add and research under the four flag pairs.",
    "init": "Print a commented requirements file to start from.",
    "schema": "Print the JSON Schema (draft 2020-12) of a document, for editors and scripts.",
    "capabilities": "Show what each SDK release does with each feature, per flag pair and client era.",
    "topology": "Show what ways of balancing do to sessions, as measured with real servers, proxies and clients.",
    "rules": "The rule catalogue: list, show, check.",
}

app = typer.Typer(
    name="mcp-advisor",
    cls=LazyGroup,
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
        context.invoke(load_command("ask", context))
    else:
        print(context.get_help())


def _loaded_when_called() -> None:
    """What `LazyGroup` replaces."""


for _name, _summary in _SUMMARIES.items():
    app.command(_name, help=_summary)(_loaded_when_called)
