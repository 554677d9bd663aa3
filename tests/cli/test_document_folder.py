"""The command `document` for a folder of requirements files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from example_files import EXAMPLES, change
from running import run_command

from advisor.team_documents.fleet import document_places
from advisor.team_documents.forms import DocumentForm

FILES = ("saas-b2b", "customer-service-agent", "sampling-on-a-stateless-fleet", "pattern-2-stateless-fleet")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four requirements files, one of them a contradiction, and a file of another kind."""
    monkeypatch.chdir(tmp_path)
    fleet = Path("fleet")
    (fleet / "eu").mkdir(parents=True)
    for name in FILES:
        shutil.copy(EXAMPLES / f"{name}.yaml", fleet / ("eu" if name == "saas-b2b" else "") / f"{name}.yaml")
    (fleet / "compose.yaml").write_text("services: {}\n", encoding="utf-8")
    return fleet


def document(*arguments: str | Path, code: int = 0) -> tuple[str, str]:
    done = run_command("document", *arguments)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def _rows(page: Path) -> list[list[str]]:
    lines = page.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")][1:]


def test_the_index_has_each_service_with_the_greatest_risk_first(folder: Path) -> None:
    document(folder, "-o", "out", "--format", "one-page", code=3)
    rows = _rows(Path("out/index.md"))
    assert [row[0] for row in rows] == ["document-processor", "tickets", "customer-service-agent", "public-tools"]
    assert rows[0][1] == "not possible"
    assert rows[1][1:4] == ["sticky-fleet", "stateful+sse", "-"]
    assert rows[1][-1] == "[eu/saas-b2b.yaml](eu/saas-b2b.md)"
    assert all(Path("out", row[-1].split("(")[1][:-1]).is_file() for row in rows)
    assert [int(row[4]) for row in rows[1:]] == sorted((int(row[4]) for row in rows[1:]), reverse=True)


