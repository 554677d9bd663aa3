"""Applies a remedy of a contradiction to the stated facts. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from advisor.knowledge.facts import Fact
from advisor.knowledge.types import Raw
from advisor.questionnaire.questions import TOOLS, Answer
from advisor.requirements.edits import edits
from advisor.requirements.model import Requirements, Tool

_ENTRY = re.compile(r"(?P<list>.+)\[(?P<index>\d+)\](?:\.(?P<key>.+))?")


def remedied(
    stated: Answer, requirements: Requirements, change: Mapping[str, Raw], facts: Mapping[str, Fact]
) -> Answer:
    """Return the stated facts after a change.

    Args:
        stated: the facts in the file, with `tools`.
        requirements: the requirements of the file.
        change: from the id of a fact to its new value.
        facts: the facts of rules/facts.yaml, by id.
    """
    values: dict[str, Any] = dict(stated)
    lists: dict[str, list[Any]] = {}
    for key, value in edits(requirements, change, facts).items():
        entry = _ENTRY.fullmatch(key)
        if entry is None:
            values = {name: held for name, held in values.items() if name != key}
            values |= {} if value is None else {key: value}
            continue
        entries = lists.setdefault(entry["list"], list(values[entry["list"]]))
        index = int(entry["index"])
        entries[index] = _edited(entries[index], entry["key"], value)
    return values | {name: _present(name, entries) for name, entries in lists.items()}


def _edited(entry: Any, key: str | None, value: Raw) -> Any:
    """Return a tool or a hop with another value for `key`, or None without `key`."""
    if key is None:
        return None
    if isinstance(entry, Tool):
        if key == "duration_s":
            return entry._replace(duration_s=value)
        needs = {**entry.needs, key.removeprefix("needs."): value}
        return entry._replace(needs={feature: level for feature, level in needs.items() if level != "none"})
    return {name: held for name, held in {**entry, key: value}.items() if held is not None}


def _present(name: str, entries: list[Any]) -> Any:
    present = [entry for entry in entries if entry is not None]
    return tuple(present) if name == TOOLS else present
