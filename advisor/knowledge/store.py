"""The knowledge under rules/, loaded once per process."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from advisor.errors import KnowledgeError
from advisor.knowledge import behaviour, cache, capacity, conduct, failures, topology, types
from advisor.knowledge.paths import rules_dir


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything under rules/: lists in file order, and lookups by id."""

    facts: dict[str, types.Fact]
    derived: list[types.Derived]
    features: dict[str, types.Feature]
    tables: dict[str, types.Table]
    capabilities: list[types.Capabilities]
    sources: dict[str, types.Source]
    clients: dict[str, types.Client]
    proxies: dict[str, types.Proxy]
    topology: dict[str, topology.Way]
    flags: dict[str, types.FlagUse]
    capacity: dict[str, capacity.Capacity]
    events: list[failures.Event]
    promises: list[failures.Promise]
    conduct: list[conduct.Conduct]
    snippets: dict[str, types.Snippet]
    phrases: dict[str, str]

    @property
    def rules(self) -> dict[str, tuple[types.Table, types.Rule]]:
        """Every rule by id, with the table that it stands in."""
        return {rule.id: (table, rule) for table in self.tables.values() for rule in table.rules}

    def table_of_role(self, role: str) -> types.Table:
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
            entry["table"]: types.Table(**{**entry, "rules": [types.Rule(**rule) for rule in entry["rules"]]})
            for entry in data["tables"]
        },
        capabilities=[
            types.Capabilities(
                package=entry["package"],
                lines=[types.Line(**line) for line in entry["lines"]],
                cells=[types.Cell(**cell) for cell in entry["cells"]],
                behaviour=[behaviour.Behaviour(**one) for one in entry["behaviour"]],
                measured_by=entry["measured_by"],
            )
            for entry in data["capabilities"]
        ],
        sources={
            **{entry["id"]: types.Source(**entry) for entry in data["sources"]},
            **{source.id: source for source in topology.sources(ways.values(), phrases)},
            **{source.id: source for source in capacity.sources(carried.values(), phrases)},
        },
        clients={entry["id"]: types.Client(**entry) for entry in data["clients"]},
        proxies={entry["id"]: types.Proxy(**entry) for entry in data["proxies"]},
        topology=ways,
        flags={entry["id"]: types.FlagUse(**entry) for entry in data["flags"]},
        capacity=carried,
        events=[failures.Event(**entry) for entry in data["events"]],
        promises=[failures.Promise(**entry) for entry in data["promises"]],
        conduct=[conduct.Conduct(**entry) for entry in data["conduct"]],
        snippets={entry["line"]: types.Snippet(**entry) for entry in data["snippets"]},
        phrases=phrases,
    )


def _fact(entry: dict[str, Any]) -> types.Fact:
    nested = {
        "values": [types.Choice(**choice) for choice in entry["values"]],
        "bins": [types.Bin(**one) for one in entry["bins"]],
        "only_when": entry["only_when"] and types.OnlyWhen(**entry["only_when"]),
        "change": entry["change"] and types.Change(**entry["change"]),
    }
    return types.Fact(**{**entry, **nested})


def _derived(entry: dict[str, Any]) -> types.Derived:
    pick = entry["pick"]
    if pick is not None:
        pick = types.Pick(by=pick["by"], cases=[types.Case(**case) for case in pick["cases"]])
    return types.Derived(**{**entry, "pick": pick})


def _feature(entry: dict[str, Any]) -> types.Feature:
    calls = [
        types.Call(
            call=call["call"],
            legacy=call["legacy"] and types.Carriage(**call["legacy"]),
            modern=call["modern"] and types.Carriage(**call["modern"]),
            partial=call["partial"],
        )
        for call in entry["calls"]
    ]
    nested = {
        "calls": calls,
        "instead": [types.Instead(**one) for one in entry["instead"]],
        "documented": [types.Documented(**one) for one in entry["documented"]],
    }
    return types.Feature(**{**entry, **nested})
