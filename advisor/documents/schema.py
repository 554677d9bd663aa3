"""Makes the JSON Schema of a document from its declaration (see `declaration`)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

from advisor.documents.declaration import LISTS, MAPPINGS, UNIONS, OneOf, is_object, keys

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema: TypeAlias = dict[str, Any]
Known: TypeAlias = Mapping[str, Sequence[Any]]
"""From the name of a `OneOf` to its values."""

_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", NoneType: "null"}


def json_schema(declaration: Any, name: str, known: Known, *, closed: bool = False) -> Schema:
    """Return the schema of a document as JSON types.

    Args:
        declaration: the class that declares the document, or a union of classes.
        name: the name of the document, for its `$id`.
        known: the values of each `OneOf` in the declaration.
        closed: whether to refuse further keys. Without it, a later version can add keys.
    """
    head = {"$schema": DIALECT, "$id": f"urn:mcp-advisor:{name}:1"}
    objects = [part for part in (declaration, *get_args(declaration)) if is_object(part)]
    schema = {**head, "title": _described(objects[0])[0], **_schema(declaration, known)}
    return _closed(schema) if closed else schema


def _closed(schema: Any) -> Any:
    """Return a schema whose objects refuse further keys."""
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if "properties" in schema else {}
    properties = {name: _closed(each) for name, each in schema.get("properties", {}).items()}
    items = {"items": _closed(schema["items"])} if "items" in schema else {}
    return {**schema, **({"properties": properties} if properties else {}), **items, **more}


def _schema(hint: Any, known: Known) -> Schema:
    """Return the schema of a type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        schema = _schema(arguments[0], known)
        for mark in arguments[1:]:
            if isinstance(mark, OneOf):
                schema = {"enum": list(known[mark.name])}
            elif isinstance(mark, (str, Mapping)):
                schema |= {"description": mark} if isinstance(mark, str) else mark
        return schema
    if origin is Literal:
        return {"const": arguments[0]} if len(arguments) == 1 else {"enum": list(arguments)}
    if origin in UNIONS:
        return _any_of([_schema(kind, known) for kind in arguments])
    if origin in LISTS:
        return {"type": "array", "items": _schema(arguments[0], known)}
    if origin in MAPPINGS:
        return _mapping(arguments[0], arguments[1], known)
    if is_object(hint):
        return _object(hint, known)
    return {} if hint is Any else {"type": _TYPES[hint]}


def _any_of(schemas: Sequence[Schema]) -> Schema:
    """Return the schema of a union. A list of types or values replaces `anyOf` where possible, for clearer errors."""
    if all(schema.keys() == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    values = [_values(schema) for schema in schemas]
    if all(values):
        return {**schemas[0], "enum": [value for some in values for value in some]}
    first, *others = schemas
    if others == [{"type": "null"}] and "properties" not in first:
        return {**first, "type": [first["type"], "null"]}
    return {"anyOf": list(schemas)}


def _values(schema: Schema) -> list[Any]:
    """Return the values of a closed set; empty for any other type."""
    if schema == {"type": "null"}:
        return [None]
    values: list[Any] = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return values


def _mapping(key: Any, value: Any, known: Known) -> Schema:
    """Return the schema of a mapping. Its keys are any texts, or the values of a `Literal`."""
    values = _schema(value, known)
    if get_origin(key) is Literal:
        return {"type": "object", "properties": dict.fromkeys(get_args(key), values), "additionalProperties": False}
    return {"type": "object", "additionalProperties": values}


def _object(declaration: Any, known: Known) -> Schema:
    texts = _described(declaration)[1]
    properties = {
        key.name: _schema(key.hint, known) | ({"description": texts[key.name]} if key.name in texts else {})
        for key in keys(declaration)
    }
    required = [key.name for key in keys(declaration) if not key.is_optional]
    return {"type": "object", "properties": properties, "required": required}


def _described(declaration: Any) -> tuple[str, dict[str, str]]:
    """Return the first line of a docstring, and the text of each entry of its section `Attributes:`."""
    head, _, section = (inspect.getdoc(declaration) or "").partition("\n\nAttributes:\n")
    # A TypedDict loses the classes that it extends, except if its bases also name TypedDict.
    bases = [base for base in getattr(declaration, "__orig_bases__", ()) if is_object(base)]
    texts = {name: text for base in bases for name, text in _described(base)[1].items()}
    name = ""
    for line in section.splitlines():
        if line.startswith("    ") and not line.startswith("     "):
            name, _, texts[name] = line.strip().partition(": ")
        elif name and line.strip():
            texts[name] += f" {line.strip()}"
    return head.partition("\n")[0].rstrip("."), texts
