"""Whether the conditions of a finding hold for a request path."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from advisor.audits.path_fact import PathFact

Lookup: TypeAlias = Callable[[str], PathFact | None]
"""Returns the value of a name such as `route.buffering`; None if it is not known."""


def endpoint_lookup(seen: Mapping[str, Any]) -> Lookup:
    """Return the look-up of the observations of a live endpoint, by their name with the part `endpoint`."""

    def look_up(name: str) -> PathFact | None:
        value = seen.get(name.removeprefix("endpoint."))
        return None if value is None else PathFact(tuple(value) if isinstance(value, list) else value)

    return look_up


def holding(conditions: Mapping[str, Any], lookup: Lookup) -> list[tuple[str, PathFact]] | None:
    """Return the known values that the conditions are about, in their order; None if a condition does not hold."""
    found = []
    for name, condition in conditions.items():
        fact = lookup(name)
        if not _holds(condition, fact, lookup):
            return None
        if fact is not None:
            found.append((name, fact))
    return found


def _holds(condition: Any, fact: PathFact | None, lookup: Lookup) -> bool:
    """Return whether a condition holds. A value that is not known, or dynamic, only fulfils conditions on `stated`."""
    forms = condition if isinstance(condition, dict) else {"in": [condition]}
    is_stated = fact is not None and not fact.default_of
    if "stated" in forms and forms["stated"] is not is_stated:
        return False
    others = {form: wanted for form, wanted in forms.items() if form != "stated"}
    if not others:
        return True
    if fact is None or fact.is_dynamic:
        return False
    return all(_fits(form, wanted, fact.value, lookup) for form, wanted in others.items())


def _fits(form: str, wanted: Any, value: Any, lookup: Lookup) -> bool:
    if form in ("in", "not_in"):
        return (value in wanted) is (form == "in")
    if form == "not":
        return bool(value != wanted)
    if form in ("has", "lacks"):
        words = [wanted] if isinstance(wanted, str) else wanted
        return bool(set(words) & set(value)) is (form == "has")
    if form == "matches":
        return re.search(wanted, str(value)) is not None
    if isinstance(wanted, str):
        other = lookup(wanted)
        if other is None or other.is_dynamic:
            return False
        wanted = other.value
    return bool(value < wanted if form == "below" else value > wanted)
