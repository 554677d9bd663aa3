"""The fact space: the finite domain of each fact, and the conversion of values of the requirements file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from advisor.engine.rules import Value
from advisor.knowledge.capabilities import Capabilities
from advisor.knowledge.facts import Bin, Fact, Implied, OnlyWhen
from advisor.knowledge.releases import Release, find_release, release_ranges
from advisor.knowledge.servers import OTHER, assumed, release_of
from advisor.knowledge.store import Knowledge
from advisor.knowledge.types import NEEDS, Raw
from advisor.knowledge.unable import unable_values
from advisor.knowledge.versions import key, parse

UNKNOWN = "unknown"
_ANY = ("any",)
ENDPOINT = "/mcp"
"""The path of the MCP endpoint of an SDK server."""

SERVER_PORT = 8000
"""The port of an SDK server by default, and of an instance in a container."""

PATHS = ("plain", "slash", "prefix")
"""The kinds of a path: the path of the SDK, this path with a slash at the end, and any other path."""


class FactSpace:
    """The domains and the bins of all facts.

    Attributes:
        facts: the facts of the requirements file by id, including the needs.
        measured: the SDK release ranges with measurements, by their value in rules.
        releases: `measured`, and servers whose features are assumed (rules/servers.yaml).
        capabilities: the measured and the assumed capability data.
        alike: for each of `releases`, the range whose feature table applies to it.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        """Create the fact space of `knowledge`."""
        self.knowledge = knowledge
        self.facts: dict[str, Fact] = {name: fact for name, fact in knowledge.facts.items() if name != "needs"}
        self.facts |= need_facts(knowledge)
        measured = release_ranges(knowledge.capabilities, knowledge.capacity)
        self.measured: dict[str, Release] = {release.id: release for release in measured}
        self.releases = dict(self.measured)
        ranges = list(self.measured.values())
        self.capabilities: list[Capabilities] = [*knowledge.capabilities]
        for profile in knowledge.profiles.values():
            data = assumed(profile, knowledge.capabilities)
            if data is not None:
                self.capabilities.append(data)
                self.releases[profile.id] = release_of(profile, data)
        self.alike = {name: name for name in self.releases} | {
            name: found.id
            for name, release in self.releases.items()
            if release.kind != "python" and not knowledge.profiles[name].stateless
            if (found := find_release(knowledge.profiles[name].like, ranges))
        }
        self._named: dict[str, Release | None] = {}

    @cached_property
    def domains(self) -> dict[str, tuple[Value, ...]]:
        """The values of each fact, in order. A fact that rules cannot use has only the value `any`."""
        domains = {name: self._domain(fact) for name, fact in self.facts.items()}
        for derived in self.knowledge.derived:
            domains[derived.id] = tuple(derived.values) or self._values_of(derived.values_of)
        for table in self.knowledge.tables.values():
            domains.update({name: tuple(values) for name, values in table.outputs.items()})
        return domains

    def _values_of(self, values_of: str) -> tuple[Value, ...]:
        if values_of == "releases":
            return tuple(self.releases)
        return unable_values(self.knowledge.clients.values()) if values_of else NEEDS

    @cached_property
    def tree(self) -> dict[str, Any]:
        """The facts as a nested mapping, as in a requirements file. The leaves are `Fact`."""
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
        """The facts with a condition on another fact: (fact, condition, value without this condition)."""
        found = [(name, fact, fact.only_when) for name, fact in self.facts.items()]
        return tuple((name, only, self.bin(name, fact.default)) for name, fact, only in found if only is not None)

    @cached_property
    def computed(self) -> tuple[tuple[str, str, Any], ...]:
        """The derived facts: (fact, computation, value of the key of this computation)."""
        return tuple((fact.id, fact.computation, getattr(fact, fact.computation)) for fact in self.knowledge.derived)

    @cached_property
    def implied(self) -> tuple[tuple[str, Value, Implied], ...]:
        """The values of choices that imply values of other facts: (fact, value, implied)."""
        choices = [(name, choice) for name, fact in self.facts.items() for choice in fact.values]
        return tuple((name, choice.value, implied) for name, choice in choices for implied in choice.implies)

    def implications(self, values: Mapping[str, Any]) -> dict[str, Implied]:
        """Return what `values` imply: from the id of a fact to the implication that decides its value.

        Args:
            values: a value for every fact, as in the requirements file or as the rules see it.
        """
        return {
            implied.fact: implied
            for name, value, implied in self.implied
            if values[name] == value and holds(implied.only_when, values)
        }

    @cached_property
    def bound(self) -> tuple[tuple[str, Fact, OnlyWhen], ...]:
        """The facts that the file can state only with certain values of another fact: (id, fact, condition)."""
        return tuple((name, fact, fact.only_with) for name, fact in self.facts.items() if fact.only_with is not None)

    def _domain(self, fact: Fact) -> tuple[Value, ...]:
        match fact.type:
            case "choice":
                return tuple(self.choices(fact))
            case "flag":
                return (True, False, UNKNOWN) if fact.unknown else (True, False)
            case "need":
                return NEEDS
            case "release":
                return tuple(name for name, release in self.releases.items() if release.kind in ("python", OTHER))
            case "hosts" | "origins" | "apps" | "tools" | "hops":
                return ("none", "some")
            case "path":
                return PATHS
            case "name":
                return _ANY
            case _:
                bins = tuple(found.bin for found in fact.bins) or _ANY
                return (*bins, UNKNOWN) if fact.bins and fact.default is None else bins

    def choices(self, fact: Fact) -> list[str]:
        """Return the values of a choice, as in the requirements file."""
        if fact.values_from:
            return list(self.knowledge.proxies if fact.values_from == "proxies" else self.knowledge.languages)
        return [choice.value for choice in fact.values]

    def also(self, fact: Fact) -> dict[str, str]:
        """Return other names that people use for the values of a choice or of client applications, with the values."""
        entries: Iterable[tuple[str, tuple[str, ...]]] = [(choice.value, choice.also) for choice in fact.values]
        if fact.type == "apps":
            entries = [(app.id, app.also) for app in self.knowledge.clients.values()]
        elif fact.values_from == "proxies":
            entries = [(proxy.id, proxy.also) for proxy in self.knowledge.proxies.values()]
        elif fact.values_from:
            entries = [(language.id, language.also) for language in self.knowledge.languages.values()]
        return {name: value for value, names in entries for name in names}

    def release(self, text: str) -> Release | None:
        """Return the release range of an SDK line (`mcp-2`), of a release (`mcp==1.28.1`) or of `other`, or None.

        A release before the measured ranges has the oldest range of its package. Only HTTP+SSE accepts such a release.
        """
        if text not in self._named:
            if len(self._named) > 1000:  # limits the memory if a caller passes many different texts
                self._named.clear()
            self._named[text] = self.known_release(text) or self._oldest(text)
        return self._named[text]

    def known_release(self, text: str) -> Release | None:
        """Return the release range of an SDK line or of a release; None outside of the measured ranges."""
        return self.releases.get(OTHER) if text == OTHER else find_release(text, list(self.measured.values()))

    def _oldest(self, text: str) -> Release | None:
        """Return the oldest release range of a package, for a release before this range."""
        package, _, version = text.partition("==")
        oldest = next((release for release in self.measured.values() if release.package == package), None)
        return oldest if oldest and parse(version) is not None and key(version) < key(oldest.start) else None

    def bin(self, name: str, raw: Raw) -> Value:
        """Return the value of the domain for a validated value of the requirements file."""
        fact = self.facts[name]
        match fact.type:
            case "release":
                release = self.release(raw)
                assert release is not None, f"unvalidated release {raw!r}"
                return release.id
            case "hosts" | "origins" | "apps" | "tools" | "hops":
                return "some" if raw else "none"
            case "path":
                return _bin_path(raw)
            case "name":
                return _ANY[0]
            case "choice" | "flag" | "need":
                value: Value = raw
                return value
            case _:
                return _bin_number(fact.bins, raw)

    def typical(self, name: str, value: Value) -> Raw:
        """Return a typical value of the requirements file for `value`, to show a change. None if there is none."""
        fact = self.facts[name]
        if fact.type == "release":
            return self.releases[str(value)].exact
        if fact.type == "path":
            return {"plain": ENDPOINT, "slash": f"{ENDPOINT}/", "prefix": f"/tools{ENDPOINT}"}[str(value)]
        for found in fact.bins:
            if found.bin == value:
                return found.typical
        return None if value in _ANY or (fact.bins and value == UNKNOWN) else value


def holds(only: OnlyWhen | None, values: Mapping[str, Any]) -> bool:
    """Return whether a condition is true of `values`. No condition is always true."""
    return only is None or values[only.fact] in only.any_of


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


def _bin_path(path: str) -> str:
    if path.rstrip("/") != ENDPOINT:
        return "prefix"
    return "plain" if path == ENDPOINT else "slash"


def need_facts(knowledge: Knowledge) -> dict[str, Fact]:
    """Return a fact for each feature that can be needed, made from the fact `needs`."""
    pattern = knowledge.facts["needs"]
    return {
        f"needs.{feature.id}": pattern._replace(
            id=f"needs.{feature.id}", question=feature.question, why=feature.why, help=feature.help
        )
        for feature in knowledge.features.values()
        if feature.need
    }
