"""All combinations of needs, as the deciding tables see them.

A derived fact such as `need.session` takes the strongest need of some features. Combinations of needs with the same
values of these facts form a level. There are few levels, so the proof visits each level instead of each combination.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

Bits: TypeAlias = int
"""A set of features: bit i stands for feature i."""

Level: TypeAlias = tuple[int, ...]
"""The value of each derived fact: 0 none, 1 preferred, 2 required."""


class Needs(NamedTuple):
    """The combinations of needs of a level.

    Attributes:
        combinations: the number of combinations.
        most: the features that at least one of the combinations requires. One combination requires all of them.
        wanted: the features that at least one of the combinations prefers or requires. One combination has all of them.
        least: the smallest sets of required features with which no feature is preferred; empty without such a set.
    """

    combinations: int
    most: Bits
    wanted: Bits
    least: tuple[Bits, ...]


@lru_cache(maxsize=4096)
def levels(counted: tuple[Bits, ...], features: int) -> dict[Level, Needs]:
    """Return every level that needs can have.

    Args:
        counted: for each derived fact, the features whose strongest need the fact takes.
        features: the number of features.
    """
    # For each feature, the set of the facts that take its need. A level is a pair of sets of facts: wanted, required.
    facts_of = [
        sum(1 << index for index, bits in enumerate(counted) if bits >> position & 1) for position in range(features)
    ]
    counts = {(0, 0): 1}
    for facts in facts_of:
        following: dict[tuple[int, int], int] = {}
        for (wanted, required), count in counts.items():
            preferring = wanted | facts
            for pair in ((wanted, required), (preferring, required), (preferring, required | facts)):
                following[pair] = following.get(pair, 0) + count
        counts = following
    least = _least(facts_of)
    every = {}
    for (wanted, required), count in counts.items():
        level = tuple((wanted >> index & 1) + (required >> index & 1) for index in range(len(counted)))
        most, desired = _closure(level, counted, features, 2), _closure(level, counted, features, 1)
        every[level] = Needs(count, most, desired, least.get(required, ()) if required == wanted else ())
    return every


def raised(level: Level, counted: Sequence[Bits], feature: Bits, need: int) -> Level:
    """Return the level after the need of a feature becomes at least `need`."""
    return tuple(max(old, need) if bits & feature else old for old, bits in zip(level, counted, strict=True))


def _closure(level: Level, counted: Sequence[Bits], features: int, need: int) -> Bits:
    """Return the features whose need can be `need` without a higher level."""
    too_low = 0
    for value, bits in zip(level, counted, strict=True):
        if value < need:
            too_low |= bits
    return ((1 << features) - 1) & ~too_low


def _least(facts_of: Sequence[int]) -> dict[int, tuple[Bits, ...]]:
    """Return for each set of facts the smallest sets of required features that raise exactly these facts."""
    found: dict[int, list[Bits]] = {}
    for features in sorted(range(1 << len(facts_of)), key=int.bit_count):
        facts = 0
        for position, of_feature in enumerate(facts_of):
            if features >> position & 1:
                facts |= of_feature
        known = found.setdefault(facts, [])
        if not any(smaller & features == smaller for smaller in known):
            known.append(features)
    return {facts: tuple(sets) for facts, sets in found.items()}
