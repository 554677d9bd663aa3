"""The capability files: reading, merging with measurements, writing. The examples are the stored data."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.errors import KnowledgeError, UsageError
from advisor.knowledge import load
from advisor.knowledge.paths import rules_dir
from advisor.knowledge.versions import key
from advisor.lab.capabilities import capability_files
from advisor.lab.capabilities import yaml_file as capability_yaml
from advisor.lab.capabilities.merge import SOURCE, ReleaseRecord, merge, values
from advisor.lab.capabilities.yaml_file import PAIRS, CapabilityFile, YamlEntry

PACKAGES = ("mcp", "fastmcp")
PROGRESS = ("progress", "ctx.report_progress")
DAY = "2031-02-03"
WHO = "someone else"


def stored(package: str) -> str:
    return (rules_dir() / "capabilities" / f"{package}.yaml").read_text(encoding="utf-8")


def line_of(file: CapabilityFile, version: str) -> str:
    return str(next(line["id"] for line in file.lines if key(line["from"]) <= key(version) < key(line["before"])))


def records(file: CapabilityFile) -> list[ReleaseRecord]:
    """The observations of each release in the file."""
    found: dict[str, ReleaseRecord] = {}
    for cell in file.cells:
        for version in cell["observed_on"]:
            made = found.setdefault(version, ReleaseRecord(version, line_of(file, version), DAY))
            made.cells[cell["feature"], cell["call"]] = values(cell)
    for behaviour in file.behaviour:
        for version in behaviour["observed_on"]:
            found[version].behaviour[behaviour["name"], behaviour["era"]] = tuple(
                behaviour["seen"][pair] for pair in PAIRS
            )
    return list(found.values())


def of(file: CapabilityFile, asked: tuple[str, str]) -> list[YamlEntry]:
    return [cell for cell in file.cells if (cell["feature"], cell["call"]) == asked]


def like(file: CapabilityFile, version: str, new: str) -> ReleaseRecord:
    """A record of release `new` with the behaviour of release `version`."""
    record = next(record for record in records(file) if record.version == version)
    record.version, record.line = new, line_of(file, version)
    return record


def changed(record: ReleaseRecord, asked: tuple[str, str], place: int, outcome: str) -> ReleaseRecord:
    record.cells[asked] = (*record.cells[asked][:place], outcome, *record.cells[asked][place + 1 :])
    record.evidence[asked] = "seen anew"
    return record


@pytest.mark.parametrize("package", PACKAGES)
def test_a_file_survives_reading_and_writing(package: str) -> None:
    assert capability_yaml.write(capability_yaml.read(stored(package))) == stored(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_repeated_measurement_changes_only_dates(package: str) -> None:
    file = capability_yaml.read(stored(package))
    written = capability_yaml.write(merge(file, records(file), WHO))
    again = capability_yaml.read(written)
    assert {cell["date"] for cell in [*again.cells, *again.behaviour]} == {DAY}
    assert again.measured_by == WHO
    old, new = stored(package).splitlines(), written.splitlines()
    assert [line for line in old if "date:" not in line and not line.startswith("measured_by:")] == [
        line for line in new if "date:" not in line and not line.startswith("measured_by:")
    ]


def test_without_measurements_the_file_is_unchanged() -> None:
    file = capability_yaml.read(stored("mcp"))
    assert capability_yaml.write(merge(file, [], file.measured_by)) == stored("mcp")


def test_a_newer_release_that_behaves_alike_widens_the_range() -> None:
    file = capability_yaml.read(stored("mcp"))
    newest = file.lines[-1]["newest"]
    found = merge(file, [like(file, newest, "2.99.0")], WHO)
    assert found.lines[-1]["newest"] == "2.99.0"
    assert [cell["releases"] for cell in found.cells] == [cell["releases"] for cell in file.cells]
    assert of(found, PROGRESS)[-1]["observed_on"][-1] == "2.99.0"
    assert of(found, PROGRESS)[-1]["evidence"] == of(file, PROGRESS)[-1]["evidence"]


def test_another_outcome_splits_the_range_at_the_first_release_with_it() -> None:
    file = capability_yaml.read(stored("mcp"))
    newest = file.lines[-1]["newest"]
    found = of(merge(file, [changed(like(file, newest, "2.99.0"), PROGRESS, 1, "hang")], WHO), PROGRESS)
    before, after = found[-2:]
    assert (before["releases"]["before"], after["releases"]["from"]) == ("2.99.0", "2.99.0")
    assert after["releases"]["before"] == file.lines[-1]["before"]
    because = "for legacy clients with stateful+json, the outcome changes from dropped to hang"
    assert before["changed"] == {"in": "2.99.0", "because": because}
    assert before["evidence"] == of(file, PROGRESS)[-1]["evidence"]
    assert (after["evidence"], after["sources"], after["observed_on"]) == ("seen anew", [SOURCE], ["2.99.0"])
    assert after["legacy"] == {**before["legacy"], "stateful+json": "hang"}


def test_a_change_for_modern_clients_only_is_reported() -> None:
    file = capability_yaml.read(stored("mcp"))
    newest = file.lines[-1]["newest"]
    found = of(merge(file, [changed(like(file, newest, "2.99.0"), PROGRESS, 4, "hang")], WHO), PROGRESS)
    because = "for modern clients with stateful+sse, the outcome changes from works to hang"
    assert found[-2]["changed"] == {"in": "2.99.0", "because": because}
    between_lines = next(change for change in found if change["releases"]["before"] == "2.0.0")
    assert "changed" not in between_lines  # the line says that modern clients were refused before


def test_a_correction_of_every_release_replaces_the_cell() -> None:
    file = capability_yaml.read(stored("mcp"))
    last = of(file, PROGRESS)[-1]
    again = [changed(like(file, version, version), PROGRESS, 1, "hang") for version in last["observed_on"]]
    found = of(merge(file, again, WHO), PROGRESS)
    assert [cell["releases"] for cell in found] == [cell["releases"] for cell in of(file, PROGRESS)]
    assert (found[-1]["legacy"]["stateful+json"], found[-1]["evidence"]) == ("hang", "seen anew")


def test_a_limit_written_by_hand_stays_if_no_measurement_contradicts_it() -> None:
    """A second measurement does not need to include the release of the change."""
    file = capability_yaml.read(stored("mcp"))
    for cell in of(file, PROGRESS):
        cell["observed_on"] = [version for version in cell["observed_on"] if version != "1.29.0"]
    found = of(merge(file, [like(file, "1.30.0", "1.30.0")], WHO), PROGRESS)
    assert [cell["releases"] for cell in found] == [cell["releases"] for cell in of(file, PROGRESS)]


def test_an_older_release_widens_its_line() -> None:
    file = capability_yaml.read(stored("mcp"))
    oldest = file.lines[0]["from"]
    found = merge(file, [like(file, oldest, "1.0.0")], WHO)
    assert found.lines[0]["from"] == "1.0.0"
    assert of(found, PROGRESS)[0]["releases"]["from"] == "1.0.0"
    assert of(found, PROGRESS)[0]["observed_on"][:2] == ["1.0.0", oldest]


def test_a_call_that_was_removed_ends_with_its_line() -> None:
    file = capability_yaml.read(stored("fastmcp"))
    last = of(merge(file, records(file), WHO), ("sampling", "ctx.sample"))[-1]
    assert last["releases"]["before"] == "4.0.0"


def test_behaviour_is_grouped_like_cells() -> None:
    file = CapabilityFile([], "mcp", capability_yaml.read(stored("mcp")).lines, [])
    same, other = ("a",) * 4, ("a", "b", "a", "b")
    made = [
        ReleaseRecord("1.28.1", "mcp-1", DAY, behaviour={("GET", "legacy"): same}),
        ReleaseRecord("1.30.0", "mcp-1", DAY, behaviour={("GET", "legacy"): same}),
        ReleaseRecord("2.3.0", "mcp-2", DAY, behaviour={("GET", "legacy"): other}),
    ]
    found = merge(file, made, WHO)
    assert [behaviour["observed_on"] for behaviour in found.behaviour] == [["1.28.1", "1.30.0"], ["2.3.0"]]
    assert [behaviour["releases"]["before"] for behaviour in found.behaviour] == ["2.0.0", "3.0.0"]
    again = capability_yaml.read(capability_yaml.write(found).replace("cells:\n", "cells: []\n", 1))
    assert again.behaviour == found.behaviour


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(rules_dir(), tmp_path / "rules"))


@pytest.fixture
def newer(copied: Path) -> Callable[[str], str]:
    """A function that adds a newer release with one changed outcome and returns the diff."""

    def make(outcome: str) -> str:
        file = capability_yaml.read(stored("mcp"))
        record = changed(like(file, file.lines[-1]["newest"], "2.99.0"), PROGRESS, 1, outcome)
        return capability_files.rewrite(copied, {"mcp": lambda file: merge(file, [record], WHO)})

    return make


def test_a_written_file_is_valid_and_its_diff_is_shown(copied: Path, newer: Callable[[str], str]) -> None:
    diff = newer("hang")
    cells = load(copied).capabilities
    last = next(cell for cell in cells if cell.package == "mcp").cells
    assert [cell.legacy["stateful+json"] for cell in last if (cell.feature, cell.call) == PROGRESS][-1] == "hang"
    assert '+    releases: {from: "2.99.0", before: "3.0.0"}\n' in diff
    assert diff.startswith("--- a/rules/capabilities/mcp.yaml\n+++ b/rules/capabilities/mcp.yaml\n")


def test_an_invalid_file_is_not_written(copied: Path, newer: Callable[[str], str]) -> None:
    with pytest.raises(KnowledgeError, match=r"rules/capabilities/mcp.yaml.*progress"):
        newer("sometimes")
    assert (copied / "capabilities" / "mcp.yaml").read_text(encoding="utf-8") == stored("mcp")
    assert sorted(path.name for path in (copied / "capabilities").iterdir()) == ["fastmcp.yaml", "mcp.yaml"]


def test_a_package_without_a_file_is_refused(copied: Path) -> None:
    with pytest.raises(UsageError, match="Measurements of nothing need this file"):
        capability_files.rewrite(copied, {"nothing": lambda file: file})
