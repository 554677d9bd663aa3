"""Makes the JSON Schema of the requirements file from the facts. Editors use it to complete and check the file.

The schema accepts the same files as `validate`, except for the cases in `LIMITS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from advisor.documents.schema import DIALECT, Schema
from advisor.knowledge.facts import Fact, OnlyWhen
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.requirements.hops import HOP_KEYS, MAX_HOPS, PROXY
from advisor.requirements.text import HOST_RULE, IPV6, LABEL_RULE, ORIGIN_RULE, PATH_RULE, RESERVED_PATHS, TOOL_RULE
from advisor.requirements.validate import VERSION
from advisor.requirements.values import MAX_INSTANCES, MAX_LIST, MAX_SECONDS

LIMITS = (
    "two tools with the same name",
    "scale.instances with a min that is greater than max",
    "a value of environment.proxy that differs from the last entry of environment.hops",
    "a tool that needs a feature for which `needs` says none",
    "an SDK release outside the measured ranges",
    "mcp_release without fastmcp, or a release that the fastmcp release does not allow",
    "3.0 instead of the integer 3, because the two are equal in JSON Schema",
    "a version as a number with an exponent or with more than six decimals",
)
"""The problems that only `validate` finds."""

# The rules of `text` as regular expressions of JSON Schema, which have no flags.
_PART = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PORT = "0*(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_PLACE = rf"(?:(?=[^:]{{1,253}}(?::[0-9]{{1,5}})?$){_PART}(?:\.{_PART})*|{IPV6})(?::{_PORT})?"
_HOST = f"^{_PLACE}$"
_ORIGIN = f"^[Hh][Tt][Tt][Pp][Ss]?://{_PLACE}$"
_LABEL = "^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
_PATH = rf"^(?!(?:{'|'.join(RESERVED_PATHS)})/?$)(?=.{{1,200}}$)(?:/[A-Za-z0-9_][A-Za-z0-9_~.-]*)+/?$"
_TOOL = "^[A-Za-z_][A-Za-z0-9_.-]{0,63}$"
_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}"


def requirements_schema(space: FactSpace) -> Schema:
    """Return the schema of a complete requirements file as JSON types (JSON Schema, draft 2020-12).

    Args:
        space: the known facts.
    """
    schema: Schema = {
        "$schema": DIALECT,
        "$id": f"urn:mcp-advisor:requirements:{VERSION}",
        "title": f"mcp-advisor requirements, version {VERSION}",
        "description": "The deployment of an MCP server, and the features that its tools need.",
        "$comment": f"Only mcp-advisor finds these problems: {'; '.join(LIMITS)}.",
        **_section(),
        "type": "object",
        "required": [name for name, fact in space.facts.items() if fact.required],
        "$defs": {"seconds": _seconds(), "tool": _tool(space), "hop": _hop(space)},
    }
    schema["properties"]["version"] = {
        "title": "The version of the file format",
        "const": VERSION,
        "default": VERSION,
    }
    for name, fact in space.facts.items():
        *sections, key = name.split(".")
        here = schema
        for section in sections:
            here = here["properties"].setdefault(section, _section())
        here["properties"][key] = describe(fact, space) | _TYPES[fact.type](fact, space)
    schema["allOf"] = [_alone(name, fact, only, space) for name, fact, only in space.bound]
    pattern = space.knowledge.facts["needs"]
    schema["properties"]["needs"] |= {"title": pattern.question, "description": f"{pattern.why}\n{pattern.help}"}
    return schema


def meanings(fact: Fact, space: FactSpace) -> dict[str, str]:
    """Return a dict from each value of a fact to its meaning; empty for a fact without a closed set of values."""
    if fact.values_from == "proxies":
        return {proxy.id: proxy.name for proxy in space.knowledge.proxies.values()}
    if fact.values_from == "languages":
        return {language.id: language.name for language in space.knowledge.languages.values()}
    if fact.type == "apps":
        return {client.id: client.name for client in space.knowledge.clients.values()}
    if fact.type == "release":
        lines = {release.line.id: release for release in space.measured.values()}
        phrases = space.knowledge.phrases
        named = {
            name: phrases["sdk.line.means"].format(package=release.package, release=release.line.newest)
            for name, release in lines.items()
        }
        return {**named, OTHER: phrases["sdk.other"]}
    return {value.value: value.means for value in fact.values}


def describe(fact: Fact, space: FactSpace) -> Schema:
    """Return the title, the description and the default of a fact as keywords of JSON Schema."""
    words = [fact.why, fact.help, *(f"{value}: {means}" for value, means in meanings(fact, space).items())]
    described: Schema = {"title": fact.question, "description": "\n".join(words)}
    return described if fact.required else {**described, "default": fact.default}


def _alone(name: str, fact: Fact, only: OnlyWhen, space: FactSpace) -> Schema:
    """Return the condition of a fact that the file can state only with certain values of another fact."""
    free = [fact.default, *fact.always, *([None] if "none" in fact.always else [])]  # null is the same as none
    by_default = space.facts[only.fact].default in only.any_of
    needed = {"const": only.any_of[0]} if len(only.any_of) == 1 else {"enum": only.any_of}
    stated = {"not": {"const": free[0]} if len(free) == 1 else {"enum": free}}
    return {"if": _at(name, stated), "then": _at(only.fact, needed, required=not by_default)}


def _at(name: str, schema: Schema, *, required: bool = True) -> Schema:
    """Return the schema of a file whose fact `name` has a value that fits `schema`."""
    for key in reversed(name.split(".")):
        schema = {"properties": {key: schema}, **({"required": [key]} if required else {})}
    return schema


def _section() -> Schema:
    # An empty section (`clients:` with nothing below) is null. It is the same as no section.
    return {"type": ["object", "null"], "additionalProperties": False, "properties": {}}


def _choice(fact: Fact, space: FactSpace) -> Schema:
    allowed = space.choices(fact)
    return {"enum": [*allowed, None] if "none" in allowed else allowed}


def _flag(fact: Fact, space: FactSpace) -> Schema:
    return {"enum": [True, False, UNKNOWN] if fact.unknown else [True, False]}


def _integer(fact: Fact, space: FactSpace) -> Schema:
    kind: Any = ["integer", "null"] if fact.default is None else "integer"
    return {"type": kind, "minimum": fact.minimum or 1, "maximum": fact.maximum or 1_000_000_000}


def _instances(fact: Fact, space: FactSpace) -> Schema:
    number = {"type": "integer", "minimum": 1, "maximum": MAX_INSTANCES}
    ends = {"min": number, "max": number}
    return {
        "anyOf": [
            number,
            {"type": "object", "properties": ends, "required": list(ends), "additionalProperties": False},
        ]
    }


def _seconds() -> Schema:
    return {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": MAX_SECONDS}


def _version(fact: Fact, space: FactSpace) -> Schema:
    number = {"type": "number", "minimum": 0, "exclusiveMaximum": 1_000_000}
    return {"anyOf": [{"type": "null"}, {"type": "string", "pattern": f"^{_NUMBER}$"}, number]}


def _release(fact: Fact, space: FactSpace) -> Schema:
    packages = "|".join(dict.fromkeys(release.package for release in space.measured.values()))
    exact = {"type": "string", "pattern": f"^(?:{packages})=={_NUMBER}$", "description": "an exact release"}
    return {
        "anyOf": [
            {
                "enum": list(meanings(fact, space)),
                "description": "the newest measured release of an SDK line, or other",
            },
            exact,
        ]
    }


def _name(fact: Fact, space: FactSpace) -> Schema:
    return {"type": "string", "pattern": _LABEL, "$comment": LABEL_RULE}


def _hosts(fact: Fact, space: FactSpace) -> Schema:
    return _one_or_more({"type": "string", "pattern": _HOST, "$comment": HOST_RULE})


def _origins(fact: Fact, space: FactSpace) -> Schema:
    return _one_or_more({"type": "string", "pattern": _ORIGIN, "$comment": ORIGIN_RULE})


def _path(fact: Fact, space: FactSpace) -> Schema:
    return {"type": "string", "pattern": _PATH, "$comment": PATH_RULE}


def _apps(fact: Fact, space: FactSpace) -> Schema:
    return _one_or_more({"enum": list(space.knowledge.clients)})


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [{"type": "null"}, item, {"type": "array", "maxItems": MAX_LIST, "items": item}]}


def _tools(fact: Fact, space: FactSpace) -> Schema:
    return {"type": ["array", "null"], "maxItems": MAX_LIST, "items": {"$ref": "#/$defs/tool"}}


def _hops(fact: Fact, space: FactSpace) -> Schema:
    return {"type": ["array", "null"], "maxItems": MAX_HOPS, "items": {"$ref": "#/$defs/hop"}}


def _hop(space: FactSpace) -> Schema:
    """Return the schema of a hop: the keys of `environment.proxy`, and a kind other than none."""
    facts = {key: space.facts[f"{PROXY}{key}"] for key in HOP_KEYS}
    properties = {key: describe(fact, space) | _TYPES[fact.type](fact, space) for key, fact in facts.items()}
    properties["kind"]["enum"] = [kind for kind in space.knowledge.proxies if kind != "none"]
    return {"type": "object", "properties": properties, "required": ["kind"], "additionalProperties": False}


def _tool(space: FactSpace) -> Schema:
    """Return the schema of a tool: a name, or a mapping."""
    name = {"type": "string", "pattern": _TOOL, "$comment": TOOL_RULE}
    features = {key.removeprefix("needs."): fact for key, fact in space.facts.items() if fact.type == "need"}
    needs = {key: {"title": fact.question, **_choice(fact, space)} for key, fact in features.items()}
    properties = {
        "name": {"title": "The name of the tool for clients", **name},
        "needs": {**_section(), "title": "The features that this tool needs", "properties": needs},
        "duration_s": {"title": "The duration of a call in seconds", "$ref": "#/$defs/seconds"},
    }
    mapping = {"type": "object", "properties": properties, "required": ["name"], "additionalProperties": False}
    return {"anyOf": [name, mapping]}


_TYPES: dict[str, Callable[[Fact, FactSpace], Schema]] = {
    "choice": _choice,
    "need": _choice,
    "flag": _flag,
    "integer": _integer,
    "instances": _instances,
    "seconds": lambda fact, space: {"$ref": "#/$defs/seconds"},
    "version": _version,
    "release": _release,
    "name": _name,
    "hosts": _hosts,
    "origins": _origins,
    "path": _path,
    "apps": _apps,
    "tools": _tools,
    "hops": _hops,
}
