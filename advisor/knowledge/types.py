"""The words that the shapes of everything under rules/ have in common.

The shapes are immutable classes in the modules next to this module, and the only declaration of those shapes:
pydantic validates the YAML files against them (`compiler`), and the program works with them. They follow the files; see
the comments at the head of each file for meanings.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

Raw: TypeAlias = Any
"""A value as the requirements file has it, before binning."""

Need = Literal["none", "preferred", "required"]
NEEDS: tuple[Need, ...] = ("none", "preferred", "required")
"""The levels of need, weakest first."""

Era = Literal["legacy", "modern"]
ERAS: tuple[Era, ...] = ("legacy", "modern")

Outcome = Literal["works", "dropped", "error", "hang", "unreachable", "unsupported"]

FLAG_PAIRS: tuple[tuple[bool, bool], ...] = ((False, False), (False, True), (True, False), (True, True))
"""Every (stateless_http, json_response)."""


def flag_key(stateless_http: bool, json_response: bool) -> str:
    """The flag pair as capability files write it, for example `stateless+sse`."""
    return f"{'stateless' if stateless_http else 'stateful'}+{'json' if json_response else 'sse'}"
