"""`mcp-advisor schema`: every document that it prints, and what the schemas accept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from running import run_command_for_text

from advisor.cli.schema import DOCUMENTS
from advisor.cli.schema_registry import DECLARATIONS
from advisor.knowledge import Knowledge
from advisor.knowledge.topology import BalancingStrategy
from advisor.report.topology_table import record

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command_for_text("schema", *arguments)


@pytest.mark.parametrize("name", ["requirements", *DECLARATIONS])
def test_each_schema_is_one_document(name: str) -> None:
    done = run(name)
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:mcp-advisor:{name}:1"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_document_has_a_name_on_the_command_line() -> None:
    assert {*DOCUMENTS} == {"requirements", *DECLARATIONS}


def test_requirements_is_the_default() -> None:
    assert run().stdout == run("requirements").stdout


def test_an_unknown_name_is_refused_with_the_list_of_names() -> None:
    done = run("decision-table")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Documents: requirements, decision, decisions, generation" in done.stderr


# --- topology ------------------------------------------------------------------------------------------------------


def closed(schema: Any) -> Any:
    """The schema, changed so that a key without a description is an error."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(part) for key, part in schema.items()}
    return {"additionalProperties": False, **found} if "required" in schema else found


def errors(name: str, data: Any) -> list[str]:
    schema = json.loads(run(name).stdout)
    return [error.message for error in Draft202012Validator(closed(schema)).iter_errors(data)]


def topology() -> dict[str, Any]:
    command = [sys.executable, "-m", "advisor", "topology", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_schema_of_the_topology_table_describes_every_key_of_it() -> None:
    assert errors("topology", topology()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keeps": "sometimes"}, "'sometimes' is not one of"),
        ({"mechanism": "nginx-magic"}, "'nginx-magic' is not one of"),
        ({"runs": [{}]}, "'under' is a required property"),
        ({"colour": "red"}, "'colour' was unexpected"),
    ],
)
def test_an_invalid_row_is_refused(change: dict[str, Any], message: str) -> None:
    data = topology()
    data["ways"][0] |= change
    (found,) = errors("topology", data)
    assert message in found


def test_the_schema_accepts_a_row_without_measurements(knowledge: Knowledge) -> None:
    way = knowledge.topology["round-robin"]
    bare = BalancingStrategy(
        way.id, way.title, way.program, way.keeps, way.because, [type(way.runs[0])(way.runs[0].under)]
    )
    assert errors("topology", json.loads(json.dumps(record([bare], knowledge)))) == []
