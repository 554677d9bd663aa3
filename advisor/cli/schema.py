"""The command `schema`: it prints the JSON Schema of a document."""

from __future__ import annotations

from typing import Annotated

import typer

from advisor.cli.epilog import epilog
from advisor.console.output import emit
from advisor.errors import UsageError
from advisor.requirements.text import suggestion

DOCUMENTS = {
    "requirements": "the requirements file",
    "decision": "recommend FILE --format json",
    "decisions": "recommend FILE FILE... --format json",
    "generation": "generate FILE --format json",
    "generations": "generate DIR --format json",
    "comparison": "compare FILE --format json",
    "what-if": "compare FILE FILE --format json",
    "verification": "verify --format json",
    "exercise": "exercise --format json",
    "capabilities": "capabilities --format json",
    "bisection": "capabilities bisect --format json",
    "topology": "topology --format json",
    "scan": "scan --format json",
    "findings": "the findings of a command, in JSON",
    "probe": "probe URL --format json",
    "diagnosis": "diagnose TEXT --format json",
    "baseline": "scan --write-baseline FILE",
    "configuration": "the configuration file .mcp-advisor.yaml",
    "rules": "rules list --format json",
    "knowledge": "rules show ID --format json",
    "proof": "rules check --format json",
}
"""The documents that have a JSON Schema, and the commands that print them."""

EPILOG = epilog("schema requirements > requirements.schema.json", "schema decision", documents=DOCUMENTS)


def _complete(incomplete: str) -> list[str]:
    return [name for name in DOCUMENTS if name.startswith(incomplete)]


def schema(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            autocompletion=_complete,
            help="The document that the schema describes. The list below explains the names.",
        ),
    ] = "requirements",
) -> None:
    """Print a JSON Schema for the input file or for JSON output.

    The schema (draft 2020-12) describes every key of the document. Editors use the schema of the requirements file to
    complete and check it. Scripts use the other schemas to check the JSON output of a command.
    """
    if name not in DOCUMENTS:
        hint = suggestion(name, DOCUMENTS, "Documents")
        raise UsageError(f"There is no document {name!r:.80}. {hint}")
    from advisor.cli.schema_registry import schema_of
    from advisor.knowledge import load
    from advisor.knowledge.space import FactSpace
    from advisor.report.serialization import json_text

    # An editor can read ASCII in every encoding in which the user saves the schema.
    emit(json_text(schema_of(name, FactSpace(load())), ascii_only=True))
