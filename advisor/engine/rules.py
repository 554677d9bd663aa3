"""The types of a decision table and its rules.

The types are named tuples, because Python declares named tuples faster than dataclasses. The reader of the YAML files
validates the files against these types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

Value: TypeAlias = str | bool
"""A value of a finite domain. Rules compare such values."""

# The pydantic configuration of a dataclass: unknown keys are errors. For named tuples, unknown keys are always errors.
STRICT = {"extra": "forbid"}


class Rule(NamedTuple):
    """A rule, which is a row of a decision table.

    Every rule has a code (SES-300) and a name (session-affinity-proxy). Results show the `id`: the code of a rule that
    decides, and the name of a warning. The `alias` is the other of the two, and both find the rule. Each
    id in `former` also finds the rule. If the rule only repeats the result of another table, `reason` is the id of this
    table, and its rule gives the reason.
    """

    id: str
    alias: str
    title: str
    when: dict[str, Value | dict[str, Value | list[Value]]]
    then: dict[str, Value]
    because: str
    sources: list[str]
    examples: dict[Literal["hit", "miss"], dict[str, Any]]
    fix: str = ""
    former: list[str] = []  # noqa: RUF012
    reason: str = ""

    @property
    def other_ids(self) -> list[str]:
        """The alias and the earlier ids."""
        return [self.alias, *self.former]


class RuleTable(NamedTuple):
    """A decision table as in DMN, with inputs, outputs, rules and a hit policy.

    Reports show the step of a table only if the facts in `about` hold. In all other cases, its answer has no effect.
    """

    table: str
    title: str
    question: str
    hit_policy: Literal["first", "unique", "collect"]
    inputs: list[str]
    outputs: dict[str, list[Value]]
    rules: list[Rule]
    role: Literal["decision", "cell", "finding"] = "decision"
    domains: Mapping[str, list[Value]] = {}
    about: Mapping[str, Value] = {}
