"""The command `schema`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from advisor.console.output import emit


class DocumentName(str, Enum):
    """A document with a schema."""

    REQUIREMENTS = "requirements"
    DECISION = "decision"
    CAPABILITIES = "capabilities"
    VERIFICATION = "verification"
    TOPOLOGY = "topology"
    EXERCISE = "exercise"
    DECISIONS = "decisions"
    RULES = "rules"
    KNOWLEDGE = "knowledge"
    PROOF = "proof"
    GENERATION = "generation"
    BISECTION = "bisection"


def schema(
    name: Annotated[DocumentName, typer.Argument(help="The document to describe.")] = DocumentName.REQUIREMENTS,
) -> None:
    """Print the JSON Schema (draft 2020-12) of a document, for editors and scripts."""
    from advisor.cli.schema_registry import schema_of
    from advisor.knowledge import load
    from advisor.knowledge.space import FactSpace
    from advisor.report.serialization import json_text

    # In ASCII, so that an editor reads it in whatever encoding it is saved.
    emit(json_text(schema_of(name.value, FactSpace(load())), ascii_only=True))
