"""What another file or other facts would change: the facts, the decision, and each cell of the feature table."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from advisor.decision.model import Decision, EraCell, FeatureRow
from advisor.errors import UsageError
from advisor.knowledge.space import UNKNOWN, FactSpace, holds
from advisor.knowledge.types import NEEDS, Era, Need, Raw
from advisor.requirements.completion import changed, complete
from advisor.requirements.hops import HOPS
from advisor.requirements.model import Requirements, Tool
from advisor.sentences import amount

_APPS = "clients.apps"
"""Other facts follow from this fact, so it needs the completion of a file."""

MOST_VARIANTS = 64
"""The largest number of combinations of values."""


class OutcomeChange(NamedTuple):
    """A cell of the feature table that differs.

    Attributes:
        row: the row after the change.
        era: the protocol era of the clients.
        before: the cell before the change.
        after: the cell after the change.
        asked: whether the requirements after the change have clients of this era.
    """

    row: FeatureRow
    era: Era
    before: EraCell
    after: EraCell
    asked: bool


class Variant(NamedTuple):
    """Requirements that differ from the first requirements, and what they change.

    Attributes:
        decision: the decision for them.
        facts: the facts that differ, each with both values.
        cells: the cells that differ.
        warnings: the ids of new warnings, and of warnings that no longer apply.
    """

    decision: Decision
    facts: Mapping[str, tuple[Raw, Raw]]
    cells: tuple[OutcomeChange, ...]
    warnings: tuple[tuple[str, ...], tuple[str, ...]]

    def differs(self, base: Decision) -> bool:
        """Whether the decision for a deployment differs."""
        here, there = self.decision, base
        return (here.core, [tier.core for tier in here.tiers]) != (there.core, [tier.core for tier in there.tiers])


class WhatIf(NamedTuple):
    """Variants of requirements.

    Attributes:
        base: the decision for the first requirements.
        variants: the variants, in the order in which the user stated them.
    """

    base: Decision
    variants: tuple[Variant, ...]


def variant(base: Decision, decision: Decision) -> Variant:
    """Return what differs between two decisions."""
    before, after = base.requirements, decision.requirements
    values = [
        {**requirements.values, **dict.fromkeys(requirements.unsure, UNKNOWN)} for requirements in (before, after)
    ]
    names = [name for name in after.values if name != "service" and values[0][name] != values[1][name]]
    facts: dict[str, tuple[Raw, Raw]] = {name: (values[0][name], values[1][name]) for name in names}
    lists = [[tool.name for tool in requirements.tools] for requirements in (before, after)]
    if lists[0] == lists[1] and not any(name.startswith("needs.") for name in names):
        lists = [[_tool_text(tool) for tool in requirements.tools] for requirements in (before, after)]
    if lists[0] != lists[1]:
        facts["tools"] = (lists[0], lists[1])
    rows = {row.feature: dict(row.cells) for row in base.features}
    asked = decision.facts["clients.protocol"]
    cells = tuple(
        OutcomeChange(row, era, rows[row.feature][era], cell, asked in (era, "mixed", UNKNOWN))
        for row in decision.features
        for era, cell in row.cells
        if (cell.outcome, cell.words) != (rows[row.feature][era].outcome, rows[row.feature][era].words)
    )
    old, new = ([warning.id for warning in found.warnings] for found in (base, decision))
    warnings = (
        tuple(dict.fromkeys(name for name in new if name not in old)),
        tuple(dict.fromkeys(name for name in old if name not in new)),
    )
    return Variant(decision, facts, cells, warnings)


def _tool_text(tool: Tool) -> str:
    needs = ", ".join(f"{feature} {need}" for feature, need in tool.needs.items())
    return f"{tool.name} ({needs})" if needs else tool.name


def combinations(stated: Mapping[str, Sequence[Raw]]) -> list[dict[str, Raw]]:
    """Return each combination of the values of some facts.

    Raises:
        UsageError: there are more than `MOST_VARIANTS` combinations.
    """
    found = [dict(zip(stated, values, strict=True)) for values in product(*stated.values())]
    if len(found) > MOST_VARIANTS:
        raise UsageError(f"--with gives {amount(len(found), 'combination')}. At most {MOST_VARIANTS} are compared.")
    return found


def with_facts(requirements: Requirements, change: Mapping[str, Raw], space: FactSpace) -> Requirements:
    """Return the requirements as if the file stated other values.

    Raises:
        UsageError: a fact has no meaning with the other facts.
    """
    requirements = replace(requirements, tools=tuple(_limited(tool, change) for tool in requirements.tools))
    if _APPS in change or HOPS in change:
        return complete({**requirements.stated, **change}, requirements.tools, space, requirements.name)
    doubts = {name for name, value in change.items() if name.startswith("needs.") and value == UNKNOWN}
    after = changed(requirements, {**change, **dict.fromkeys(doubts, "none")}, space)
    for name, fact, only in space.bound:
        if name in change and change[name] != fact.default and not holds(only, after.values):
            needed = " or ".join(map(str, only.any_of))
            raise UsageError(f"--with {name}: this key needs {only.fact}: {needed}.")
    return replace(after, unsure=frozenset((after.unsure - change.keys()) | doubts), given=after.given | change.keys())


def _limited(tool: Tool, change: Mapping[str, Raw]) -> Tool:
    """Return a tool that needs no feature more than the changed needs of the file."""
    needs: dict[str, Need] = {}
    for feature, need in tool.needs.items():
        most: Need = change.get(f"needs.{feature}", need)
        if most == need or (most in NEEDS and NEEDS.index(most) > NEEDS.index(need)):
            needs[feature] = need
        elif most == "preferred":
            needs[feature] = most
    return tool._replace(needs=needs)
