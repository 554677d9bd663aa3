"""Results of probes: an outcome of the public vocabulary, the message that explains it, and the duration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from advisor.knowledge.types import Outcome

# From best to worst. `worst` compares several observations of a cell by this order.
_ORDER: tuple[Outcome, ...] = ("works", "unsupported", "error", "dropped", "hang", "unreachable")

_LONGEST = 300  # characters of an error's text; some errors contain complete messages


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of a probe.

    Attributes:
        outcome: a word of the public vocabulary; `hang` means that no answer arrived within the deadline of the probe.
        message: the explanation; for an error, its exact text.
        seconds: the duration, including the time to connect.
    """

    outcome: Outcome
    message: str
    seconds: float = 0.0


class BehaviourRow(NamedTuple):
    """The measurement of a behaviour outside the feature table, for example the answer to a GET without a session."""

    name: str
    observation: ProbeResult


class Verdict(NamedTuple):
    """The result of the steps of a probe, without the duration."""

    outcome: Outcome
    message: str


def worst(observations: Iterable[ProbeResult]) -> ProbeResult:
    """The worst of several observations of a cell. Its message says how many observations have the same outcome.

    Raises:
        ValueError: `observations` is empty.
    """
    seen = list(observations)
    found = max(seen, key=lambda observation: _ORDER.index(observation.outcome))
    alike = sum(observation.outcome == found.outcome for observation in seen)
    if alike == len(seen):
        return found
    return replace(found, message=f"{found.message} ({alike} of {len(seen)})")


def describe(error: BaseException) -> str:
    """The JSON-RPC code (if any) and the text of an exception, in one line. For a group: of its first exception."""
    while isinstance(inner := getattr(error, "exceptions", None), (tuple, list)) and inner:
        error = inner[0]
    code = getattr(getattr(error, "error", None), "code", None)
    said = " ".join(str(error).split())[:_LONGEST] or type(error).__name__
    return f"{code} {said}" if code is not None else said
