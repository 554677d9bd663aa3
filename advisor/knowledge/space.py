"""The fact space: every fact's finite domain, and how a value of the requirements file falls into it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from advisor.engine.rules import Value
from advisor.knowledge.facts import Bin, Fact, OnlyWhen
from advisor.knowledge.releases import Release, find_release, release_ranges
from advisor.knowledge.store import Knowledge
from advisor.knowledge.types import NEEDS, Raw
from advisor.knowledge.versions import key

UNKNOWN = "unknown"
_ANY = ("any",)


class FactSpace:
    """Domains and binning of every fact, from the knowledge.

    Attributes:
        facts: every fact of the requirements file by id, the needs among them.
        releases: the SDK releases by the value that stands for them in rules.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        """Build the space of `knowledge`."""
        self.knowledge = knowledge
        self.facts: dict[str, Fact] = {name: fact for name, fact in knowledge.facts.items() if name != "needs"}
        self.facts |= need_facts(knowledge)
        self.releases: dict[str, Release] = {release.id: release for release in release_ranges(knowledge.capabilities)}
        self._named: dict[str, Release | None] = {}

    @cached_property
    def domains(self) -> dict[str, tuple[Value, ...]]:
        """The values of every fact, in order; a fact that no rule can read has the only value `any`."""
        domains = {name: self._domain(fact) for name, fact in self.facts.items()}
        for derived in self.knowledge.derived:
            domains[derived.id] = tuple(derived.values) or NEEDS
        for table in self.knowledge.tables.values():
            domains.update({name: tuple(values) for name, values in table.outputs.items()})
        return domains

    @cached_property
    def tree(self) -> dict[str, Any]:
        """The facts as the nested mapping that a requirements file is; the leaves are `Fact`."""
        tree: dict[str, Any] = {}
        for name, fact in self.facts.items():
            *sections, key_ = name.split(".")
            branch = tree
            for section in sections:
                branch = branch.setdefault(section, {})
            branch[key_] = fact
        return tree

    @cached_property
    def conditional(self) -> tuple[tuple[str, OnlyWhen, Value], ...]:
        """The facts that mean something only for some values of another, and what counts where they do not."""
        found = [(name, fact, fact.only_when) for name, fact in self.facts.items()]
        return tuple((name, only, self.bin(name, fact.default)) for name, fact, only in found if only is not None)

    def _domain(self, fact: Fact) -> tuple[Value, ...]:
        match fact.type:
            case "choice":
                return tuple(self.choices(fact))
            case "flag":
                return (True, False, UNKNOWN) if fact.unknown else (True, False)
            case "need":
                return NEEDS
            case "release":
                return tuple(self.releases)
            case "hosts" | "apps" | "tools":
                return ("none", "some")
            case "name" | "origins":
                return _ANY
            case _:
                bins = tuple(found.bin for found in fact.bins) or _ANY
                return (*bins, UNKNOWN) if fact.bins and fact.default is None else bins

    def choices(self, fact: Fact) -> list[str]:
        """The values of a choice, as the requirements file writes them."""
        return (
            list(self.knowledge.proxies) if fact.values_from == "proxies" else [choice.value for choice in fact.values]
        )

    def release(self, text: str) -> Release | None:
        """The range of releases that a line (`mcp-2`) or an exact release (`mcp==1.28.1`) names, or None."""
        if text not in self._named:
            if len(self._named) > 1000:  # a caller with arbitrary texts must not fill the memory
                self._named.clear()
            self._named[text] = find_release(text, list(self.releases.values()))
        return self._named[text]

    def bin(self, name: str, raw: Raw) -> Value:
        """The value of the domain that a validated value of the requirements file falls into."""
        fact = self.facts[name]
        match fact.type:
            case "release":
                release = self.release(raw)
                assert release is not None, f"unvalidated release {raw!r}"
                return release.id
            case "hosts" | "apps" | "tools":
                return "some" if raw else "none"
            case "name" | "origins":
                return _ANY[0]
            case "choice" | "flag" | "need":
                value: Value = raw
                return value
            case _:
                return _bin_number(fact.bins, raw)

    def typical(self, name: str, value: Value) -> Raw:
        """A value of the requirements file that falls into `value`, to show a change by."""
        fact = self.facts[name]
        if fact.type == "release":
            return self.releases[str(value)].exact
        for found in fact.bins:
            if found.bin == value:
                return found.typical
        return None if fact.bins and value == UNKNOWN else value


def _bin_number(bins: Sequence[Bin], raw: Any) -> Value:
    if not bins:
        return _ANY[0]
    if raw is None:
        return UNKNOWN
    number = raw["max"] if isinstance(raw, dict) else raw
    for found in bins:
        if found.at_most is not None and number <= found.at_most:
            return found.bin
        if found.below is not None and key(number) < key(found.below):
            return found.bin
    return bins[-1].bin


def need_facts(knowledge: Knowledge) -> dict[str, Fact]:
    """The needs, a fact for each feature that can be needed, after the pattern of the fact `needs`."""
    pattern = knowledge.facts["needs"]
    return {
        f"needs.{feature.id}": pattern._replace(
            id=f"needs.{feature.id}", question=feature.question, why=feature.why, help=feature.help
        )
        for feature in knowledge.features.values()
        if feature.need
    }
