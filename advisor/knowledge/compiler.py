"""Reads and validates the YAML files under rules/. The program imports this module only if the files changed.

pydantic validates each entry against the class of this package for the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from advisor.errors import KnowledgeError
from advisor.knowledge import (
    capacity,
    failure_causes,
    failures,
    finding_kinds,
    kits,
    probe,
    topology,
    trials,
    underlying,
)
from advisor.knowledge.shapes import SHAPES
from advisor.knowledge.store import Knowledge
from advisor.knowledge.types import ERAS, FLAG_PAIRS, flag_key

# The sections that the knowledge has as lookups by id.
_LISTS = ("derived", "defaults", "capabilities", "traits", "memory", "events", "implied_facts")
_LOOKUPS = SHAPES.keys() - {*_LISTS, "promises", "conduct", "replacements", "underlying"}
_SHARE = "Write a count and a total, for example 118 of 120"
_FLAG_KEYS = [flag_key(*pair) for pair in FLAG_PAIRS]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader of YAML, which also reports duplicate keys. Without this check, only the last value is kept."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of a node.

        Raises:
            ConstructorError: a key is duplicate.
        """
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key.value, str) and key.value in seen:
                problem = f"the key {key.value!r} is duplicate"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.update([key.value] if isinstance(key.value, str) else [])
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def compile_rules(root: Path) -> Knowledge:
    """Read all files under `root`. Tables have the order of their file names.

    Raises:
        KnowledgeError: a file is not YAML, or an entry is not valid. The message has the file and the key.
    """
    sections: dict[str, list[Any]] = {name: [] for name in SHAPES}
    for path in sorted(root.rglob("*.yaml")):
        name = path.relative_to(root).as_posix()
        content = _read(path, name)
        if name.startswith("tables/"):
            content = {"tables": [content]}
        elif name.startswith("capabilities/"):
            content = {"capabilities": [_spread(content, name)]}
        elif "traits" in content:
            content = _spread(content, name)
        elif "topology" in content:
            content["topology"] = _shares(content["topology"])
        for section, entries in content.items():
            if section not in SHAPES:
                raise KnowledgeError(f"rules/{name}: unknown section {section!r}. Sections: {', '.join(SHAPES)}")
            sections[section].extend(_validate(section, entries, name, root))
    _refuse_twins(sections)
    _refuse_strangers(sections)
    _refuse_foreign_values(sections)
    finding_kinds.refuse_unknown_conditions(sections["findings"], sections["observations"], sections["defaults"])
    probe.refuse_unknown_checks(sections)
    failure_causes.refuse_unknown_causes(sections)
    trials.refuse_unknown_trials(
        sections["trials"], sections["experiments"], {finding.id for finding in sections["findings"]}
    )
    return _knowledge(sections)


def _knowledge(sections: dict[str, list[Any]]) -> Knowledge:
    """Return the knowledge with lookups by id, the expanded value `sticky`, and the sources of measurements."""
    by_id: dict[str, Any] = {
        section: {_name(entry): entry for entry in entries} if section in _LOOKUPS else entries
        for section, entries in sections.items()
    }
    phrases = {phrase.id: phrase.text for phrase in sections["phrases"]}
    derived = [*topology.sources(sections["topology"], phrases), *capacity.sources(sections["capacity"], phrases)]
    sticky = [mechanism.id for mechanism in sections["mechanisms"] if mechanism.done_by != kits.SERVERS]
    promises = []
    for promise in sections["promises"]:
        keeping = [name for given in promise.keeping for name in (sticky if given == failures.STICKY else [given])]
        promises.append(replace(promise, keeping=keeping))
    return Knowledge(
        **{
            **by_id,
            "phrases": phrases,
            "sources": {**by_id["sources"], **{source.id: source for source in derived}},
            "memory": capacity.memory_plan(sections["memory"]),
            "capacity": underlying.with_limits(by_id["capacity"], sections["capabilities"], sections["underlying"]),
            "promises": promises,
        }
    )


