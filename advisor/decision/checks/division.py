"""All lists of tools, as the derived fact `tools.separable` sees them.

Whether tiers can divide the tools depends on two groups of features that need a session: those without a substitute
(`firm`) and those with a substitute (`soft`). A tool has a need for each group. A tool can also require a feature that
needs a session only if no store is shared (`stored`). Two tools of the same kind change nothing, so a list of tools is
a set of kinds.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple, TypeAlias

from advisor.decision.tiers import stateful_tools
from advisor.knowledge.types import NEEDS

FileNeeds: TypeAlias = tuple[int, int]
"""The needs of a file for features of the groups `firm` and `soft`: 0 none, 1 preferred, 2 required."""

ToolKind: TypeAlias = tuple[int, int, int]
"""The needs of a tool for features of the groups `firm`, `soft` and `stored`. The need for `stored` is 0 or 2."""

Tools: TypeAlias = frozenset[ToolKind]

_STORED = "stored"

FILES: tuple[FileNeeds, ...] = tuple((firm, soft) for firm in (0, 1, 2) for soft in (0, 1, 2))

# A division reads of a tool only `firm` and the stronger of the two needs. It reads `stored` only of a tool that
# prefers a session. So these kinds stand for all kinds.
KINDS: tuple[ToolKind, ...] = (
    *((firm, soft, 0) for firm, soft in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0))),
    *((firm, soft, 2) for firm, soft in ((0, 1), (1, 0), (1, 2))),
)


class Step(NamedTuple):
    """A change of one need.

    Attributes:
        file: the needs of the file for the groups `firm` and `soft`, before the change.
        group: the group of the feature: 0 firm, 1 soft, 2 neither of the two, which can be `stored`.
        need: the new need.
    """

    file: FileNeeds
    group: int
    need: int


@lru_cache(maxsize=8192)
def separable(file: FileNeeds, tools: Tools) -> str:
    """Return the value of `tools.separable` for the needs of the file and a list of tools."""
    with_sampling = division(file, tools, substitute=False) is not None
    substituted = division(file, tools, substitute=True) is not None
    if with_sampling:
        return "yes" if substituted else "with-sampling"
    return "without-sampling" if substituted else "no"


def division(file: FileNeeds, tools: Tools, *, substitute: bool) -> tuple[Tools, Tools] | None:
    """Return the kinds of the tools of the stateless and of the stateful tier; None if they cannot be divided."""
    if not tools:
        return None
    groups = {"firm": 0} if substitute else {"firm": 0, "soft": 1}
    ordered = sorted(tools)
    listed = [
        tuple((name, NEEDS[kind[at]]) for name, at in {**groups, _STORED: 2}.items() if kind[at]) for kind in ordered
    ]
    required = {name for name, at in groups.items() if file[at] == 2}
    preferred = {name for name, at in groups.items() if file[at] == 1}
    bound = stateful_tools(listed, required, preferred, [_STORED])
    if bound is None:
        return None
    stateful = frozenset(kind for kind, is_bound in zip(ordered, bound, strict=True) if is_bound)
    return tools - stateful, stateful


@lru_cache(maxsize=1)
def divisions() -> dict[tuple[FileNeeds, str], tuple[tuple[FileNeeds, Tools], ...]]:
    """Return all lists of tools by the needs of the file and the value of `tools.separable`."""
    found: dict[tuple[FileNeeds, str], list[tuple[FileNeeds, Tools]]] = {}
    for file, tools in _lists():
        found.setdefault((file, separable(file, tools)), []).append((file, tools))
    return {key: tuple(lists) for key, lists in found.items()}


VALUES = ("no", "yes", "with-sampling", "without-sampling")


@cache
def values(file: FileNeeds) -> tuple[str, ...]:
    """Return the values that `tools.separable` can have, `no` first."""
    return tuple(value for value in VALUES if (file, value) in divisions())


@lru_cache(maxsize=1)
def stronger() -> dict[Step, frozenset[tuple[str, str]]]:
    """Return the values of `tools.separable` before and after one need becomes stronger, in the file or in a tool."""
    found: dict[Step, set[tuple[str, str]]] = {}
    for file, tools in _lists():
        before = separable(file, tools)
        for need in (1, 2):
            for group in (0, 1, 2):
                pairs = found.setdefault(Step(file, group, need), set())
                after = _raised((*file, 0), group, need)[:2]
                pairs.add((before, separable(after, tools)))
                for kind in tools:
                    other = _raised(kind, group, need)
                    pairs.add((before, separable(after, tools | {other})))
                    pairs.add((before, separable(after, tools - {kind} | {other})))
    return {step: frozenset(pairs) for step, pairs in found.items()}


@lru_cache(maxsize=1)
def longer() -> dict[FileNeeds, frozenset[tuple[str, str]]]:
    """Return the values of `tools.separable` before and after the file lists one more tool, which needs nothing."""
    found: dict[FileNeeds, set[tuple[str, str]]] = {}
    for file, tools in _lists():
        found.setdefault(file, set()).add((separable(file, tools), separable(file, tools | {(0, 0, 0)})))
    return {file: frozenset(pairs) for file, pairs in found.items()}


def _raised(kind: ToolKind, group: int, need: int) -> ToolKind:
    firm, soft, stored = kind
    if group == 2:
        return firm, soft, stored if need == 1 else 2
    return (max(firm, need), soft, stored) if group == 0 else (firm, max(soft, need), stored)


@lru_cache(maxsize=1)
def _lists() -> tuple[tuple[FileNeeds, Tools], ...]:
    """Return every list of tools with every combination of needs of a file that can have these tools."""
    found: list[tuple[FileNeeds, Tools]] = []
    for bits in range(1 << len(KINDS)):
        tools = frozenset(kind for index, kind in enumerate(KINDS) if bits >> index & 1)
        most = tuple(max((kind[group] for kind in tools), default=0) for group in (0, 1))
        found += [(file, tools) for file in FILES if most[0] <= file[0] and most[1] <= file[1]]
    return tuple(found)
