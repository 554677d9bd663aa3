"""The command `schema`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer


class DocumentName(str, Enum):
    """A document with a schema."""

    REQUIREMENTS = "requirements"
    DECISION = "decision"
    CAPABILITIES = "capabilities"
    VERIFICATION = "verification"
    TOPOLOGY = "topology"
    EXERCISE = "exercise"


def schema(
    name: Annotated[DocumentName, typer.Argument(help="The document to describe.")] = DocumentName.REQUIREMENTS,
) -> None:
    """Print the JSON Schema (draft 2020-12) of a document, for editors and scripts."""
    from advisor.console.output import emit
    from advisor.knowledge import load
    from advisor.knowledge.space import FactSpace
    from advisor.lab.verify.schema import verification_schema
    from advisor.report.lab_schemas import exercise_schema, topology_schema
    from advisor.report.schemas import capabilities_schema, decision_schema
    from advisor.report.serialization import json_text
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