def _refuse_twins(sections: dict[str, list[Any]]) -> None:
    """Raise an error if a section is empty, or if two entries of a section or two rules have the same id."""
    names = {section: [_name(entry) for entry in entries] for section, entries in sections.items()}
    names["facts"] += names.pop("derived")
    names["implied_facts"] = [f"{fact.id} {fact.when}" for fact in sections["implied_facts"]]
    names["defaults"] = [f"{entry.by} {entry.observation} {entry.since}" for entry in sections["defaults"]]
    names["traits"] = [f"{trait.package} {trait.name} {trait.start}" for trait in sections["traits"]]
    rules = [rule for table in sections["tables"] for rule in table.rules]
    names["rules"] = [name for rule in rules for name in (rule.id, *rule.other_ids)]
    for section, found in names.items():
        if not found:
            raise KnowledgeError(f"rules/: there are no {section}")
        if twins := sorted({name for name in found if found.count(name) > 1}):
            raise KnowledgeError(f"rules/: {section}: duplicate ids: {', '.join(twins)}")


def _refuse_strangers(sections: dict[str, list[Any]]) -> None:
    """Raise an error if an entry names a mechanism, a proxy or an SDK line that is not declared."""
    mechanisms = [entry.id for entry in sections["mechanisms"]]
    proxies = {entry.id: entry for entry in sections["kit_proxies"]}
    lines = [line.id for package in sections["capabilities"] for line in package.lines]
    keepings = {*failures.UNSTICKY, *mechanisms, failures.STICKY}
    fronts = {*proxies, failures.OTHER}

    def check(section: str, key: str, allowed: Iterable[str]) -> None:
        for entry in sections[section]:
            given = getattr(entry, key)
            for name in [given] if isinstance(given, str) else given:
                if name not in allowed:
                    raise KnowledgeError(f"rules/: {section} ({_name(entry)}), {key}: {name!r} is not declared")

    check("kit_proxies", "id", [entry.id for entry in sections["proxies"]])
    check("kit_fronts", "id", [entry.id for entry in sections["proxies"]])
    check("mechanisms", "done_by", {*proxies, *kits.OTHERS})
    check("mechanisms", "otherwise", {*mechanisms, ""})
    check("sdks", "line", lines)
    check("profiles", "like", lines)
    check("languages", "profile", [entry.id for entry in sections["profiles"]])
    check("topology", "mechanism", {*mechanisms, ""})
    check("topology", "proxy", [entry.id for entry in sections["proxies"]])
    check("promises", "keeping", keepings)
    check("promises", "proxies", fronts)
    check("conduct", "mechanisms", {*mechanisms, "none"})
    check("conduct", "proxies", fronts)
    for entry in sections["mechanisms"]:
        if entry.needs and (entry.done_by not in proxies or entry.needs not in proxies[entry.done_by].since):
            raise KnowledgeError(
                f"rules/: mechanisms ({entry.id}), needs: {entry.done_by} has no `since` for {entry.needs!r}"
            )


def _refuse_foreign_values(sections: dict[str, list[Any]]) -> None:
    """Raise an error if a fact implies, or has as a capability, a value that the other fact does not have."""
    facts_ = {fact.id: fact for fact in sections["facts"]}
    phrases = {phrase.id for phrase in sections["phrases"]}
    for fact in sections["facts"]:
        implied = [implied for choice in fact.values for implied in choice.implies]
        stated = [(fact.id, value) for value in fact.capability or ()]
        conditions = [rule.only_when for rule in implied if rule.only_when is not None]
        stated += [
            (only.fact, value) for only in conditions if not facts_[only.fact].values_from for value in only.any_of
        ]
        for name, value in stated + [(rule.fact, rule.value) for rule in implied]:
            allowed = [choice.value for choice in facts_[name].values] or [True, False] if name in facts_ else []
            if value not in allowed:
                raise KnowledgeError(f"rules/: facts ({fact.id}): {name} does not have the value {value!r}")
        if strange := [rule.because for rule in implied if rule.because not in phrases]:
            raise KnowledgeError(f"rules/: facts ({fact.id}), implies: {strange[0]!r} is not declared")


def _name(entry: Any) -> str:
    """Return the id or name of an entry, from the first key that the entry has; "" without such a key."""
    keys = ("id", "table", "package", "line", "call", "text")
    of = entry.get if isinstance(entry, dict) else lambda key: getattr(entry, key, "")
    return next((str(of(key)) for key in keys if of(key)), "")


