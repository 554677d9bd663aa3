"""The complete kit of every kind of decision, over a covering of the decision space: each kit renders and parses.

Undefined variables in templates are errors (`StrictUndefined`), so rendering alone proves that each template gets
all variables that it reads.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from covering import KIND, PLATFORM, Coverer, Covering, combination_of

from advisor.decision.advisor import Advisor
from advisor.errors import UsageError
from advisor.kit.model import KitFile
from advisor.kit.render import render_kit
from advisor.kit.sync.kit_paths import is_inside
from advisor.requirements.hops import HOPS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest depends on it on this Python


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """Turn off the garbage collector: folds make millions of tuples and no cycles, and it takes half of the time."""
    gc.disable()
    yield
    gc.enable()
    gc.collect()


@pytest.mark.thorough
@pytest.mark.weekly
def test_every_pair_of_values_is_covered_or_proved_impossible(advisor: Advisor, tmp_path: Path) -> None:
    pairs = Coverer(advisor).cover_pairs()
    names = sorted(Coverer(advisor).domains)
    varied = {name for name in advisor.space.facts if len(advisor.space.domains[name]) > 1}
    assert varied - {HOPS} == set(names)
    covered = set()
    for decision in pairs.decisions:
        assert decision.feasible
        covered |= set(itertools.combinations([(name, decision.facts[name]) for name in names], 2))
    assert pairs.pairs <= covered | pairs.impossible
    assert not covered & pairs.impossible
    assert len(pairs.impossible) < len(pairs.pairs) / 100
    # A pair that is known to be impossible: these SDK lines do not support the modern era.
    assert (("clients.protocol", "modern"), ("sdk", "mcp>=1.30.0,<2.0.0")) in pairs.impossible
    assert Coverer(advisor).cover_pairs(most=20).cases == pairs.cases[:20]  # the covering is the same in every run
    assert_kits_render_and_parse(pairs, tmp_path)


@pytest.mark.thorough
def test_every_reachable_combination_is_covered(advisor: Advisor, tmp_path: Path) -> None:
    """All combinations of pattern, mechanism, SDK line, platform and proxy have a decision.

    The kits have every combination of two of them, and every pattern and mechanism with each value of the others.
    """
    combinations = Coverer(advisor).cover_combinations()
    assert {combination_of(advisor, decision) for decision in combinations.decisions} == combinations.combinations
    lines = {release.line.id for release in advisor.space.measured.values()}
    # Clients of an SDK line without the modern era cannot connect through a gateway that refuses legacy clients.
    everywhere = {
        (line, platform, kind)
        for line, platform, kind in itertools.product(
            lines, advisor.space.domains[PLATFORM], advisor.space.domains[KIND]
        )
        if advisor.knowledge.lines[line].serves_modern or advisor.knowledge.proxies[str(kind)].refuses != "legacy"
    }
    assert {combination[2:] for combination in combinations.combinations} == everywhere
    domains = advisor.space.domains
    assert {combination[0] for combination in combinations.combinations} == set(domains["pattern"]) - {"contradiction"}
    assert {combination[1] for combination in combinations.combinations} == set(domains["affinity.mechanism"])
    assert_kits_render_and_parse(with_every_pair(advisor, combinations), tmp_path)


def with_every_pair(advisor: Advisor, covering: Covering) -> Covering:
    """A part of a covering: all values of every two of the five facts, and of every three with pattern and mechanism.

    A kit depends on proxy and platform mostly through pattern and mechanism. The part has a seventh of the decisions.
    """
    seen: set[tuple[tuple[int, str], ...]] = set()
    part = Covering()
    for case, decision in zip(covering.cases, covering.decisions, strict=True):
        values = list(enumerate(combination_of(advisor, decision)))
        groups = set(itertools.combinations(values, 2)) | {(*values[:2], value) for value in values[2:]}
        if groups - seen:
            seen |= groups
            part.cases.append(case)
            part.decisions.append(decision)
    return part


def assert_kits_render_and_parse(covering: Covering, folder: Path) -> None:
    checked = Checked(folder)
    for case, decision in zip(covering.cases, covering.decisions, strict=True):
        requirements = yaml.dump(case, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))
        try:
            files = render_kit(decision, requirements)
        except UsageError as error:
            if "checks tokens" not in str(error):  # fastmcp before 2.13.0
                raise
            continue
        assert len({file.path for file in files}) == len(files)
        for file in files:
            try:
                checked.check(file)
            except Exception as error:
                raise AssertionError(f"{file.path} of {case}: {error}\n{file.content}") from error
    assert checked.kinds >= {".py", ".yaml", ".yml", ".toml", ".json"}
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F,E9", "--no-cache", "-q", str(folder)]
    linted = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout[:4000]


class Checked:
    """Parses each different text once, and collects the Python files for a linter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: set[bytes] = set()
        self.kinds: set[str] = set()

    def check(self, file: KitFile) -> None:
        """Fail if a file does not parse as the format of its name."""
        text = "\n".join(line for line in file.content.splitlines() if "Generated by mcp-advisor" not in line)
        known = hashlib.sha256(f"{file.path}\0{text}".encode()).digest()
        if known in self.seen:
            return
        self.seen.add(known)
        assert is_inside(file.path)
        assert file.content.endswith("\n")
        assert "{%" not in text
        suffix = Path(file.path).suffix
        self.kinds.add(suffix)
        match suffix:
            case ".py":
                _no_name_hidden(ast.parse(file.content))
                place = self.folder / known.hex()[:16]
                place.mkdir()
                (place / Path(file.path).name).write_text(file.content)
            case ".yaml" | ".yml":
                assert list(yaml.load_all(file.content, Loader=Strict)) != [None]
            case ".toml":
                tomllib.loads(file.content)
            case ".json":
                json.loads(file.content, object_pairs_hook=_without_twins)


def _no_name_hidden(tree: ast.Module) -> None:
    """Fail if two imports, classes or functions at the top level of a module have the same name."""
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names += [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [target.id for target in targets if isinstance(target, ast.Name)]
    twins = {name for name in names if names.count(name) > 1}
    assert not twins, f"hidden: {twins}"


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), [name for name, _ in pairs]
    return found


class Strict(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads YAML and refuses duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        own = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        assert len(own) == len(set(own)), f"a key stands twice among {own}"
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]
