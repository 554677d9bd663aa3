"""The knowledge under rules/, loaded once per process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.engine.rules import Rule, RuleTable
from advisor.errors import KnowledgeError
from advisor.knowledge import cache
from advisor.knowledge.capabilities import Behaviour, Capabilities, CapabilityCell, SdkLine
from advisor.knowledge.catalogue import ClientApp, FlagUse, ProxyKind, SdkCode, Source
from advisor.knowledge.facts import Bin, Choice, Derived, DerivedCase, Fact, FactChange, OnlyWhen, Pick
from advisor.knowledge.features import Carriage, Documented, Feature, FeatureCall, Instead
from advisor.knowledge.paths import rules_dir

if TYPE_CHECKING:  # shapes of sections that few commands need are imported when such a section is built
    from advisor.knowledge.capacity import MeasuredCapacity, MemoryPlan
    from advisor.knowledge.conduct import Conduct
    from advisor.knowledge.failures import ExpectedBehaviour, FailureEvent
    from advisor.knowledge.kits import Floor, KitProxy, Mechanism
    from advisor.knowledge.topology import Way

_Data = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Knowledge:
    """Everything under rules/: lists in file order, and lookups by id. Each section is built when it is first read."""

    facts: dict[str, Fact]
    derived: list[Derived]
    features: dict[str, Feature]
    tables: dict[str, RuleTable]
    capabilities: list[Capabilities]
    sources: dict[str, Source]
    clients: dict[str, ClientApp]
    proxies: dict[str, ProxyKind]
    topology: dict[str, Way]
    flags: dict[str, FlagUse]
    memory: MemoryPlan
    capacity: dict[str, MeasuredCapacity]
    events: list[FailureEvent]
    promises: list[ExpectedBehaviour]
    conduct: list[Conduct]
    mechanisms: dict[str, Mechanism]
    kit_proxies: dict[str, KitProxy]
    sdks: dict[str, SdkCode]
    floors: dict[str, Floor]
    phrases: dict[str, str]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Build a section that `build` has only the data of."""
            if name not in _SECTIONS:
                raise AttributeError(name)
            value = self.__dict__[name] = _SECTIONS[name](self, self.__dict__["_data"][name])
            return value

    @cached_property
    def rules(self) -> dict[str, tuple[RuleTable, Rule]]:
        """Every rule by id, with the table that it stands in."""
        return {rule.id: (table, rule) for table in self.tables.values() for rule in table.rules}

    @cached_property
    def lines(self) -> dict[str, SdkLine]:
        """Every SDK line by id."""
        return {line.id: line for package in self.capabilities for line in package.lines}

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
    if isinstance(kept, dict) and kept.keys() >= _SECTIONS.keys():
        return build(kept)
    from advisor.knowledge.compiler import compile_rules  # pydantic: only when something changed

    data = compile_rules(root)
    cache.write(name, data)
    return build(data)


def build(data: _Data) -> Knowledge:
    """The knowledge over validated JSON data (of `compile_rules`)."""
    knowledge = object.__new__(Knowledge)
    knowledge.__dict__["_data"] = data
    return knowledge


def _by_id(shape: type, key: str = "id") -> Callable[[Knowledge, Any], dict[str, Any]]:
    return lambda knowledge, entries: {entry[key]: shape(**entry) for entry in entries}


def _tables(knowledge: Knowledge, entries: list[Any]) -> dict[str, RuleTable]:
    return {
        entry["table"]: RuleTable(**{**entry, "rules": [Rule(**rule) for rule in entry["rules"]]}) for entry in entries
    }


def _capabilities(knowledge: Knowledge, entries: list[Any]) -> list[Capabilities]:
    return [
        Capabilities(
            package=entry["package"],
            lines=[SdkLine(**line) for line in entry["lines"]],
            cells=[CapabilityCell(**cell) for cell in entry["cells"]],
            behaviour=[Behaviour(**row) for row in entry["behaviour"]],
            measured_by=entry["measured_by"],
        )
        for entry in entries
    ]


def _sources(knowledge: Knowledge, entries: list[Any]) -> dict[str, Source]:
    """The declared ones, and those that derive from measured rows."""
    from advisor.knowledge import capacity, topology

    return {
        **{entry["id"]: Source(**entry) for entry in entries},
        **{source.id: source for source in topology.sources(knowledge.topology.values(), knowledge.phrases)},
        **{source.id: source for source in capacity.sources(knowledge.capacity.values(), knowledge.phrases)},
    }


def _topology(knowledge: Knowledge, entries: list[Any]) -> dict[str, Way]:
    from advisor.knowledge.topology import way

    return {entry["id"]: way(entry) for entry in entries}


def _capacity(knowledge: Knowledge, entries: list[Any]) -> dict[str, MeasuredCapacity]:
    from advisor.knowledge.capacity import capacity

    return {entry["line"]: capacity(entry) for entry in entries}


def _memory(knowledge: Knowledge, entries: list[Any]) -> MemoryPlan:
    from advisor.knowledge.capacity import memory_plan

    return memory_plan(entries)


def _events(knowledge: Knowledge, entries: list[Any]) -> list[FailureEvent]:
    from advisor.knowledge.failures import FailureEvent

    return [FailureEvent(**entry) for entry in entries]


def _promises(knowledge: Knowledge, entries: list[Any]) -> list[ExpectedBehaviour]:
    from advisor.knowledge.failures import ExpectedBehaviour

    return [ExpectedBehaviour(**entry) for entry in entries]


def _conduct(knowledge: Knowledge, entries: list[Any]) -> list[Conduct]:
    from advisor.knowledge.conduct import Conduct

    return [Conduct(**entry) for entry in entries]


def _of_kits(shape: str) -> Callable[[Knowledge, Any], dict[str, Any]]:
    def section(knowledge: Knowledge, entries: list[Any]) -> dict[str, Any]:
        from advisor.knowledge import kits

        return _by_id(getattr(kits, shape))(knowledge, entries)

    return section


def _fact(entry: dict[str, Any]) -> Fact:
    nested = {
        "values": [Choice(**choice) for choice in entry["values"]],
        "bins": [Bin(**entry) for entry in entry["bins"]],
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
        "instead": [Instead(**choice) for choice in entry["instead"]],
        "documented": [Documented(**claim) for claim in entry["documented"]],
    }
    return Feature(**{**entry, **nested})


# How each section is built from its data; the knowledge is given too, as some sections derive from others.
_SECTIONS: dict[str, Callable[[Knowledge, Any], Any]] = {
    "facts": lambda knowledge, entries: {entry["id"]: _fact(entry) for entry in entries},
    "derived": lambda knowledge, entries: [_derived(entry) for entry in entries],
    "features": lambda knowledge, entries: {entry["id"]: _feature(entry) for entry in entries},
    "tables": _tables,
    "capabilities": _capabilities,
    "sources": _sources,
    "clients": _by_id(ClientApp),
    "proxies": _by_id(ProxyKind),
    "topology": _topology,
    "flags": _by_id(FlagUse),
    "memory": _memory,
    "capacity": _capacity,
    "events": _events,
    "promises": _promises,
    "conduct": _conduct,
    "mechanisms": _of_kits("Mechanism"),
    "kit_proxies": _of_kits("KitProxy"),
    "sdks": _by_id(SdkCode, "line"),
    "floors": _of_kits("Floor"),
    "phrases": lambda knowledge, entries: {entry["id"]: entry["text"] for entry in entries},
}
