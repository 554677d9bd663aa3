"""Each finding in rules/findings hits its example of a fault, and does not hit its example without the fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.audits.server_code import findings
from advisor.knowledge import Knowledge, load
from advisor.sources.code_scan import scan
from advisor.triage import TriageOrder, triaged

CASES = [
    pytest.param(kind.id, name, text, id=f"{kind.id}-{name.rpartition('.')[2]}-{which}-{number}")
    for kind in load().findings.values()
    if kind.subject == "code"
    for number, (which, files) in enumerate(kind.examples)
    for name, text in files.items()
]
HITS = [case for case in CASES if "-hit-" in str(case.id)]
MISSES = [case for case in CASES if "-miss-" in str(case.id)]
PYTHON = [case for case in CASES if case.values[1] == "server.py"]


def found(name: str, code: str, folder: Path, knowledge: Knowledge) -> set[str]:
    (folder / name).write_text(code, encoding="utf-8")
    tree = scan(folder, knowledge)
    assert tree.servers, "the example has a server"
    order = TriageOrder(folder, knowledge.findings)
    report = triaged(findings(tree, knowledge), tree.examined, tree.not_examined, order, knowledge)
    return {each.finding.id for each in report.findings}


@pytest.mark.parametrize(("kind", "name", "code"), HITS)
def test_a_finding_hits_its_example(kind: str, name: str, code: str, tmp_path: Path, knowledge: Knowledge) -> None:
    assert kind in found(name, code, tmp_path, knowledge)


@pytest.mark.parametrize(("kind", "name", "code"), MISSES)
def test_a_finding_misses_the_example_without_the_fault(
    kind: str, name: str, code: str, tmp_path: Path, knowledge: Knowledge
) -> None:
    assert kind not in found(name, code, tmp_path, knowledge)


@pytest.mark.parametrize(("kind", "name", "code"), PYTHON)
def test_the_examples_are_python(kind: str, name: str, code: str) -> None:
    compile(code, name, "exec", dont_inherit=True)


def test_the_words_of_each_finding_have_sources(knowledge: Knowledge) -> None:
    for kind in knowledge.findings.values():
        assert set(kind.sources) <= knowledge.sources.keys(), kind.id
    for default in knowledge.defaults:
        assert set(default.sources) <= knowledge.sources.keys(), default.observation
