"""The rules that were checked for a decision, for `--explain`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from advisor.engine.table import RuleAttempt


class TableTrace(NamedTuple):
    """The rules of a table that were checked (`--explain`).

    Attributes:
        table: the id of the table.
        tier: the name of the tier for which the rules were checked; "" for the entire deployment.
        attempts: the rules.
    """

    table: str
    tier: str
    attempts: Sequence[RuleAttempt]


Trace: TypeAlias = Sequence[TableTrace]
"""The tables that were evaluated, in order."""
