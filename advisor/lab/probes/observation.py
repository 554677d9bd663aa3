"""What a client saw of a cell: an outcome of the public vocabulary, the message behind it, and how long it took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from advisor.knowledge.types import Outcome

# From best to worst, for several observations of a cell.
_ORDER: tuple[Outcome, ...] = ("works", "unsupported", "error", "dropped", "hang", "unreachable")

_LONGEST = 300  # of an error's text; some print whole messages


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation.

    Attributes:
        outcome: the contract's vocabulary; `hang` is no answer within the deadline of the probe.
        message: what was seen, an error with its exact text.
        seconds: how long it took, connecting included.
    """

    outcome: Outcome
    message: str
    seconds: float = 0.0


class BehaviourRow(NamedTuple):
    """A behaviour that is no cell of the feature table, such as what a bare GET is answered."""

    name: str
    observation: Observation


class Verdict(NamedTuple):
    """What the steps of a probe found, before anyone timed them."""

    outcome: Outcome
    message: str


def worst(observations: Iterable[Observation]) -> Observation:
    """The worst of several observations of a cell; says how many were as bad.

    Raises:
        ValueError: there are none.
    """
    seen = list(observations)
    found = max(seen, key=lambda observation: _ORDER.index(observation.outcome))
    alike = sum(observation.outcome == found.outcome for observation in seen)
    if alike == len(seen):
        return found
    return replace(found, message=f"{found.message} ({alike} of {len(seen)})")


def describe(error: BaseException) -> str:
    """An exception in a single line: the innermost of a group, with its JSON-RPC code, if any."""
    while isinstance(inner := getattr(error, "exceptions", None), (tuple, list)) and inner:
        error = inner[0]
    code = getattr(getattr(error, "error", None), "code", None)
    said = " ".join(str(error).split())[:_LONGEST] or type(error).__name__
    return f"{code} {said}" if code is not None else said
