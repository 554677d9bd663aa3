"""`capabilities bisect`: the change that it searches, and the number of releases that it measures."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.errors import UsageError
from advisor.knowledge import Knowledge
from advisor.knowledge.paths import rules_dir
from advisor.knowledge.versions import key
from advisor.lab.capabilities import report as words
from advisor.lab.capabilities import yaml_file as capability_yaml
from advisor.lab.capabilities.bisection import UNKNOWN, Bisected, CellChange, apply, between, changes, places, search
from advisor.lab.capabilities.comparison import Difference

retried = pytest.mark.retried(
    "Servers of several releases share the processors, and an answer that is late is reported as lost."
)


def change_of(knowledge: Knowledge, upper: str, lower: str) -> CellChange:
    """A change of the data, moved between these releases."""
    some = changes(knowledge.capabilities, "mcp", "progress")[0]
    return CellChange("mcp", some.feature, some.call, upper, lower, some.before, some.after)


def test_a_change_lies_where_two_ranges_meet(knowledge: Knowledge) -> None:
    found = changes(knowledge.capabilities, "mcp", "progress/ctx.report_progress")
    assert ("1.28.1", "1.29.0") in [(change.upper, change.lower) for change in found]
    assert all(change.before.before == change.after.start for change in found)
    assert all(key(change.upper) < key(change.after.start) <= key(change.lower) for change in found)
    whole = changes(knowledge.capabilities, "mcp")
    assert {change.feature for change in whole} > {"progress"}
    assert [key(change.lower) for change in whole] == sorted(key(change.lower) for change in whole)


def test_a_package_without_data_is_not_bisected(knowledge: Knowledge) -> None:
    with pytest.raises(UsageError, match=r"There is no capability data for 'requests'\. Packages: "):
        changes(knowledge.capabilities, "requests")


@given(count=st.integers(1, 60), where=st.integers(0, 60), gaps=st.sets(st.integers(0, 59)))
def test_the_first_release_of_the_new_behaviour_is_found(
    knowledge: Knowledge, count: int, where: int, gaps: set[int]
) -> None:
    """`where`: the number of releases that behave as before. `gaps`: releases that cannot be measured."""
    releases = [f"1.{number}.0" for number in range(count + 2)]
    inside, changed = releases[1:-1], min(where, count)
    tried: list[str] = []

    async def newer(release: str) -> bool | None:
        tried.append(release)
        place = inside.index(release)
        return None if place in gaps else place >= changed

    change = change_of(knowledge, releases[0], releases[-1])
    assert between(releases, change) == inside
    found = asyncio.run(search(releases, change, newer))
    measurable = [release for place, release in enumerate(inside) if place >= changed and place not in gaps]
    assert found.release == (measurable[0] if measurable else releases[-1])
    assert len(tried) == len(set(tried)) == len(found.measured)
    assert len(tried) <= count.bit_length() + len(gaps)


def test_a_result_between_wrong_ends_is_not_written(knowledge: Knowledge) -> None:
    text = (rules_dir() / "capabilities" / "mcp.yaml").read_text(encoding="utf-8")
    change = next(change for change in changes(knowledge.capabilities, "mcp", "progress") if change.lower == "1.29.0")
    where = places(change)[0]
    wrong = Difference(where, "works", "hang", "no answer within 5 s")
    found = Bisected(change, "1.28.5", ends={"1.28.1": "neither"}, wrong={"1.28.1": [wrong]})
    apply(file := capability_yaml.read(text), [found])
    assert capability_yaml.write(file) == text
    assert not found.agrees
    said = [line.text for line in words.bisection_lines([found])]
    assert said[0] == "progress, ctx.report_progress: the release of the change was not searched"
    assert said[2] == "  1.28.1 differs from the stored data. To fix this: capabilities measure --write"
    assert said[3].endswith("the stored data has works, the measurement has hang: no answer within 5 s")
    record = words.bisection_record([found])["changes"][0]
    assert record["agrees"] is False
    assert [(end["version"], end["expected"], end["observed"]) for end in record["wrong_ends"]] == [
        ("1.28.1", "works", "hang")
    ]


def test_an_end_that_cannot_be_measured_is_reported(knowledge: Knowledge) -> None:
    change = next(change for change in changes(knowledge.capabilities, "mcp", "progress") if change.lower == "1.29.0")
    found = Bisected(change, change.after.start, ends={"1.28.1": UNKNOWN, "1.29.0": "newer"})
    said = [line.text for line in words.bisection_lines([found])]
    assert "  1.28.1 cannot be measured here, so its stored data was not checked" in said
    assert said[-1] == "No measurement contradicts the stored data (changes: 1)."
    assert found.agrees
    measured = Bisected(change, change.after.start, ends={"1.28.1": "older", "1.29.0": "newer"})
    assert [line.text for line in words.bisection_lines([measured])][-1].startswith("Every release of a change agrees")


@pytest.mark.programs
@retried
@pytest.mark.weekly
def test_both_ends_are_measured(tmp_path: Path) -> None:
    """No release lies between the two, so only the ends are measured. The data of one end is falsified."""
    rules = Path(shutil.copytree(rules_dir(), tmp_path / "rules"))
    command = [sys.executable, "-m", "advisor", "capabilities", "bisect", "--sdk", "mcp", "--rules", str(rules)]
    command += ["--cell", "session_state/session object", "-f", "json"]

    def run(*more: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run([*command, *more], capture_output=True, encoding="utf-8", check=False)
        assert done.stdout, done.stderr
        assert done.stderr.count("starting 4 servers") == 2, done.stderr  # each of the two releases once
        return done.returncode, json.loads(done.stdout)["changes"][0]

    code, true = run()
    assert (code, true["agrees"], true["wrong_ends"]) == (0, True, [])
    assert true["ends"] == {"1.30.0": "older", "2.0.0": "newer"}
    path = rules / "capabilities" / "mcp.yaml"
    file = capability_yaml.read(path.read_text(encoding="utf-8"))
    older = next(cell for cell in file.cells if cell["call"] == "session object")
    older["legacy"] = {**older["legacy"], "stateful+json": "hang"}
    path.write_text(falsified := capability_yaml.write(file), encoding="utf-8")
    code, wrong = run("--write")
    assert (code, wrong["agrees"], wrong["ends"]) == (1, False, {"1.30.0": "neither", "2.0.0": "newer"})
    cell = ("version", "json_response", "expected", "observed")
    assert [[end[name] for name in cell] for end in wrong["wrong_ends"]] == [["1.30.0", True, "hang", "works"]]
    assert path.read_text(encoding="utf-8") == falsified


def test_the_release_that_was_found_becomes_the_limit_of_the_range(knowledge: Knowledge) -> None:
    text = (rules_dir() / "capabilities" / "mcp.yaml").read_text(encoding="utf-8")
    file = capability_yaml.read(text)
    change = next(change for change in changes(knowledge.capabilities, "mcp", "progress") if change.lower == "1.29.0")
    apply(file, [Bisected(change, "1.28.5")])
    cells = {cell["releases"]["from"]: cell for cell in file.cells if cell["call"] == "ctx.report_progress"}
    assert "1.29.0" not in cells
    assert cells["1.28.5"]["observed_on"][0] == "1.29.0"
    before = next(cell for cell in cells.values() if cell["releases"]["before"] == "1.28.5")
    assert before["changed"]["in"] == "1.28.5"
    assert capability_yaml.write(file) != text
    apply(file, [])
    apply(again := capability_yaml.read(text), [Bisected(change, change.after.start)])
    assert capability_yaml.write(again) == text
