"""The small pieces that the JSON Schemas are made of."""

from __future__ import annotations

from typing import Any, TypeAlias, get_args

from advisor.knowledge.types import Outcome
from advisor.requirements.schema import DIALECT

Schema: TypeAlias = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
OUTCOME: Schema = {
    "enum": list(get_args(Outcome)),
    "description": (
        "works; dropped: silently lost; error; hang; unreachable: on the wrong instance; unsupported: not in this era"
    ),
}


def document(name: str, title: str, properties: Schema) -> Schema:
    """The schema of a whole document.

    Args:
        name: what its key `schema` says, such as `mcp-advisor/topology/1`.
        title: for people.
        properties: its other keys, all of them required.
    """
    head: Schema = {"$schema": DIALECT, "$id": "urn:" + name.replace("/", ":"), "title": title}
    return {**head, **record({"schema": {"const": name}, **properties})}


def record(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    """An object with these keys, required unless they are optional; others may be added by a later version."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def about(schema: Schema, description: str) -> Schema:
    """A schema with a description."""
    return {**schema, "description": description}


def items(schema: Schema) -> Schema:
    """A list of such things."""
    return {"type": "array", "items": schema}
