"""`capabilities measure`: invalid arguments, and the newest release compared with the data."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from causes import BUSY_SERVERS
from jsonschema import Draft202012Validator
from running import run_command_for_text

from advisor.cli.schema_registry import schema_of
from advisor.knowledge import Knowledge
from advisor.knowledge.paths import rules_dir
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import ERAS, FLAG_PAIRS
from advisor.knowledge.versions import key
from advisor.lab.capabilities import matrix
from advisor.lab.capabilities import report as words
from advisor.lab.capabilities import yaml_file as capability_yaml
from advisor.lab.capabilities.behaviours import COPIES, TRIED, MeasuredBehaviours, Trait, alike
from advisor.lab.capabilities.comparison import Difference, expected, near, told
from advisor.lab.capabilities.matrix import CellKey, Cells, MeasuredValue
from advisor.lab.capabilities.measure import Measurement, compared, evidence, record
from advisor.lab.capabilities.merge import values
from advisor.lab.probes.observation import ProbeResult
from advisor.lab.process import package_index
from advisor.lab.process.run import Run
from advisor.lab.process.sdk_under_test import SdkUnderTest
from advisor.lab.testserver.tool_catalogue import entries

retried = BUSY_SERVERS

ROOT = Path(__file__).parents[2]
PROGRESS = ("progress", "ctx.report_progress")
DELETE = Trait("DELETE", "legacy", (True, False))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "advisor", "capabilities", *arguments]
    variables = {**os.environ, "COLUMNS": "80", **environment}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["measure", "--sdk", "mcp"], "'mcp' is not a release. Write a release like this: mcp==2.3.0."),
        (["measure", "--sdk", "mcp==two"], "'mcp==two' is not a release."),
        (["measure", "--sdk", "mcp==9.0"], "mcp==9.0 cannot be measured. The lab has test servers for: mcp-1, mcp-2,"),
        (["measure", "--sdk", "requests==2.0"], "requests==2.0 cannot be measured."),
        (["measure", "--sdk", "mcp==2.3.0", "--deadline", "soon"], "--deadline 'soon' is not allowed."),
        (["measure", "--sdk", "mcp==2.3.0", "--rules", "/nowhere"], "--rules /nowhere is not a folder."),
        (["measure"], "Usage: "),
        (["bisect", "--sdk", "requests"], "There is no capability data for 'requests'. Packages: "),
        (["bisect", "--sdk", "mcp", "--cell", "colour"], "--cell 'colour' has no change between two"),
    ],
)
def test_a_release_that_cannot_be_measured_is_refused_immediately(arguments: list[str], said: str) -> None:
    done = run_command_for_text("capabilities", *arguments, COLUMNS="80")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)


def behaved_so(message: str, first: str | None = None) -> MeasuredValue:
    return MeasuredValue(ProbeResult("works", message), first)


def measured(
    known: Knowledge,
    version: str,
    changed: dict[CellKey, ProbeResult] | None = None,
    behaved: dict[Trait, str] | None = None,
) -> Measurement:
    """A measurement that agrees with the data, except for the given changes."""
    line = f"mcp-{version[0]}"
    subject = SdkUnderTest("mcp", version, line, Path(sys.executable), "today")
    cells: Cells = {}
    for entry in entries(known.sdks[line].apis):
        for era in ERAS:
            for pair in FLAG_PAIRS:
                where = CellKey(entry.feature, entry.call, era, pair)
                outcome = expected(known.capabilities, "mcp", version, where)
                assert outcome is not None
                cells[where] = MeasuredValue(ProbeResult(outcome, f"as {outcome}"))
    cells |= {where: MeasuredValue(observation, first="hang") for where, observation in (changed or {}).items()}
    names = {(behaviour.name, behaviour.era) for package in known.capabilities for behaviour in package.behaviour}
    traits = [Trait(name, era, pair) for name, era in sorted(names) for pair in FLAG_PAIRS]
    seen = {trait: told(known.capabilities, subject, trait) for trait in traits}
    behaviours: MeasuredBehaviours = {
        trait: behaved_so(message) for trait, message in seen.items() if message is not None
    }
    behaviours |= {trait: behaved_so(message, "HTTP 500") for trait, message in (behaved or {}).items()}
    return Measurement(subject, cells, behaviours, "2031-02-03", 12.0)


def test_a_measurement_is_compared_cell_by_cell(knowledge: Knowledge) -> None:
    assert compared(measured(knowledge, "2.3.0"), knowledge.capabilities).agrees
    where = CellKey(*PROGRESS, "modern", (True, False))
    made = measured(knowledge, "2.3.0", {where: ProbeResult("error", "gone")})
    found = compared(made, knowledge.capabilities)
    assert not found.agrees
    assert [(cell.place, cell.expected, cell.observed, cell.message) for cell in found.cells] == [
        (where, "works", "error", "gone")
    ]
    text = [line.text for line in words.differing_lines(found)]
    assert text == [
        "Differs: progress, ctx.report_progress, modern, stateless+sse: "
        "the stored data has works, the measurement has error (in the first measurement hang): gone",
        "Every behaviour agrees with the stored data. A behaviour that differed was measured twice.",
    ]
    again = compared(measured(knowledge, "2.3.0", {where: ProbeResult("works", "live")}), knowledge.capabilities)
    assert [line.text for line in words.differing_lines(again)] == [
        "First measurement hang, second works: progress, ctx.report_progress, modern, stateless+sse",
        "Every cell agrees with the stored data. A cell that differed was measured twice.",
        "Every behaviour agrees with the stored data. A behaviour that differed was measured twice.",
    ]


def test_behaviours_are_compared_as_well(knowledge: Knowledge) -> None:
    true = told(knowledge.capabilities, measured(knowledge, "2.3.0").sdk_under_test, DELETE)
    assert true is not None
    made = measured(knowledge, "2.3.0", behaved={DELETE: "HTTP 200"})
    del made.behaviours[untried := DELETE._replace(pair=(True, True))]
    found = compared(made, knowledge.capabilities)
    assert not found.agrees
    assert found.behaviours == [Difference(DELETE, true, "HTTP 200"), Difference(untried, true, None)]
    assert [line.text for line in words.differing_lines(found)] == [
        f"Differs: DELETE, legacy, stateless+sse: the stored data has {true!r}, the measurement has 'HTTP 200' "
        "(in the first measurement 'HTTP 500')",
        f"Differs: DELETE, legacy, stateless+json: the stored data has {true!r}, but it was not tested",
        "Every cell agrees with the stored data. A cell that differed was measured twice.",
    ]
    document = words.record([found], knowledge.capabilities)
    Draft202012Validator(schema_of("capabilities", FactSpace(knowledge))).validate(document)
    wrong = [behaviour for behaviour in document["behaviours"] if not behaviour["agrees"]]
    assert [
        (behaviour["name"], behaviour["json_response"], behaviour["seen"], behaviour["expected"], behaviour["at_first"])
        for behaviour in wrong
    ] == [
        ("DELETE", False, "HTTP 200", true, "HTTP 500"),
        ("DELETE", True, None, true, None),
    ]
    assert document["agrees"] is False
    once_more = compared(measured(knowledge, "2.3.0", behaved={DELETE: true}), knowledge.capabilities)
    assert once_more.agrees
    assert words.record([once_more], knowledge.capabilities)["agrees"] is True


def test_a_behaviour_without_data_is_a_difference(knowledge: Knowledge) -> None:
    new = Trait("PATCH", "legacy", (False, False))
    found = compared(measured(knowledge, "2.3.0", behaved={new: "HTTP 405"}), knowledge.capabilities)
    assert found.behaviours == [Difference(new, None, "HTTP 405")]
    assert (
        "the stored data has no value, the measurement has 'HTTP 405'" in next(iter(words.differing_lines(found))).text
    )


def test_durations_are_not_compared() -> None:
    assert alike("no answer within 5 s; asked nothing", "no answer within 7.5 s; asked nothing")
    assert not alike("no answer within 5 s", "no connection within 5 s")
    assert not alike("HTTP 405", "HTTP 404")


def test_each_check_has_a_server_of_its_own(knowledge: Knowledge) -> None:
    assert len(set(COPIES)) == len(COPIES) == len(set(TRIED)) == len(TRIED)
    assert not set(COPIES) & set(matrix.COPIES)


def test_an_unknown_release_is_compared_with_the_nearest_release(knowledge: Knowledge) -> None:
    where = CellKey(*PROGRESS, "legacy", (True, False))
    subject = measured(knowledge, "2.3.0").sdk_under_test
    of = {version: SdkUnderTest("mcp", version, "mcp-1", subject.python, "today") for version in ("1.28.0", "1.0.0")}
    assert near(knowledge.capabilities, of["1.28.0"], where) == "dropped"
    assert near(knowledge.capabilities, of["1.0.0"], where) == "dropped"
    assert expected(knowledge.capabilities, "mcp", "1.0.0", where) is None
    assert near(knowledge.capabilities, subject, where) == "works"


def test_a_measurement_as_a_record_and_in_words(knowledge: Knowledge) -> None:
    made = measured(knowledge, "2.3.0")
    taken = record(made)
    assert taken.cells[PROGRESS] == ("works", "dropped", "works", "dropped") * 2
    stored = next(package for package in knowledge.capabilities if package.package == "mcp").behaviour
    of_release = [behaviour for behaviour in stored if key(behaviour.start) <= key("2.3.0") < key(behaviour.before)]
    assert taken.behaviour == {
        (behaviour.name, behaviour.era): tuple(behaviour.seen.values()) for behaviour in of_release
    }
    assert evidence(made.cells, "plain", "tools/call") == "With legacy, modern: works, as works."
    old = evidence(measured(knowledge, "1.30.0").cells, *PROGRESS)
    assert old == (
        "With legacy stateful+sse, legacy stateless+sse: works, as works. "
        "With legacy stateful+json, legacy stateless+json: dropped, as dropped."
    )


def test_the_document_follows_the_contract(knowledge: Knowledge) -> None:
    document = words.record([compared(measured(knowledge, "2.3.0"), knowledge.capabilities)], knowledge.capabilities)
    Draft202012Validator(schema_of("capabilities", FactSpace(knowledge))).validate(document)
    assert document["agrees"] is True
    assert len(document["cells"]) == 8 * len(entries(knowledge.sdks["mcp-2"].apis))
    assert all(behaviour["seen"] == behaviour["expected"] for behaviour in document["behaviours"])
    assert {behaviour["name"] for behaviour in document["behaviours"]} > {
        "cancellation",
        "disconnect",
        "GET",
        "foreign Host",
    }


def test_the_table_of_a_measurement_is_80_columns_wide(knowledge: Knowledge) -> None:
    for version, refused in (("2.3.0", False), ("1.30.0", True)):
        lines = list(words.table(compared(measured(knowledge, version), knowledge.capabilities)))
        rows = [line for line in lines if line.cells]
        assert all(len(line.text) + 8 * len(line.cells) <= 81 for line in rows)
        assert any("All calls were refused: as unsupported" in line.text for line in lines) is refused
        assert len(rows) == len(entries(knowledge.sdks[f"mcp-{version[0]}"].apis)) * (1 if refused else 2)


def newest() -> str:
    """The newest release of mcp in the data."""
    text = (rules_dir() / "capabilities" / "mcp.yaml").read_text(encoding="utf-8")
    return str(capability_yaml.read(text).lines[-1]["newest"])


@pytest.mark.programs
@retried
def test_the_newest_release_agrees_with_the_data_except_for_wrong_cells(tmp_path: Path) -> None:
    """Two cells and a behaviour of the data are falsified. The check names only them, and `--write` corrects them.

    So the test also fails if the data disagree with the newest release.
    """
    rules = Path(shutil.copytree(rules_dir(), tmp_path / "rules"))
    path = rules / "capabilities" / "mcp.yaml"
    true = path.read_text(encoding="utf-8")
    file = capability_yaml.read(true)
    last = [cell for cell in file.cells if (cell["feature"], cell["call"]) == PROGRESS][-1]
    last["observed_on"] = [newest()]
    was = values(last)
    last["legacy"] = {**last["legacy"], "stateless+sse": "dropped"}
    last["modern"] = {**last["modern"], "stateful+json": "works"}
    told = [behaviour for behaviour in file.behaviour if (behaviour["name"], behaviour["era"]) == DELETE[:2]][-1]
    told["observed_on"], seen = [newest()], dict(told["seen"])
    told["seen"] = {**seen, "stateless+sse": "HTTP 200 application/json"}
    path.write_text(capability_yaml.write(file), encoding="utf-8")
    sdk = f"mcp=={newest()}"
    checked = run("measure", "--sdk", sdk, "--here", "--check", "--rules", str(rules))
    assert checked.returncode == 1
    said = " ".join(checked.stdout.split())
    for place, stored in (("legacy, stateless+sse", "dropped"), ("modern, stateful+json", "works")):
        assert f"Differs: progress, ctx.report_progress, {place}: the stored data has {stored}" in said
    delete = "Differs: DELETE, legacy, stateless+sse: the stored data has 'HTTP 200 application/json'"
    assert f"{delete}, the measurement has 'HTTP 4" in said
    assert said.count("Differs: ") == 3
    assert "3 differ from the stored data" in checked.stderr
    output = tmp_path / "measured.json"
    written = run("measure", "--sdk", sdk, "--here", "--write", "--rules", str(rules), "-f", "json", "-o", str(output))
    assert (written.returncode, written.stdout) == (0, "")
    document = json.loads(output.read_text(encoding="utf-8"))
    assert [cell["expected"] for cell in document["cells"] if not cell["agrees"]] == ["dropped", "works"]
    assert [behaviour["name"] for behaviour in document["behaviours"] if not behaviour["agrees"]] == ["DELETE"]
    again = capability_yaml.read(path.read_text(encoding="utf-8"))
    assert (
        seen
        == [behaviour for behaviour in again.behaviour if (behaviour["name"], behaviour["era"]) == DELETE[:2]][-1][
            "seen"
        ]
    )
    assert was == values([cell for cell in again.cells if (cell["feature"], cell["call"]) == PROGRESS][-1])


@pytest.mark.programs
@retried
def test_the_package_index_lists_releases_and_their_dates(temporary: Path) -> None:
    async def main() -> tuple[Sequence[str], str]:
        async with Run.open("index") as run:
            return await package_index.releases(run, "mcp"), await package_index.its_time(run, "mcp", "1.12.4")

    releases, then = asyncio.run(main())
    assert [release for release in releases if release.startswith("1.29")][:1] == ["1.29.0"]
    assert releases.index("1.28.1") < releases.index("1.29.0") < releases.index("2.0.0")
    assert then.startswith("2025-08-10T")
