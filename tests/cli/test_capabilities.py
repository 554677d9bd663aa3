"""`mcp-advisor capabilities`, in this process or as a process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft202012Validator
from running import run_command_for_text
from schema_faults import schema_faults

from advisor.cli.schema_registry import schema_of
from advisor.knowledge import Knowledge
from advisor.knowledge.releases import release_ranges
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import flag_key

ROOT = Path(__file__).parents[2]
CELL = [
    "sdk",
    "version",
    "stateless_http",
    "json_response",
    "era",
    "feature",
    "call",
    "outcome",
    "evidence",
    "measured",
]


def run(*arguments: str, columns: int = 80) -> subprocess.CompletedProcess[str]:
    return run_command_for_text("capabilities", *arguments, COLUMNS=str(columns))


def cells(*arguments: str) -> list[dict[str, Any]]:
    done = run(*arguments, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["schema"] == "mcp-advisor/capabilities/1"
    found: list[dict[str, Any]] = document["cells"]
    return found


def test_the_document_follows_the_contract(knowledge: Knowledge) -> None:
    document = json.loads(run("--format", "json").stdout)
    assert schema_faults(Draft202012Validator(schema_of("capabilities", FactSpace(knowledge))), document) == []
    assert all(list(cell)[: len(CELL)] == CELL for cell in document["cells"])
    identities = {tuple(str(cell[name]) for name in (*CELL[:5], "feature", "call")) for cell in document["cells"]}
    assert len(identities) == len(document["cells"])  # no cell twice


def test_the_document_has_every_cell(knowledge: Knowledge) -> None:
    expected = sum(
        8
        for package in knowledge.capabilities
        for release in release_ranges(knowledge.capabilities, {})
        for cell in package.cells
        if release.package == package.package and _within(release.start, cell)
    )
    assert len(cells()) == expected


def _within(version: str, cell: Any) -> bool:
    numbers = [tuple(int(part) for part in text.split(".")) for text in (cell.start, version, cell.before)]
    return numbers[0] <= numbers[1] < numbers[2]


def test_yaml_is_the_same_data() -> None:
    assert yaml.safe_load(run("--sdk", "mcp-2", "--format", "yaml").stdout)["cells"] == cells("--sdk", "mcp-2")


def test_the_document_has_every_behaviour(knowledge: Knowledge) -> None:
    document = json.loads(run("--format", "json").stdout)
    stored = [(package.package, behaviour) for package in knowledge.capabilities for behaviour in package.behaviour]
    assert len(document["behaviours"]) == 4 * len(stored) > 0
    for entry in document["behaviours"]:
        pair = flag_key(entry["stateless_http"], entry["json_response"])
        of = [
            behaviour
            for sdk, behaviour in stored
            if (sdk, behaviour.name, behaviour.era, behaviour.start)
            == (entry["sdk"], entry["name"], entry["era"], entry["releases"]["from"])
        ]
        assert [behaviour.seen[pair] for behaviour in of] == [entry["seen"]]
        assert [(behaviour.observed_on[-1], behaviour.date) for behaviour in of] == [
            (entry["version"], entry["measured"])
        ]


def behaviours(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(*arguments, "--format", "json").stdout)["behaviours"]
    return found


def test_behaviours_are_filtered_like_cells() -> None:
    assert {behaviour["era"] for behaviour in behaviours("--era", "modern")} == {"modern"}
    assert {behaviour["sdk"] for behaviour in behaviours("--sdk", "fastmcp")} == {"fastmcp"}
    of_line = behaviours("--sdk", "mcp-2")
    assert {behaviour["version"] for behaviour in of_line} == {cell["version"] for cell in cells("--sdk", "mcp-2")}
    exact = [behaviour for behaviour in behaviours("--sdk", "mcp==1.28.1") if behaviour["name"] == "foreign Host"]
    assert [behaviour["seen"] for behaviour in exact] == ["HTTP 421: Invalid Host header"] * 4
    assert behaviours("--feature", "progress") == []  # a behaviour belongs to no feature


def test_behaviours_are_described_in_words() -> None:
    text = run("--sdk", "mcp-2", "--era", "modern", "--behaviours").stdout
    assert max(map(len, text.splitlines())) <= 80
    part = next(part for part in text.split("\n\n") if part.startswith("mcp: cancellation"))
    assert part.splitlines() == [
        "mcp: cancellation, modern clients",
        "  >=2.0.0, <3.0.0 (measured with 2.0.0, 2.3.0)",
        "    sse: the tool was stopped",
        "    json: the tool ran to its end",
    ]
    assert "legacy clients" not in text
    assert "mcp: foreign Host, modern clients\n" in text
    assert "Use --behaviours for results about cancellation, " in run("--sdk", "mcp-2").stdout
    assert "--behaviours" not in run("--sdk", "mcp-2", "--feature", "progress").stdout
    markdown = run("--sdk", "mcp-2", "--behaviours", "--format", "markdown").stdout
    assert "| >=2.0.0, <3.0.0 | sse | the tool was stopped |\n" in markdown
    done = run("--behaviours", "--feature", "progress")
    assert (done.returncode, done.stdout) == (2, "")
    assert "behaviours are not about a feature" in done.stderr


@pytest.mark.parametrize(
    ("sdk", "versions"),
    [
        ("mcp-1", {"1.28.1", "1.30.0"}),
        ("mcp==1.28.1", {"1.28.1"}),
        ("mcp==1.12.4", {"1.28.1"}),
        ("mcp==1.29", {"1.30.0"}),
        ("mcp-2", {"2.3.0"}),
        ("mcp", {"1.28.1", "1.30.0", "2.3.0"}),
    ],
)
def test_the_option_sdk_takes_a_line_a_release_or_a_package(sdk: str, versions: set[str]) -> None:
    found = cells("--sdk", sdk, "--feature", "progress")
    assert versions <= {cell["version"] for cell in found}
    assert {cell["sdk"] for cell in found} == {"mcp"}
    if "==" in sdk or sdk == "mcp-2":
        assert {cell["version"] for cell in found} == versions


def test_a_release_without_a_measurement_is_named() -> None:
    note = "2.9.0 has not been measured; the measurements of 2.3.0 are used. To measure the release: `mcp-advisor "
    for form in ("text", "markdown"):
        assert note in " ".join(run("--sdk", "mcp==2.9.0", "--format", form).stdout.split())
        assert "has not been measured" not in run("--sdk", "mcp==2.3.0", "--format", form).stdout
    assert {cell["status"] for cell in cells("--sdk", "mcp==2.9.0")} == {"assumed"}
    assert "assumed" not in {cell["status"] for cell in cells("--sdk", "mcp==2.3.0")}


def test_feature_and_era_filter_the_cells() -> None:
    found = cells("--sdk", "mcp-2", "--feature", "progress", "--era", "modern")
    outcomes = {(cell["stateless_http"], cell["json_response"]): cell["outcome"] for cell in found}
    assert outcomes == {
        (False, False): "works",
        (False, True): "dropped",
        (True, False): "works",
        (True, True): "dropped",
    }
    assert {(cell["feature"], cell["era"]) for cell in found} == {("progress", "modern")}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sdk", "mcp-22"], "There is no SDK 'mcp-22'. Did you mean 'mcp-2'? Known: "),
        (["--sdk", "mcp==9.9"], "There is no data for the release 'mcp==9.9'. Ranges with data: mcp >=1.8.0, <"),
        (["--feature", "sampeling"], "There is no feature 'sampeling'. Did you mean 'sampling'? Features: plain, "),
        (["--era", "modem"], "Usage: "),
        (["--format", "xml"], "Usage: "),
    ],
)
def test_an_unknown_sdk_feature_or_era_is_refused(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)


def test_the_table_of_capabilities_in_a_terminal() -> None:
    text = run("--sdk", "mcp==1.28.1", "--feature", "progress").stdout
    assert text.startswith("mcp >=1.10.0, <1.29.0 (line mcp-1, newest measured release 1.28.1)\n")
    table = text.split("\n\n")[1].splitlines()
    assert table == [
        "legacy clients                                   stateful        stateless",
        "                                                 sse     json    sse     json",
        "progress",
        "  ctx.report_progress                            works   works   dropped dropped",
    ]
    said = " ".join(text.split())
    assert "modern clients This SDK does not speak 2026-07-28" in said
    assert "progress, ctx.report_progress changes in 1.29.0: progress is sent on the stream of its request" in said
    assert re.search(r"(Reported|Measured) on \d{4}-\d\d-\d\d: all rows\.", said)


def test_marks_are_explained() -> None:
    text = run().stdout
    assert ("- not available" in text) is bool(re.search(r" -( |$)", text, flags=re.M))


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("arguments", [[], ["--sdk", "mcp-2"]])
def test_the_table_is_80_columns_wide(arguments: list[str], columns: int) -> None:
    done = run(*arguments, columns=columns)
    if columns > 80:
        assert max(map(len, done.stdout.splitlines())) <= 100
        return
    assert [line for line in done.stdout.splitlines() if len(line) > 80 or line != line.rstrip()] == []
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("setting", "coloured"), [({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)]
)
def test_colour_follows_the_environment_variables(setting: dict[str, str], coloured: bool) -> None:
    command = [sys.executable, "-m", "advisor", "capabilities", "--sdk", "mcp-2"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **setting}, capture_output=True, encoding="utf-8", check=True
    )
    assert ("\x1b[32mworks" in done.stdout) is coloured
    assert ("\x1b" in done.stdout) is coloured


def test_markdown_has_the_same_cells() -> None:
    text = run("--sdk", "mcp==1.28.1", "--feature", "progress", "--format", "markdown").stdout
    assert "## mcp >=1.10.0, <1.29.0\n" in text
    assert "| progress | `ctx.report_progress` | works | works | dropped | dropped |\n" in text
    assert "Change in 1.29.0: " in text
