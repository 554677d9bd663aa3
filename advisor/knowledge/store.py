"""The knowledge under rules/, loaded once per process."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.engine.rules import Rule, RuleTable
from advisor.errors import KnowledgeError
from advisor.files import reason
from advisor.knowledge import cache
from advisor.knowledge.capabilities import Capabilities, SdkLine
from advisor.knowledge.capacity import MeasuredCapacity, MemoryPlan
from advisor.knowledge.catalogue import ClientApp, FlagUse, ProxyKind, SdkCode, Source
from advisor.knowledge.facts import Derived, Fact
from advisor.knowledge.features import Feature
from advisor.knowledge.paths import rules_dir

if TYPE_CHECKING:
    from advisor.knowledge.conduct import Conduct
    from advisor.knowledge.failures import ExpectedBehaviour, FailureEvent
    from advisor.knowledge.kits import Floor, KitProxy, Mechanism
    from advisor.knowledge.topology import Way

# What a recommendation does not need; the cache keeps it apart, and its shapes are imported when it is asked for.
_RARE = ("topology", "events", "promises", "conduct", "mechanisms", "kit_proxies", "floors")


@dataclass(frozen=True)
class Knowledge:
    """Everything under rules/: lists in file order, and lookups by id (`capacity` and `sdks` by SDK line)."""

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

    def __getstate__(self) -> dict[str, Any]:
        """For the cache: what is rare as a pickle in the pickle."""
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        rare = pickle.dumps({name: state.pop(name) for name in _RARE}, pickle.HIGHEST_PROTOCOL)
        return {**state, "_rare": rare}

    if not TYPE_CHECKING:  # a type checker would take every name for known

        def __getattr__(self, name: str) -> Any:
            """Called for what is not there: what is rare, when it was read from the cache and is needed after all."""
            if name not in _RARE:
                raise AttributeError(name)
            vars(self).update(pickle.loads(vars(self).pop("_rare")))  # noqa: S301 (from a file of this user)
            return vars(self)[name]

    @cached_property
    def rules(self) -> dict[str, tuple[RuleTable, Rule]]:
        """Every rule by id, with the table that it stands in."""
        return {rule.id: (table, rule) for table in self.tables.values() for rule in table.rules}

    @cached_property
    def lines(self) -> dict[str, SdkLine]:
        """Every SDK line by id."""
        return {line.id: line for package in self.capabilities for line in package.lines}

    def table_of_role(self, role: str) -> RuleTable:
        """The table with this role (`cell` or `finding`)."""
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
        raise KnowledgeError(f"rules/: {error.filename}: {reason(error)}") from None
    kept = cache.read(name)
    if isinstance(kept, Knowledge):
        return kept
    from advisor.knowledge.compiler import compile_rules  # pydantic: only when something changed

    knowledge = compile_rules(root)
    cache.write(name, knowledge)
    return knowledge
