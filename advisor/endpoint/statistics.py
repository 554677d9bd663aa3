"""What a number of lost sessions says about the rate of loss and the number of instances."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.99
"""The confidence of every interval."""


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """An estimate with its confidence interval.

    Attributes:
        estimate: the most likely value.
        low: lower end.
        high: upper end; infinite if there is no bound.
    """

    estimate: float
    low: float
    high: float


def wilson(hits: int, trials: int, confidence: float = CONFIDENCE) -> ConfidenceInterval:
    """Return the rate of hits with its Wilson score interval.

    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.

    Args:
        hits: number of hits.
        trials: number of trials, at least 1.
        confidence: the confidence of the interval.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate = hits / trials
    scale = 1 + z * z / trials
    middle = (rate + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == trials else min(1.0, middle + half)
    return ConfidenceInterval(rate, low, high)


def sessions_to_see(rate: float, confidence: float = CONFIDENCE) -> int:
    """Return the number of sessions in which a loss of this rate shows at least once."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - rate))


def instances(loss: ConfidenceInterval) -> ConfidenceInterval:
    """Return the number of instances that a rate of loss means, if each instance is equally likely.

    A request then reaches the owner of its session with the probability `1 / n`, so the number is `1 / (1 - loss)`.
    At least two
    instances are needed to lose a session.
    """

    def count(rate: float) -> float:
        return math.inf if rate >= 1 else 1 / (1 - rate)

    return ConfidenceInterval(max(2.0, count(loss.estimate)), max(2.0, count(loss.low)), max(2.0, count(loss.high)))
