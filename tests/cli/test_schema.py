"""`mcp-advisor schema`, as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "advisor", "schema", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("name", ["requirements", "decision", "capabilities"])
def test_each_schema_is_one_document(name: str) -> None:
    done = run(name)
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:mcp-advisor:{name}:1"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_requirements_is_the_default() -> None:
    assert run().stdout == run("requirements").stdout


def test_another_name_is_refused_with_those_that_exist() -> None:
    done = run("decisions")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'requirements', 'decision', 'capabilities'" in done.stderr
