"""The packages keep the import contracts, and the diagram in docs/architecture.md shows the real imports."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
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


def public_types(source: str) -> Iterator[str]:
    """Yield the names of the public classes, type aliases and type variables of a module."""
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names = [statement.target.id]
        elif isinstance(statement, ast.ClassDef):
            names = [statement.name]
        elif type(statement).__name__ == "TypeAlias":  # the statement `type`, since Python 3.12
            names = [statement.name.id]  # type: ignore[attr-defined]
        else:
            names = []
        yield from (name for name in names if re.match(r"[A-Z]\w*[a-z]", name))


def test_a_public_name_of_a_type_has_one_meaning() -> None:
    modules: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "advisor").rglob("*.py")):
        for name in public_types(path.read_text(encoding="utf-8")):
            modules[name].append(path.relative_to(ROOT).as_posix())
    assert len(modules) > 400
    assert {name: places for name, places in modules.items() if len(places) > 1} == {}


def test_the_names_of_types_include_aliases() -> None:
    source = """
class Kept: ...
Marked: TypeAlias = str
Plain = dict[str, int]
Made = NewType("Made", str)
_Private = str
LIMIT = 3
value = 3
"""
    assert list(public_types(source)) == ["Kept", "Marked", "Plain", "Made"]


# They make the record that the renderers of a kit take, and the expected failures of a kit.
READERS = ("context.py", "model.py", "rule_entries.py", "expected_failures.py")


def test_no_renderer_reads_the_knowledge_of_a_decision_or_a_kit() -> None:
    """A finished decision, and the context of a kit, have everything that a renderer shows."""
    modules = [path for name in ("report", "kit") for path in sorted((ROOT / "advisor" / name).rglob("*.py"))]
    found = [
        (path.relative_to(ROOT).as_posix(), ast.unparse(node))
        for path in modules
        if path.parent.name != "kit" or path.name not in READERS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "knowledge"
        if not re.search(r"\b_?space$", ast.unparse(node.value))  # the tables of the rules have no decision
    ]
    assert len(modules) > 40
    assert found == []
    templates = sorted((ROOT / "templates").rglob("*.j2"))
    read = [path.name for path in templates if re.search(r"\b(decision|kit)\.knowledge", path.read_text())]
    assert len(templates) > 40
    assert read == []


# Names of `advisor.knowledge` and `advisor.decision` that read the files of the rules.
LOADERS = {"load", "store", "compiler", "compile_rules", "default_advisor"}


def loading_imports(source: str) -> list[str]:
    """Return the imports of a module that give it a way to load the rules."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and re.match(r"advisor\.(knowledge|decision)\b", node.module or ""):
            names = {node.module.rpartition(".")[2], *(name.name for name in node.names)} if node.module else set()
        elif isinstance(node, ast.Import):
            modules = [name.name for name in node.names if re.match(r"advisor\.(knowledge|decision)\b", name.name)]
            names = {part for module in modules for part in module.split(".")}
            names |= {"load"} if "advisor.knowledge" in modules else set()
        else:
            continue
        if names & LOADERS:
            found.append(ast.unparse(node))
    return found


def test_no_renderer_loads_the_knowledge() -> None:
    """A command loads the rules and passes them on. A report or a part of a kit gets all that it shows as arguments."""
    package = ROOT / "advisor"
    modules = [path for name in ("report", "kit", "console") for path in sorted((package / name).rglob("*.py"))]
    modules += sorted(
        path for name in ("report", "document", "table") for path in (package / "lab").rglob(f"{name}.py")
    )
    found = {
        path.relative_to(ROOT).as_posix(): imports
        for path in modules
        if (imports := loading_imports(path.read_text(encoding="utf-8")))
    }
    assert len(modules) > 50
    assert found == {}


@pytest.mark.parametrize(
    "statement",
    [
        "from advisor.knowledge import load",
        "from advisor.knowledge import load as read_rules",
        "from advisor.knowledge.store import load",
        "from advisor.knowledge import Knowledge, store",
        "from advisor.decision.advisor import default_advisor",
        "import advisor.knowledge",
        "import advisor.knowledge.store as rules",
        "def inner():\n    from advisor.knowledge import load",
    ],
)
def test_each_way_to_load_the_knowledge_counts(statement: str) -> None:
    assert loading_imports(statement) != []


@pytest.mark.parametrize("statement", ["from advisor.knowledge import Knowledge", "import advisor.knowledge.types"])
def test_types_of_the_knowledge_do_not_load_it(statement: str) -> None:
    assert loading_imports(statement) == []
