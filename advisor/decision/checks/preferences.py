"""Which tools lose a feature that they prefer, because a capability changes the deployment.

The lists have up to three tools. A longer list adds nothing: one tool loses the feature, a second tool makes the first
division possible, and a third tool makes the second division possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, product
from typing import NamedTuple, TypeAlias

from advisor.decision.checks.division import FileNeeds, ToolKind, Tools, division, separable
from advisor.knowledge.types import NEEDS


class Deployment(NamedTuple):
    """A deployment, as far as the loss of preferred features depends on it.

    Attributes:
        sessions: `yes`, `no` or `tiered`.
        substitute: whether direct calls of a language model replace the features with a substitute.
    """

    sessions: str
    substitute: bool


class ToolGroups(NamedTuple):
    """The needs of a file in two contexts, without a capability and with the capability.

    Attributes:
        file: the needs for three groups of features. The first group needs a session in both contexts. The second group
            needs a session in the first context only. The features of the third group have a substitute.
        soft: whether features with a substitute need a session in the two contexts.
    """

    file: tuple[int, int, int]
    soft: tuple[bool, bool]


DEPLOYMENTS = tuple(Deployment(*pair) for pair in product(("yes", "no", "tiered"), (False, True)))

Change: TypeAlias = "tuple[str, str, Deployment, Deployment]"
"""The values of `tools.separable` and the deployments, without a capability and with the capability."""


def in_both(tool: Sequence[int], soft: tuple[bool, bool], stored: int) -> tuple[ToolKind, ToolKind]:
    """Return the kinds of a tool in two contexts of `ToolGroups`, from its needs for the three groups.

    Args:
        tool: the needs for the three groups.
        soft: as in `ToolGroups`.
        stored: the need of the tool for features that need a session only if no store is shared, in both contexts.
    """
    shared, single, substituted = tool
    # If the capability is a store, the second group needs a session only without a store.
    after = 2 if single == 2 else stored
    return (max(shared, single), substituted * soft[0], stored), (shared, substituted * soft[1], after)


@lru_cache(maxsize=4096)
def moves(groups: ToolGroups) -> Mapping[Change, str]:
    """Return the changes with which a tool loses a feature that it prefers, each with the needs of such tools."""
    first, second = in_both(groups.file, groups.soft, 0)
    files = first[:2], second[:2]
    kinds: dict[tuple[bool, bool, ToolKind, ToolKind], _Tool] = {}
    # Only a store makes features of the second group work without a session. No other feature is `stored` then.
    every = (0,) if groups.file[1] else (0, 2)
    for *needs, stored in product(*(range(need + 1) for need in groups.file), every):
        tool = _Tool(tuple(needs), *in_both(needs, groups.soft, stored))
        kinds.setdefault((needs[0] == 1, needs[2] == 1 and all(groups.soft), tool.before, tool.after), tool)
    found: dict[Change, str] = {}
    for count in (1, 2, 3):
        for tools in combinations(kinds.values(), count):
            before, after = frozenset(tool.before for tool in tools), frozenset(tool.after for tool in tools)
            for change in _moved(tools, _lane(files[0], before), _lane(files[1], after), soft=all(groups.soft)):
                found.setdefault(change, "; ".join(map(_words, tools)))
    return found


class _Tool(NamedTuple):
    needs: tuple[int, ...]
    before: ToolKind
    after: ToolKind


class _Lane(NamedTuple):
    value: str
    outside: Mapping[Deployment, Tools | None]


@lru_cache(maxsize=65536)
def _lane(file: FileNeeds, tools: Tools) -> _Lane:
    """Return the value of `tools.separable`, and for each deployment the tools without sessions."""
    outside: dict[Deployment, Tools | None] = {}
    for deployment in DEPLOYMENTS:
        divided = division(file, tools, substitute=deployment.substitute)
        tiered = divided[0] if divided else None
        outside[deployment] = {"yes": frozenset(), "no": tools, "tiered": tiered}[deployment.sessions]
    return _Lane(separable(file, tools), outside)


def _moved(tools: Sequence[_Tool], before: _Lane, after: _Lane, *, soft: bool) -> Iterator[Change]:
    for now, outside in before.outside.items():
        for then, outside_then in after.outside.items():
            # Without the substitute, a required feature works itself. This is worth more than a preferred feature.
            regained = now.substitute and not then.substitute
            if outside is None or outside_then is None or regained:
                continue
            for tool in tools:
                if tool.before in outside or tool.after not in outside_then:
                    continue
                if tool.needs[0] == 1 or (soft and tool.needs[2] == 1 and not then.substitute):
                    yield before.value, after.value, now, then
                    break


def _words(tool: _Tool) -> str:
    return ", ".join(NEEDS[need] for need in tool.needs)
