"""Finds the key that a person meant: the full path of a key, a key of a section, or a key with a typing error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from advisor.knowledge.facts import Fact
from advisor.knowledge.space import FactSpace
from advisor.requirements import text
from advisor.sentences import listed

_ALIKE = 0.8  # the least similarity of a key and a known key, from 0 to 1
# Sections whose names, with small differences, are also keys of Compose files, Helm values and CI configurations.
_COMMON = {"environment", "tools"}


def unknown_key(path: Sequence[Any], value: Any, allowed: Sequence[str], space: FactSpace, *, full: bool) -> str:
    """Return the hint for an unknown key: the key that was meant, and the allowed keys.

    Args:
        path: the path of the key in the file, as sections, the indexes of lists, and the key.
        value: the value of the key.
        allowed: the keys that the section allows.
        space: the known facts.
        full: whether the hint names a key of the same section by its full path.
    """
    typed = str(path[-1])
    if not all(isinstance(part, str) for part in path):  # the keys of a list have no other place
        return text.suggestion(typed, allowed, "Allowed here")
    section = "".join(f"{part}." for part in path[:-1]) if full else ""
    found = _full_paths(typed, value, space)
    here = [name for name in found if name.rpartition(".")[0] == ".".join(path[:-1])]
    found = here or found
    hint = f"Did you mean {listed(map(repr, found), 'or')}?" if found else ""
    hint = hint or text.nearest(typed, (), {key: f"{section}{key}" for key in allowed})
    hint = hint or text.nearest(typed, (), {name.rpartition(".")[2]: name for name in space.facts if "." in name})
    return f"{hint} Allowed here: {', '.join(allowed)}.".strip()


def _full_paths(typed: str, value: Any, space: FactSpace) -> list[str]:
    """Return the full paths of the facts whose last key is `typed`, or that a section `typed` has for this value."""
    found = [name for name, fact in space.facts.items() if typed in fact.also]
    found += [name for name in space.facts if "." in name and name.rpartition(".")[2] == typed]
    if found or isinstance(value, (dict, list)):
        return found if len(found) <= text.FEW else []
    sections = {name.rpartition(".")[0] for name in space.facts}
    inner = sorted(section for section in sections if "." in section and section.rpartition(".")[2] == typed)
    return [key for section in inner if (key := _key_for(section, value, space))]


def value_of_a_section(section: str, value: Any, space: FactSpace) -> str:
    """Return the key of a section that a person meant with this value; "" if no key or several keys are possible.

    Only this key allows the value (`Did you mean 'environment.proxy.kind'?`), or the value is the key, or only this key
    allows a similar value.
    """
    key = _key_for(section, value, space)
    if key or not isinstance(value, str):
        return f"Did you mean {key!r}?" if key else ""
    facts = {name: fact for name, fact in space.facts.items() if name.rpartition(".")[0] == section}
    if f"{section}.{value}" in facts:
        return f"Did you mean '{section}.{value}'?"
    similar = []
    for name, fact in facts.items():
        if fact.type in ("choice", "apps") and (names := [known for known in _named(fact, space) if value in known]):
            meant = f"Did you mean {listed(map(repr, names), 'or')}?" if len(names) <= text.FEW else ""
            similar.append(f"The key {name!r} has similar values. {meant}".strip())
    return similar[0] if len(similar) == 1 else ""


def _named(fact: Fact, space: FactSpace) -> Iterable[str]:
    """Return the names that a choice or a list of client applications allows."""
    return space.knowledge.clients if fact.type == "apps" else map(str, space.choices(fact))


def _key_for(section: str, value: Any, space: FactSpace) -> str:
    """Return the only key of a section, or else of the sections in it, that allows a value; "" without such a key."""
    below = [(name, fact) for name, fact in space.facts.items() if name.startswith(f"{section}.")]
    choices = [(name, {*space.choices(fact), *space.also(fact)}) for name, fact in below if fact.type == "choice"]
    found = [name for name, values in choices if isinstance(value, str) and value.lower() in values]
    found = [name for name in found if name.rpartition(".")[0] == section] or found
    return found[0] if len(found) == 1 else ""


def is_misspelled(data: Mapping[Any, Any], version: int, space: FactSpace) -> bool:
    """Return whether a mapping looks like requirements whose keys have typing errors, such as `servce: orders`.

    Each key is known or almost known, or the file also states the version of requirements files. The value has the
    shape of the known key, so that `services` of a Compose file is no typing error.
    """
    almost = [key for key, value in data.items() if _almost(key, value, space)]
    others = [key for key in data if key not in almost and key not in space.tree and key != "version"]
    states = type(data.get("version")) is int and data["version"] == version
    return bool(almost) and (states or not others)


def _almost(key: Any, value: Any, space: FactSpace) -> bool:
    if not isinstance(key, str) or key in space.tree or key == "version":
        return False
    for known, branch in space.tree.items():
        same_shape = isinstance(value, dict) == isinstance(branch, dict) and not isinstance(value, list)
        if known not in _COMMON and same_shape and SequenceMatcher(None, key.lower(), known).ratio() >= _ALIKE:
            return True
    return False
