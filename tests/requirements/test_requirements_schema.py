"""The JSON Schema of the requirements file says what `validate` says, and the decision schema what is printed."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError
from schema_faults import schema_faults

from advisor.cli.schema_registry import DECLARATIONS, schema_of
from advisor.decision.advisor import Advisor, default_advisor
from advisor.decision.checks.proof import example_requirements
from advisor.errors import InputError
from advisor.knowledge.space import FactSpace
from advisor.report.decision_json import decision_dict
from advisor.requirements import load_bytes
from advisor.requirements.schema import LIMITS, requirements_schema


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Any:
    """JSON Schema means ECMA-262, where `$` is the end; Python's also matches before a final newline."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


Validator = validators.extend(Draft202012Validator, {"pattern": _pattern})
SPACE: FactSpace = default_advisor().space
SCHEMA = Validator(requirements_schema(SPACE))

# What `validate` alone finds, by its words; LIMITS says the same to users.
ALONE = (
    "of the last entry of environment.hops",
    "is listed twice",
    "is greater than max",
    "but needs.",
    "is not a known SDK",
    "this key needs fastmcp",
    "does not work with mcp",
)

VALID: dict[str, list[Any]] = {
    "flag": [True, False],
    "need": ["none", "preferred", "required", None],
    "integer": [1, 2, 1024],
    "seconds": [0.5, 30, 604800, None],
    "instances": [1, 10_000, {"min": 1, "max": 1}, {"min": 2, "max": 10}, {"min": 10, "max": 2}],
    "version": ["1.31", "1.29.6", 1.31, 2, None],
    "release": ["mcp-2", "fastmcp-3", "mcp==1.28.1", "fastmcp==4.1.6", "mcp==99.0"],
    "name": ["a", "my-service", "a" * 63],
    "hosts": [
        "mcp.example.com",
        ["MCP.example.com:8443", "10.0.0.7", "localhost"],
        [],
        None,
        ["a:00080"],
        ["[2001:DB8::1]:443", "[::]"],
    ],
    "origins": [
        "https://app.example.com",
        ["HTTP://localhost:3000", "https://a.b:00080", "https://[::1]:443"],
        None,
        ["https://a/b"],
        "null",
    ],
    "path": [
        "/mcp",
        "/tools/mcp/",
        "/a" * 100,
        "/a" * 101,
        "/health",
        "/ready/",
        "/metrics/",
        "/healthy",
        "/a//b",
        "/../b",
        "mcp",
    ],
    "hops": [
        [],
        None,
        [{"kind": "alb"}, {"kind": "nginx", "version": "1.31", "sse": "unknown", "replicas": 2}],
        [{"kind": "alb", "idle_timeout_s": None, "total_timeout_s": 0.5}],
        [{"kind": "none"}],
        [{"kind": None}],
        [{"kind": "alb", "idle_timeout_s": 0}],
        [{"kind": "alb", "sse": None}],
        [{"kind": "alb", "replicas": 0}],
        [{"sse": True}],
        [{"kind": "alb", "idle": 1}],
        ["alb"],
        {"kind": "alb"},
        [{"kind": "alb"}] * 20,
        [{"kind": "alb"}] * 21,
    ],
    "tools": [
        ["get", "x" * 64],
        ["x" * 65],
        ["1st"],
        [{"name": "get", "duration_s": 0.4, "needs": {"sampling": None, "progress": "preferred"}}],
        [{"name": "get", "duration_s": 0}],
        [{"name": "get", "duration_s": None, "needs": None}],
        [{"name": "get", "needs": {"plain": "none"}}],
        [{"name": "get", "needs": {"sampling": "high"}}],
        [{"name": "get", "need": {}}],
        [{}],
        [3],
        [f"t{number}" for number in range(500)],
        [f"t{number}" for number in range(501)],
    ],
    "apps": ["claude-code", ["claude-code", "claude-code", "vscode"], [], None],
}
WRONG: list[Any] = [
    None, True, False, 0, -1, 3.5, 10_001, 10**12, "", "unknown", "Unknown", "yes", "none", "1.31", "mcp-9", "mcp==",
    "pip==1.0", "a" * 64, "-a", "a-", "A", "ä", "my-service\n", "1.31\n", "a..b", "a:0", "a:65536", "a:1:2", "a b",
    "*.example.com", "x" * 254, [], {}, ["mcp.example.com", 3], ["nope"], [None], {"min": 1}, {"max": 2, "min": "1"},
    {"min": 1, "max": 2, "x": 3}, 604801, "1.2.3.4.5", "1234567", "v1", "1.",
]  # fmt: skip
WORDS = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=6)


def _value(name: str) -> st.SearchStrategy[Any]:
    fact = SPACE.facts[name]
    if fact.type == "tools":
        return _TOOLS
    valid = SPACE.choices(fact) if fact.type == "choice" else VALID[fact.type]
    return st.one_of(
        st.sampled_from(valid), st.sampled_from(valid), st.sampled_from(valid), st.sampled_from(WRONG), WORDS
    )


