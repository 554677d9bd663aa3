"""The knowledge under rules/, loaded once per process."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from advisor.engine.rules import Rule, RuleTable
from advisor.errors import KnowledgeError
from advisor.knowledge import behaviour, cache, capacity, conduct, failures, topology
from advisor.knowledge.capabilities import Capabilities, CapabilityCell, SdkLine
from advisor.knowledge.catalogue import ClientApp, FlagUse, ProxyKind, Snippet, Source
from advisor.knowledge.facts import Bin, Choice, Derived, DerivedCase, Fact, FactChange, OnlyWhen, Pick
from advisor.knowledge.features import Carriage, Documented, Feature, FeatureCall, Instead
from advisor.knowledge.paths import rules_dir


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything under rules/: lists in file order, and lookups by id."""

    facts: dict[str, Fact]
    derived: list[Derived]
    features: dict[str, Feature]
    tables: dict[str, RuleTable]
    capabilities: list[Capabilities]
    sources: dict[str, Source]
    clients: dict[str, ClientApp]
    proxies: dict[str, ProxyKind]
    topology: dict[str, topology.Way]
    flags: dict[str, FlagUse]
    memory: capacity.MemoryPlan  # before the field that takes the name of the module
    capacity: dict[str, capacity.MeasuredCapacity]
    events: list[failures.FailureEvent]
    promises: list[failures.ExpectedBehaviour]
    conduct: list[conduct.Conduct]
    snippets: dict[str, Snippet]
    phrases: dict[str, str]

    @property
    def rules(self) -> dict[str, tuple[RuleTable, Rule]]:
        """Every rule by id, with the table that it stands in."""
        return {rule.id: (table, rule) for table in self.tables.values() for rule in table.rules}

    def table_of_role(self, role: str) -> RuleTable:
        """The one table with this role (`cell` or `finding`)."""
        found = next((table for table in self.tables.values() if table.role == role), None)
        if found is None:
            raise KnowledgeError(f"no table has the role {role!r}")
        return found


def load(root: Path | None = None) -> Knowledge:
    """The knowledge under `root` (default: the program's own), from the cache when nothing changed.

    Raises:
        KnowledgeError: a file under `root` is not valid.
    """
    return _load(root or rules_dir())


@lru_cache(maxsize=4)
def _load(root: Path) -> Knowledge:
    try:
        name = cache.fingerprint(root)
    except OSError as error:
        raise KnowledgeError(f"rules/: {error}") from None
    kept = cache.read(name)
    if kept is not None:
        with contextlib.suppress(LookupError, TypeError, AttributeError):  # JSON, but not what was written there
            return build(kept)
    from advisor.knowledge.compiler import compile_rules  # pydantic: only when something changed

    data = compile_rules(root)
    cache.write(name, data)
    return build(data)


def build(data: dict[str, list[dict[str, Any]]]) -> Knowledge:
    """Turn validated JSON data (of `compile_rules`) into the dataclasses; measured rows become sources too."""
    phrases = {entry["id"]: entry["text"] for entry in data["phrases"]}
    ways = {entry["id"]: topology.way(entry) for entry in data["topology"]}
    carried = {entry["line"]: capacity.capacity(entry) for entry in data["capacity"]}
    return Knowledge(
        facts={entry["id"]: _fact(entry) for entry in data["facts"]},
        derived=[_derived(entry) for entry in data["derived"]],
        features={entry["id"]: _feature(entry) for entry in data["features"]},
        tables={
            entry["table"]: RuleTable(**{**entry, "rules": [Rule(**rule) for rule in entry["rules"]]})
            for entry in data["tables"]
        },
        capabilities=[
            Capabilities(
                package=entry["package"],
                lines=[SdkLine(**line) for line in entry["lines"]],
                cells=[CapabilityCell(**cell) for cell in entry["cells"]],
                behaviour=[behaviour.Behaviour(**one) for one in entry["behaviour"]],
                measured_by=entry["measured_by"],
            )
            for entry in data["capabilities"]
        ],
        sources={
            **{entry["id"]: Source(**entry) for entry in data["sources"]},
            **{source.id: source for source in topology.sources(ways.values(), phrases)},
            **{source.id: source for source in capacity.sources(carried.values(), phrases)},
        },
        clients={entry["id"]: ClientApp(**entry) for entry in data["clients"]},
        proxies={entry["id"]: ProxyKind(**entry) for entry in data["proxies"]},
        topology=ways,
        flags={entry["id"]: FlagUse(**entry) for entry in data["flags"]},
        capacity=carried,
        memory=capacity.memory_plan(data["memory"]),
        events=[failures.FailureEvent(**entry) for entry in data["events"]],
        promises=[failures.ExpectedBehaviour(**entry) for entry in data["promises"]],
        conduct=[conduct.Conduct(**entry) for entry in data["conduct"]],
        snippets={entry["line"]: Snippet(**entry) for entry in data["snippets"]},
        phrases=phrases,
    )


def _fact(entry: dict[str, Any]) -> Fact:
    nested = {
        "values": [Choice(**choice) for choice in entry["values"]],
        "bins": [Bin(**one) for one in entry["bins"]],
        "only_when": entry["only_when"] and OnlyWhen(**entry["only_when"]),
        "change": entry["change"] and FactChange(**entry["change"]),
    }
    return Fact(**{**entry, **nested})


def _derived(entry: dict[str, Any]) -> Derived:
    pick = entry["pick"]
    if pick is not None:
        pick = Pick(by=pick["by"], cases=[DerivedCase(**case) for case in pick["cases"]])
    return Derived(**{**entry, "pick": pick})


def _feature(entry: dict[str, Any]) -> Feature:
    calls = [
        FeatureCall(
            call=call["call"],
            legacy=call["legacy"] and Carriage(**call["legacy"]),
            modern=call["modern"] and Carriage(**call["modern"]),
            partial=call["partial"],
        )
        for call in entry["calls"]
    ]
    nested = {
        "calls": calls,
        "instead": [Instead(**one) for one in entry["instead"]],
        "documented": [Documented(**one) for one in entry["documented"]],
    }
    return Feature(**{**entry, **nested})
