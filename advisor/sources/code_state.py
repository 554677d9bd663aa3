"""What tools change in a process between two calls: the names of values, and the joining of several changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.sources.code_model import KeptState

Holder = Literal["module", "lifespan", "session"]


class StateChange(NamedTuple):
    """A statement that changes a value.

    Attributes:
        name: the name of the value.
        holder: where the value is.
        defined: the definition of the value.
        location: the statement.
        is_cache: whether the statement only stores what can be computed again, or removes something.
        by_session: whether it uses the session or its id as a key.
        stored_as: the name in the module that defines the value, if another module changes it.
    """

    name: str
    holder: Holder
    defined: Location
    location: Location
    is_cache: bool
    by_session: bool
    stored_as: str = ""


def kept(changes: list[tuple[str, StateChange]], is_read: Callable[[KeptState], bool]) -> tuple[KeptState, ...]:
    """Return the values that tools change and read, from pairs of the name of a tool and a change."""
    found: dict[tuple[str, Location], list[tuple[str, StateChange]]] = {}
    for tool, change in changes:
        found.setdefault((change.name, change.defined), []).append((tool, change))
    result = []
    for (name, defined), group in found.items():
        writes = [change for _, change in group if not change.is_cache]
        first = (writes or [change for _, change in group])[0]
        tools = tuple(dict.fromkeys(tool for tool, change in group if change in writes or not writes))
        by_session = any(change.by_session for _, change in group)
        state = KeptState(
            name,
            "state" if writes else "cache",
            first.holder,
            defined,
            first.location,
            tools,
            by_session,
            first.stored_as,
        )
        if is_read(state):
            result.append(state)
    return tuple(sorted(result, key=lambda state: (state.kind, state.location.path, state.location.line or 0)))


class ValueNames:
    """Tells by its name what a value is for."""

    def __init__(self, knowledge: Knowledge) -> None:
        """Args: knowledge: has the words in names."""
        self._words = {name: entry.words for name, entry in knowledge.name_words.items()}

    def is_for_diagnosis(self, name: str, path: str = "") -> bool:
        """Return whether a name stands for logs or metrics, or belongs to the module of a logger."""
        stem = path.rpartition("/")[2].partition(".")[0]
        return stem in self._words["logger"] or any(word in name.lower() for word in self._words["diagnosis"])

    def is_cache(self, name: str) -> bool:
        """Return whether a name stands for values that can be computed again."""
        return any(word in name.lower() for word in self._words["cache"])
