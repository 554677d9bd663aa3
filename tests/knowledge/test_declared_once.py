"""Mechanisms, proxies of kits and SDK lines are declared only in rules/. The code reads their properties there."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import advisor
from advisor.knowledge import Knowledge
from advisor.knowledge.paths import templates_dir

PACKAGE = Path(advisor.__file__).parent
READERS = PACKAGE / "sources" / "proxies"
"""Each reader reads the configuration of its own proxy."""
PROXY_REGISTRIES = {
    "lab/fleet/front.py",  # the program of the template that replaces the load balancer of a platform
    "lab/process/programs.py",  # how to install and to find each program
}


def _texts(path: Path) -> Iterator[str]:
    """The string constants of a module without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def test_no_module_names_a_mechanism_or_a_line(knowledge: Knowledge) -> None:
    names = {*knowledge.mechanisms, *knowledge.lines}
    found = [
        (path.relative_to(PACKAGE).as_posix(), text)
        for path in sorted(PACKAGE.rglob("*.py"))
        for text in _texts(path)
        if text in names
    ]
    assert found == []


def test_no_module_names_a_proxy(knowledge: Knowledge) -> None:
    names = {*knowledge.kit_proxies, *(way.program for way in knowledge.topology.values())}
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if READERS not in path.parents
        for text in _texts(path)
        if text in names
    }
    assert found == PROXY_REGISTRIES


def test_no_template_names_a_mechanism_or_a_line(knowledge: Knowledge) -> None:
    names = "|".join(map(re.escape, [*knowledge.mechanisms, *knowledge.lines]))
    pattern = re.compile(rf"(?<![\w-])(?:{names})(?![\w-])")
    found = [path.name for path in sorted(templates_dir().rglob("*.j2")) if pattern.search(path.read_text())]
    assert found == []


def test_every_name_in_decisions_is_declared(knowledge: Knowledge) -> None:
    (decided,) = (derived.values for derived in knowledge.derived if derived.id == "affinity.mechanism")
    assert decided == ("none", *(name for name in decided if name in knowledge.mechanisms))
    assert set(decided) == {"none", *knowledge.mechanisms}


def test_facts_distinguish_the_releases_that_proxies_need(knowledge: Knowledge) -> None:
    bounds = {found.below for found in knowledge.facts["environment.proxy.version"].bins if found.below}
    assert knowledge.kit_proxies["nginx"].since["sticky"] in bounds


def test_every_declared_part_of_a_kit_has_its_templates(knowledge: Knowledge) -> None:
    folder = templates_dir() / "kit"
    for proxy in knowledge.kit_proxies.values():
        assert [name for name in proxy.files if not (folder / "proxy" / f"{name}.j2").is_file()] == []
    for sdk in knowledge.sdks.values():
        assert (folder / "server/lines" / f"{sdk.template}.j2").is_file()
    assert set(knowledge.sdks) == set(knowledge.lines)


def test_the_calls_of_a_line_are_measured_for_its_eras(knowledge: Knowledge) -> None:
    cells = {(cell.feature, cell.call) for package in knowledge.capabilities for cell in package.cells}
    for sdk in knowledge.sdks.values():
        for feature, calls in sdk.calls.items():
            assert tuple(calls) == knowledge.lines[sdk.line].eras, (sdk.line, feature)
            assert {(feature, call) for call in calls.values()} <= cells


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("mechanisms.yaml", "done_by: haproxy", "done_by: squid", "mechanisms (haproxy-stick-table), done_by: 'squid'"),
        ("mechanisms.yaml", "needs: sticky", "needs: glue", "mechanisms (nginx-sticky-learn), needs: nginx has no"),
        ("kit_proxies.yaml", "id: envoy", "id: envoi", "kit_proxies (envoi), id: 'envoi' is not declared"),
        ("sdks.yaml", "line: mcp-2", "line: mcp-9", "sdks (mcp-9), line: 'mcp-9' is not declared"),
        ("conduct.yaml", "[redis-session-directory]", "[memcached]", "mechanisms: 'memcached' is not declared"),
        ("failures.yaml", "[nginx-ip-hash, ", "[ip-hash, ", "keeping: 'ip-hash' is not declared"),
        (
            "facts.yaml",
            "value: false, because: adapter.sse}]",
            "value: never, because: adapter.sse}]",
            "not have the value 'never'",
        ),
        ("facts.yaml", "because: adapter.sse", "because: adapter.sss", "implies: 'adapter.sss' is not declared"),
        (
            "facts.yaml",
            "having: redis",
            "having: memcached",
            "operations.shared_store does not have the value 'memcached'",
        ),
        ("topology.yaml", "mechanism: nginx-ip-hash", "mechanism: hash", "mechanism: 'hash' is not declared"),
    ],
)
def test_a_name_that_nothing_declares_is_refused(
    broken: Callable[[str, str, str], str], name: str, old: str, new: str, said: str
) -> None:
    assert said in broken(name, old, new)
