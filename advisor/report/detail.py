"""How much of a decision a text shows."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from typing import NamedTuple


class DecisionPart(str, Enum):
    """The sections of a complete decision, in order."""

    ANSWER = "answer"
    FEATURES = "features"
    STEPS = "steps"
    WARNINGS = "warnings"
    CHANGES = "changes"
    ALTERNATIVES = "alternatives"
    ASSUMPTIONS = "assumptions"


class Detail(NamedTuple):
    """How much of a decision a text shows.

    Attributes:
        full: whether the text shows the complete decision; otherwise, it shows the first screen or `sections`.
        sections: the sections that the text shows; empty for the first screen.
    """

    full: bool = False
    sections: Collection[DecisionPart] = ()

    @property
    def brief(self) -> bool:
        """Whether the first screen is enough."""
        return not self.full and not self.sections


BRIEF = Detail()
"""The first screen, or the table of several decisions."""
