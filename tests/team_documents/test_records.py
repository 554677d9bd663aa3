"""A folder of records: numbers, an index, superseded records, and texts of people that stay."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from example_files import EXAMPLES, change, copied_example
from running import run_command

from advisor.team_documents.front_matter import read_front_matter
from advisor.team_documents.records import INDEX


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return copied_example(tmp_path)


def write(file: Path, *options: str | Path, code: int = 0) -> str:
    done = run_command("document", file, "-o", f"{file.parent}/records/", "--date", "2026-11-29", *options)
    assert done.returncode == code, done.stderr.decode()
    return done.stderr.decode()


def names(file: Path) -> list[str]:
    return sorted(path.name for path in (file.parent / "records").iterdir())


def status(path: Path) -> str:
    return str(read_front_matter(path.read_text(encoding="utf-8"))["status"])


FIRST = "0001-deploy-customer-service-agent-as-tiered.md"
SECOND = "0002-deploy-customer-service-agent-as-sticky-fleet.md"


def test_a_changed_decision_supersedes_the_record(file: Path) -> None:
    folder = file.parent / "records"
    write(file)
    assert names(file) == [FIRST, INDEX]
    change(file, "can_operate_affinity: false", "can_operate_affinity: true")
    write(file)
    assert names(file) == [FIRST, SECOND, INDEX]
    old, new = ((folder / name).read_text(encoding="utf-8") for name in (FIRST, SECOND))
    assert old.split("\n")[1] == 'status: "superseded by 0002"'
    assert f"This record supersedes [0001]({FIRST})." in new
    index = (folder / INDEX).read_text(encoding="utf-8")
    assert f"| [0001]({FIRST})" in index
    assert "superseded by 0002" in index
    assert f"| [0002]({SECOND})" in index


def test_an_unchanged_decision_writes_nothing(file: Path) -> None:
    folder = file.parent / "records"
    write(file)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    said = write(file, "--date", "2026-12-24")
    assert before == {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert "is up to date" in said


def test_a_superseded_record_keeps_every_line_of_a_person(file: Path) -> None:
    path = file.parent / "records" / FIRST
    write(file, "--decision-makers", "Ada")
    change(path, "## Decision Drivers", "A note of the team.\n\n## Decision Drivers")
    change(path, 'status: "accepted"', "status: 'accepted'\nticket: A-1 # ours")
    before = path.read_text(encoding="utf-8").split("\n")
    change(file, "can_operate_affinity: false", "can_operate_affinity: true")
    write(file)
    after = path.read_text(encoding="utf-8").split("\n")
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [("status: 'accepted'", 'status: "superseded by 0002"')]


def test_a_rejected_record_keeps_its_status(file: Path) -> None:
    path = file.parent / "records" / FIRST
    write(file)
    change(path, 'status: "accepted"', "status: rejected")
    change(file, "can_operate_affinity: false", "can_operate_affinity: true")
    write(file)
    assert status(path) == "rejected"


def test_other_facts_change_an_unedited_record_and_its_people_stay(file: Path) -> None:
    path = file.parent / "records" / FIRST
    write(file)
    change(path, "date: 2026-11-29", "date: 2026-11-29\ninformed: [everyone]")
    change(file, "concurrent: 1200", "concurrent: 1300")
    write(file)
    text = path.read_text(encoding="utf-8")
    assert names(file) == [FIRST, INDEX]
    assert "1300" in text
    assert "informed: [everyone]" in text


def test_other_facts_leave_an_edited_record_and_say_so(file: Path) -> None:
    path = file.parent / "records" / FIRST
    write(file)
    change(path, "## Decision Drivers", "A note of the team.\n\n## Decision Drivers")
    before = path.read_bytes()
    change(file, "concurrent: 1200", "concurrent: 1300")
    said = write(file, code=1)
    assert path.read_bytes() == before
    assert "has your edits" in said
    assert "1300" in (path.parent / f"{FIRST}.new").read_text(encoding="utf-8")
    assert names(file) == [FIRST, f"{FIRST}.new", INDEX]


def test_a_run_completes_what_a_killed_run_left(file: Path) -> None:
    folder = file.parent / "records"
    write(file)
    change(file, "can_operate_affinity: false", "can_operate_affinity: true")
    write(file)
    change(folder / FIRST, '"superseded by 0002"', '"accepted"')
    (folder / INDEX).unlink()
    write(file)
    assert status(folder / FIRST) == "superseded by 0002"
    assert (folder / INDEX).is_file()


def test_the_records_of_several_services_share_a_folder(file: Path) -> None:
    write(file)
    shutil.copy(EXAMPLES / "sampling-on-a-stateless-fleet.yaml", file)
    write(file, code=3)
    assert names(file) == [FIRST, "0002-resolve-document-processor.md", INDEX]
    assert status(file.parent / "records" / FIRST) == "accepted"


def test_an_index_of_a_person_stays(file: Path) -> None:
    folder = file.parent / "records"
    folder.mkdir()
    (folder / INDEX).write_text("# Ours\n", encoding="utf-8")
    assert "has no list of records" in write(file)
    assert (folder / INDEX).read_text(encoding="utf-8") == "# Ours\n"


def test_texts_around_the_list_and_records_of_people_stay(file: Path) -> None:
    folder = file.parent / "records"
    write(file)
    (folder / "0007-use a | pipe.md").write_text("# Use a | pipe\n\nWe do.\n", encoding="utf-8")
    change(folder / INDEX, "# Decision records", "# Ours\n\nText.")
    change(file, "can_operate_affinity: false", "can_operate_affinity: true")
    write(file)
    index = (folder / INDEX).read_text(encoding="utf-8")
    assert index.startswith("# Ours\n\nText.\n")
    assert "[0007](0007-use%20a%20%7C%20pipe.md)" in index
    assert "Use a \\| pipe" in index
    assert "0008-deploy-customer-service-agent-as-sticky-fleet.md" in names(file)
