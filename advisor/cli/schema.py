"""The command `schema`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer


class Document(str, Enum):
    """A document with a schema."""

    REQUIREMENTS = "requirements"
    DECISION = "decision"
    CAPABILITIES = "capabilities"
    VERIFICATION = "verification"
    TOPOLOGY = "topology"
    EXERCISE = "exercise"


def schema(
    name: Annotated[Document, typer.Argument(help="The document to describe.")] = Document.REQUIREMENTS,
) -> None:
    """Print the JSON Schema (draft 2020-12) of a document, for editors and scripts."""
    from advisor.cli.output import emit
    from advisor.knowledge import load
    from advisor.knowledge.space import FactSpace
    from advisor.render.lab_schemas import exercise_schema, topology_schema
    from advisor.render.schemas import capabilities_schema, decision_schema
    from advisor.render.serial import json_text
    from advisor.render.verification_schema import verification_schema
    from advisor.requirements.schema import requirements_schema

    makers = {
        "requirements": requirements_schema,
        "decision": decision_schema,
        "capabilities": capabilities_schema,
        "verification": verification_schema,
        "topology": topology_schema,
        "exercise": exercise_schema,
    }
    # In ASCII, so that an editor reads it in whatever encoding it is saved.
    emit(json_text(makers[name.value](FactSpace(load())), ascii_only=True))
