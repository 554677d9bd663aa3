"""Each finding in rules/findings hits its example of a fault, and does not hit its example without the fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.audits.server_code import findings
from advisor.knowledge import Knowledge, load
from advisor.sources.python import scan
from advisor.triage import TriageOrder, triaged

KINDS = sorted(kind.id for kind in load().findings.values() if kind.subject == "code")


def example(name: str, which: str, knowledge: Knowledge) -> str:
    return next(files["server.py"] for kind, files in knowledge.findings[name].examples if kind == which)


def found(code: str, folder: Path, knowledge: Knowledge) -> set[str]:
    (folder / "server.py").write_text(code, encoding="utf-8")
    tree = scan(folder, knowledge)
    order = TriageOrder(folder, knowledge.findings)
    report = triaged(findings(tree, knowledge), tree.examined, tree.not_examined, order, knowledge)
    return {each.finding.id for each in report.findings}


@pytest.mark.parametrize("name", KINDS)
def test_a_finding_hits_its_example(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    assert name in found(example(name, "hit", knowledge), tmp_path, knowledge)


@pytest.mark.parametrize("name", KINDS)
def test_a_finding_misses_the_example_without_the_fault(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    code = example(name, "miss", knowledge)
    assert name not in found(code, tmp_path, knowledge)
    assert scan(tmp_path, knowledge).servers, "the example has a server"


@pytest.mark.parametrize("name", KINDS)
def test_the_examples_are_python(name: str, knowledge: Knowledge) -> None:
    for code in (example(name, "hit", knowledge), example(name, "miss", knowledge)):
        compile(code, name, "exec", dont_inherit=True)


def test_the_words_of_each_finding_have_sources(knowledge: Knowledge) -> None:
    for kind in knowledge.findings.values():
        assert set(kind.sources) <= knowledge.sources.keys(), kind.id
    for default in knowledge.defaults:
        assert set(default.sources) <= knowledge.sources.keys(), default.observation