_LEVEL = st.sampled_from(["none", "preferred", "required", None, "high", 1])
_TOOL = st.fixed_dictionaries(
    {"name": st.sampled_from(["get", "ask", "a.b-c_1", "1st", "", "x" * 65, None])},
    optional={
        "needs": st.one_of(st.none(), st.dictionaries(st.sampled_from(["sampling", "progress", "plain"]), _LEVEL)),
        "duration_s": st.sampled_from([1, 0.4, 0, None, "3"]),
        "extra": st.just(1),
    },
)
_TOOLS = st.one_of(st.none(), st.lists(st.one_of(_TOOL, st.sampled_from(["get", "ask", "", 5, {}])), max_size=3))


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """Requirements with a few facts each, most of them valid."""
    if draw(st.integers(0, 30)) == 0:
        return draw(st.sampled_from(WRONG))
    document: dict[str, Any] = {}
    if draw(st.integers(0, 20)):
        document["service"] = "my-service"
    if draw(st.integers(0, 6)) == 0:
        document["version"] = draw(st.sampled_from([1, 2, "1", True, None, [1]]))
    for name in draw(st.lists(st.sampled_from(list(SPACE.facts)), max_size=4)):
        *sections, key = name.split(".")
        here = document
        for section in sections:
            if not isinstance(here.setdefault(section, {}), dict):
                break
            here = here[section]
        else:
            here[key] = draw(_value(name))
    if draw(st.integers(0, 8)) == 0:
        path = draw(st.sampled_from(["clients", "environment", "scale", "needs", "sacle", ""]))
        document[path] = draw(st.sampled_from([None, {}, {"x": 1}, [], "nginx"]))
    return document


def refusals(document: Any) -> list[str]:
    """What `validate` says of a document that was read from a file."""
    try:
        load_bytes(json.dumps(document).encode(), "document.json", SPACE)
    except InputError as error:
        return [problem.message for problem in error.problems] or [str(error)]
    return []


@pytest.mark.parametrize("name", list(SPACE.facts))
def test_schema_and_validate_agree_on_every_value_of_a_fact(name: str) -> None:
    fact = SPACE.facts[name]
    for value in [*VALID.get(fact.type, []), *SPACE.choices(fact), *WRONG]:
        document: Any = value
        for part in reversed(name.split(".")):
            document = {part: document}
        agree({"service": "my-service", **document})


@settings(max_examples=400, deadline=None)
@given(documents())
def test_schema_and_validate_agree_on_documents(document: Any) -> None:
    agree(document)


def agree(document: Any) -> None:
    """Both accept the document, or both refuse it, except for the problems that only `validate` finds."""
    said = refusals(document)
    faults = [f"{error.json_path}: {error.message:.200}" for error in SCHEMA.iter_errors(document)]
    if not said:
        assert faults == [], document
    elif not faults:
        assert all(any(words in message for words in ALONE) for message in said), said


@pytest.mark.parametrize(
    "document",
    [
        {"tools": ["get", {"name": "get"}]},
        {"scale": {"instances": {"min": 3, "max": 2}}},
        {"environment": {"hops": [{"kind": "alb"}], "proxy": {"kind": "nginx"}}},
        {"needs": {"sampling": "none"}, "tools": [{"name": "ask", "needs": {"sampling": "required"}}]},
        {"sdk": "mcp==0.1"},
        {"sdk": "fastmcp-3", "mcp_release": "1.12.4"},
        {"scale": {"workers": 2.0}},
        {"environment": {"proxy": {"version": 1.0000001}}},
    ],
    ids=LIMITS,
)
def test_each_documented_limit_of_the_schema_is_real(document: dict[str, Any]) -> None:
    document = {"service": "my-service", **document}
    assert SCHEMA.is_valid(document)
    assert refusals(document)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({}, "$"),
        ({"service": "My Service"}, "$.service"),
        ({"service": "a", "sevice": "b"}, "$"),
        ({"service": "a", "clients": {"protocol": "moderm"}}, "$.clients.protocol"),
        ({"service": "a", "environment": {"proxy": "nginx"}}, "$.environment.proxy"),
        ({"service": "a", "tools": [{"needs": {}}]}, "$.tools[0]"),
    ],
)
def test_the_schema_points_at_the_key(document: Any, place: str) -> None:
    assert [error.json_path for error in SCHEMA.iter_errors(document)] == [place]


def test_every_fact_is_described_with_its_default() -> None:
    schema = requirements_schema(SPACE)
    for name, fact in SPACE.facts.items():
        here = schema
        for part in name.split("."):
            here = here["properties"][part]
        assert here["title"] == fact.question
        assert fact.why in here["description"]
        assert ("default" in here) is not fact.required
        assert here.get("default") == fact.default
        for choice in fact.values:
            assert f"{choice.value}: {choice.means}" in here["description"]


@pytest.mark.parametrize("name", ["requirements", *DECLARATIONS])
def test_the_schemas_are_valid_schemas(name: str) -> None:
    Draft202012Validator.check_schema(schema_of(name, SPACE))


def closed(schema: Any) -> Any:
    """The same schema, refusing keys that it does not describe."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **inner} if "properties" in schema and "type" in schema else inner


def _fragments(advisor: Advisor) -> list[Any]:
    """An example of each rule: requirements of every kind, each for a reason."""
    return [rule.examples["hit"] for table, rule in advisor.knowledge.rules.values() if table.role != "cell"]


def test_every_decision_is_described_completely(advisor: Advisor) -> None:
    validator = jsonschema_rs.Draft202012Validator(closed(schema_of("decision", advisor.space)))
    feasible = set()
    for fragment in _fragments(advisor):
        document = decision_dict(advisor.decide(example_requirements(advisor, fragment)))
        assert schema_faults(validator, json.loads(json.dumps(document))) == [], fragment
        feasible.add(document["feasible"])
    assert feasible == {True, False}


@pytest.mark.parametrize("broken", ["flags", "pattern", "features", "schema"])
def test_a_decision_without_a_key_is_refused(advisor: Advisor, broken: str) -> None:
    document = dict(decision_dict(advisor.decide(example_requirements(advisor, {}))))
    del document[broken]
    assert not Validator(schema_of("decision", advisor.space)).is_valid(document)