@pytest.mark.parametrize("form", DocumentForm)
def test_a_document_of_a_folder_is_the_document_of_its_file(folder: Path, form: DocumentForm) -> None:
    (folder / "sampling-on-a-stateless-fleet.yaml").unlink()
    document(folder, "-o", "out", "--format", form.value)
    place = "out/eu/saas-b2b/" if form.is_record else f"out/eu/saas-b2b{form.suffix}"
    written = {path: path.read_bytes() for path in Path("out/eu").rglob("*") if path.is_file()}
    shutil.rmtree("out")
    document(folder / "eu" / "saas-b2b.yaml", "-o", place, "--format", form.value)
    assert written == {path: path.read_bytes() for path in Path("out/eu").rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", DocumentForm)
def test_a_check_names_each_document_that_differs(folder: Path, form: DocumentForm) -> None:
    document(folder, "-o", "out", "--format", form.value, code=3)
    assert document(folder, "--check", "out") == ("", "All documents in out are up to date.\n")
    change(folder / "customer-service-agent.yaml", "can_operate_affinity: false", "can_operate_affinity: true")
    shown = document(folder, "--check", "out", code=1)[0].splitlines()
    assert any("customer-service-agent" in line and "pattern changes from tiered" in line for line in shown)
    assert all("customer-service-agent" in line for line in shown[:-1])
    assert shown[-1] == f"out/index{form.suffix}: the list of services is out of date."
    document(folder, "-o", "out", "--format", form.value, code=3)
    assert document(folder, "--check", "out")[0] == ""
    (folder / "pattern-2-stateless-fleet.yaml").unlink()
    assert document(folder, "--check", "out", code=1)[0] == shown[-1] + "\n"
    shutil.copy(EXAMPLES / "payment-provider.yaml", folder)
    shutil.copy(EXAMPLES / "pattern-2-stateless-fleet.yaml", folder)
    place = "out/payment-provider/" if form.is_record else f"out/payment-provider{form.suffix}"
    missing = document(folder, "--check", "out", code=1)[0].splitlines()
    assert missing[0] == f"{place}: there is no such document about fleet/payment-provider.yaml."


def test_an_invalid_file_does_not_stop_the_others(folder: Path) -> None:
    broken = folder / "broken.yaml"
    broken.write_text("service: a\nscale: {instances: many}\n", encoding="utf-8")
    said = document(folder, "-o", "out", "--format", "one-page", code=2)[1]
    assert "fleet/broken.yaml" in said
    assert "4 documents (4 new)" in said
    page = Path("out/index.md").read_text(encoding="utf-8")
    assert "* `broken.yaml`: scale.instances:" in page
    assert [row[-1] for row in _rows(Path("out/index.md"))][1] == "`broken.yaml`"
    assert "fleet/broken.yaml" in document(folder, "--check", "out", code=2)[1]


def test_the_text_of_a_person_is_never_replaced(folder: Path) -> None:
    (folder / "sampling-on-a-stateless-fleet.yaml").unlink()
    document(folder, "-o", "out", "--format", "one-page")
    edited = Path("out/customer-service-agent.md")
    change(edited, "## Today", "Our words.\n\n## Today")
    change(Path("out/index.md"), "# Deployment decisions\n", "# Deployment decisions\n\nOur fleet.\n")
    Path("out/eu/saas-b2b.md").write_text("# Ours\n", encoding="utf-8")
    before = edited.read_bytes()
    change(folder / "customer-service-agent.yaml", "can_operate_affinity: false", "can_operate_affinity: true")
    said = document(folder, "-o", "out", "--format", "one-page", code=2)[1]
    assert "out/customer-service-agent.md has your edits" in said
    assert "out/eu/saas-b2b.md has no fingerprint" in said
    assert edited.read_bytes() == before
    assert Path("out/eu/saas-b2b.md").read_text(encoding="utf-8") == "# Ours\n"
    page = Path("out/index.md").read_text(encoding="utf-8")
    assert "Our fleet." in page
    assert "* `eu/saas-b2b.yaml`: out/eu/saas-b2b.md has no fingerprint" in page
    assert "[customer-service-agent.yaml](customer-service-agent.md)" in page


def test_a_page_of_a_person_is_no_index_page(folder: Path) -> None:
    (folder / "sampling-on-a-stateless-fleet.yaml").unlink()
    Path("out").mkdir()
    Path("out/index.md").write_text("# Ours\n", encoding="utf-8")
    assert "out/index.md has no list of services." in document(folder, "-o", "out", "--format", "one-page")[1]
    assert Path("out/index.md").read_text(encoding="utf-8") == "# Ours\n"
    document(folder, "--check", "out")


def test_hostile_names_stay_text(folder: Path) -> None:
    name = "a|b](http:x) <img> `c`*.yaml"
    shutil.copy(folder / "pattern-2-stateless-fleet.yaml", folder / name)
    document(folder, "-o", "out", "--format", "one-page", code=3)
    (line,) = [line for line in Path("out/index.md").read_text(encoding="utf-8").splitlines() if "%3Cimg%3E" in line]
    assert r"a\|b\](http\:x) \<img\>" in line
    assert line.count(" | ") == 7


def test_places_of_documents_are_different() -> None:
    assert document_places(["a.yaml", "eu/a.yaml", "eu/b.json"]) == {
        "a.yaml": "a",
        "eu/a.yaml": "eu/a",
        "eu/b.json": "eu/b",
    }
    hostile = ["a.yaml", "A.json", "a.yaml.yml", "index.yaml", "Index.json", "b.yaml", "c"]
    places = document_places(hostile)
    assert places == {**{file: file for file in hostile}, "b.yaml": "b"}


def test_wrong_usage(folder: Path) -> None:
    Path("file.md").write_text("x", encoding="utf-8")
    assert "is a file" in document(folder, "-o", "file.md", code=2)[1]
    assert "has no document" in document(folder, "--check", "nowhere", code=2)[1]
    assert "for a single service" in document(folder, "-o", "out", "--verification", "result.json", code=2)[1]
    Path("empty").mkdir()
    assert "no .yaml, .yml or .json file" in document("empty", "-o", "out", code=2)[1]
    Path("empty/a.yaml").write_text("a: 1\n", encoding="utf-8")
    assert "no file in this directory contains requirements" in document("empty", "-o", "out", code=2)[1]
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("field/go-replicas", "Python"),
        ("sampling-on-a-stateless-fleet", "No configuration keeps"),
        ("local-development", "developer's machine"),
    ],
)
def test_the_index_says_why_a_service_has_no_runbook(folder: Path, name: str, reason: str) -> None:
    (folder / "sampling-on-a-stateless-fleet.yaml").unlink()
    shutil.copy(EXAMPLES / f"{name}.yaml", folder / "other.yaml")
    code = 3 if name.startswith("sampling") else 0
    document(folder, "-o", "out", "--format", "runbook", code=code)
    index = Path("out/index.md").read_text(encoding="utf-8")
    assert Path("out/eu/saas-b2b.md").is_file()
    assert not Path("out/other.md").exists()
    assert [line for line in index.splitlines() if line.startswith("* `other.yaml`: ") and reason in line], index
    assert document(folder, "--check", "out")[0] == ""
