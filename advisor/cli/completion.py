"""The words that a shell completes: the names that the rules declare, and parts of a kit.

Each function takes the beginning of a word and returns the words that begin so. The shell completes file names itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from advisor.engine.table import show
from advisor.kit.kit_parts import KIT_PARTS
from advisor.knowledge import load
from advisor.knowledge.space import FactSpace
from advisor.knowledge.versions import key
from advisor.report.rule_records import Catalogue


def complete_word(incomplete: str) -> list[str]:
    """Complete a word that `explain` knows."""
    return _beginning(Catalogue(FactSpace(load()), {}).names(), incomplete)


def complete_id(incomplete: str) -> list[str]:
    """Complete the id of a rule, table, fact, feature or source."""
    ids = Catalogue(FactSpace(load()), {}).ids()
    return _beginning((name for names in ids.values() for name in names), incomplete)


def complete_fact(incomplete: str) -> list[str]:
    """Complete a fact and, after `=`, its last value, such as `sdk=mcp-1,mcp-2`."""
    space = FactSpace(load())
    name, equals, values = incomplete.partition("=")
    if not equals:
        return [f"{fact}=" for fact in _beginning(space.facts, name)]
    if name not in space.facts:
        return []
    before, comma, last = values.rpartition(",")
    known = _releases() if space.facts[name].type == "release" else map(show, space.domains[name])
    lines = [line.id for capabilities in load().capabilities for line in capabilities.lines] if name == "sdk" else []
    return [f"{name}={before}{comma}{value}" for value in _beginning([*lines, *known], last)]


def complete_table(incomplete: str) -> list[str]:
    """Complete the name of a decision table."""
    return _beginning(load().tables, incomplete)


def complete_feature(incomplete: str) -> list[str]:
    """Complete a feature of the protocol."""
    return _beginning(load().features, incomplete)


def complete_package(incomplete: str) -> list[str]:
    """Complete the package of an SDK."""
    return _beginning((capabilities.package for capabilities in load().capabilities), incomplete)


def complete_sdk(incomplete: str) -> list[str]:
    """Complete an SDK line or a measured release, such as `mcp-2` or `mcp==2.3.0`."""
    lines = [line.id for capabilities in load().capabilities for line in capabilities.lines]
    return _beginning([*lines, *_releases()], incomplete)


def complete_release(incomplete: str) -> list[str]:
    """Complete a measured release, such as `mcp==2.3.0`."""
    return _beginning(_releases(), incomplete)


def complete_event(incomplete: str) -> list[str]:
    """Complete an event that `verify` injects."""
    return _beginning((event.id for event in load().events), incomplete)


def complete_proxy(incomplete: str) -> list[str]:
    """Complete a proxy that `verify` runs."""
    return _beginning([*load().kit_proxies, "none"], incomplete)


def complete_setup(incomplete: str) -> list[str]:
    """Complete the id of a load-balancing strategy."""
    return _beginning(load().topology, incomplete)


def complete_parts(incomplete: str) -> list[str]:
    """Complete the last part of a kit in a list with commas."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{part}" for part in _beginning(KIT_PARTS, last)]


def _releases() -> list[str]:
    return [
        f"{capabilities.package}=={version}"
        for capabilities in load().capabilities
        for version in sorted({seen for cell in capabilities.cells for seen in cell.observed_on}, key=key)
    ]


def _beginning(words: Iterable[str], start: str) -> list[str]:
    return [word for word in dict.fromkeys(words) if word.startswith(start)]