def _read(path: Path, name: str) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 (a safe loader)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: UTF-8, or a date 2026-13-01
        raise KnowledgeError(f"rules/{name}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise KnowledgeError(f"rules/{name}: not a mapping")
    return content


@cache
def _adapter(section: str) -> TypeAdapter[Any]:
    """Return the validator of the entries of a section. To make the validator takes longer than to use it."""
    return TypeAdapter(SHAPES[section])


def _validate(section: str, entries: Any, name: str, root: Path) -> list[Any]:
    if not isinstance(entries, list):
        raise KnowledgeError(f"rules/{name}: {section} is not a list")
    adapter = _adapter(section)
    found = []
    for index, entry in enumerate(entries):
        try:
            found.append(adapter.validate_python(entry))
        except ValidationError as error:
            first = error.errors()[0]
            line = _line(root / name, (section, index, *first["loc"]))
            where = f"rules/{name}:{line}: {section}[{index}]{_called(entry, first['loc'])}"
            key = ".".join(str(part) for part in first["loc"])
            wrong = _SHARE if first.get("ctx", {}).get("class_name") == "Share" else first["msg"]
            raise KnowledgeError(f"{where}, {key}: {wrong} ({first['input']!r:.80})") from None
    return found


def _line(path: Path, place: tuple[int | str, ...]) -> int:
    """Return the line of an entry, or of the nearest part of `place` in the file."""
    node = yaml.compose(path.read_bytes(), Loader=_Loader)
    line = 0
    if path.parent.name in ("tables", "capabilities"):
        place = place[2:]  # The entry is the file itself.
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            pair = node.value[part], node.value[part]
        else:
            pair = None
        if pair is not None:  # The path of pydantic also contains the names of types.
            line, node = pair[0].start_mark.line, pair[1]
    return line + 1


def _called(entry: Any, place: tuple[int | str, ...] = ()) -> str:
    """Return the ids of the entries around an error, the outermost first, as ` (session, SES-300)`."""
    names = [_name(entry)]
    for part in place:
        try:
            entry = entry[part]
        except (LookupError, TypeError):  # The path of pydantic also contains the names of types.
            continue
        names.append(_name(entry))
    found = [name for name in names if name]
    return f" ({', '.join(found)})" if found else ""


def _shares(ways: Any) -> Any:
    """Replace each `118 of 120` by its parts, in place. Other values stay, and the validation reports them."""
    for way in _mappings(ways):
        figures = _mappings([run.get("figures") for run in _mappings(way.get("runs"))])
        for part in _mappings([way.get("window"), *(taken for figure in figures for taken in figure.values())]):
            part.update({key: found for key, text in part.items() if (found := topology.share(text))})
    return ways


def _mappings(entries: Any) -> list[dict[str, Any]]:
    """Return the mappings in a list; an empty list if `entries` is not a list."""
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _spread(content: dict[str, Any], name: str) -> dict[str, Any]:
    """Expand the short forms of a file: `from`, `releases`, and one value for all four flag pairs."""
    for section, spread in _SPREADS.items():
        entries = content.get(section)
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            try:
                spread(entry)
            except (KeyError, TypeError, AttributeError) as error:
                what = (
                    f"lacks {error}" if isinstance(error, KeyError) else "does not have the form of the other entries"
                )
                raise KnowledgeError(f"rules/{name}: capabilities.{section}[{index}]{_called(entry)} {what}") from None
    return content


def _spread_line(line: dict[str, Any]) -> None:
    line["start"] = line.pop("from")


def _spread_cell(cell: dict[str, Any]) -> None:
    releases = cell.pop("releases")
    cell["start"], cell["before"] = releases["from"], releases["before"]
    for era in ERAS:
        outcomes = cell[era]
        # The lookup of each pair makes a missing pair an error.
        cell[era] = {pair: outcomes if isinstance(outcomes, str) else outcomes[pair] for pair in _FLAG_KEYS}


def _spread_trait(trait: dict[str, Any]) -> None:
    releases = trait.pop("releases")
    trait["start"], trait["before"] = releases["from"], releases["before"]


def _spread_behaviour(row: dict[str, Any]) -> None:
    releases, seen = row.pop("releases"), row["seen"]
    row["start"], row["before"] = releases["from"], releases["before"]
    row["seen"] = {pair: seen if isinstance(seen, str) else seen[pair] for pair in _FLAG_KEYS}


_SPREADS: dict[str, Callable[[dict[str, Any]], None]] = {
    "lines": _spread_line,
    "cells": _spread_cell,
    "behaviour": _spread_behaviour,
    "traits": _spread_trait,
}
