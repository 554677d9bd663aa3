"""The types that several modules of the knowledge use.

The other modules of this package declare the types of the entries of rules/ as immutable classes. `compiler` validates
the YAML files against these classes with pydantic. The comments at the head of each YAML file explain the keys.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

Raw: TypeAlias = Any
"""A value of the requirements file, before its conversion to a bin."""

Need = Literal["none", "preferred", "required"]
StatedNeed = Literal["none", "preferred", "required", "unknown"]
NEEDS: tuple[Need, ...] = ("none", "preferred", "required")
"""The levels of need, the weakest first."""

Era = Literal["legacy", "modern"]
ERAS: tuple[Era, ...] = ("legacy", "modern")

Outcome = Literal["works", "dropped", "error", "hang", "unreachable", "unsupported"]

FLAG_PAIRS: tuple[tuple[bool, bool], ...] = ((False, False), (False, True), (True, False), (True, True))
"""All flag pairs (stateless_http, json_response)."""


def flag_key(stateless_http: bool, json_response: bool) -> str:
    """Return the flag pair as in the capability files, for example `stateless+sse`."""
    return f"{'stateless' if stateless_http else 'stateful'}+{'json' if json_response else 'sse'}"
