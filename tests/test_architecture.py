"""The packages keep the import contracts, and the diagram in docs/architecture.md shows the real imports."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from docs.imports import arrows, reduced, with_diagram

ROOT = Path(__file__).parents[1]


def test_the_import_contracts_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    status = lint_imports(config_filename="pyproject.toml", cache_dir=None)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_no_packages_import_each_other_in_a_circle() -> None:
    found = arrows()

    def beyond(package: str, seen: frozenset[str] = frozenset()) -> set[str]:
        targets = found.get(package, set()) - seen
        return targets.union(*(beyond(target, seen | targets) for target in targets))

    assert [package for package in found if package in beyond(package)] == []


def test_the_diagram_shows_the_imports() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert page == with_diagram(page), "docs/architecture.md is out of date. Run: python -m docs.generate"


def test_the_diagram_omits_only_imports_that_a_longer_path_implies() -> None:
    assert reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}
