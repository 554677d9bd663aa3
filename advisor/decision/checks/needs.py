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
    counts: dict[Level, int] = {(0,) * len(counted): 1}
    for position in range(features):
        following: dict[Level, int] = {}
        for level, count in counts.items():
            for need in (0, 1, 2):
                raised_ = raised(level, counted, 1 << position, need)
                following[raised_] = following.get(raised_, 0) + count
        counts = following
    least = _least(counted, features)
    return {
        level: Needs(
            count, _closure(level, counted, features, 2), _closure(level, counted, features, 1), least.get(level, ())
        )
        for level, count in counts.items()
    }


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


def _least(counted: Sequence[Bits], features: int) -> dict[Level, tuple[Bits, ...]]:
    """Return for each level the smallest sets of required features, if no feature is preferred."""
    found: dict[Level, list[Bits]] = {}
    for required in sorted(range(1 << features), key=lambda bits: bin(bits).count("1")):
        level = tuple(2 if bits & required else 0 for bits in counted)
        known = found.setdefault(level, [])
        if not any(smaller & required == smaller for smaller in known):
            known.append(required)
    return {level: tuple(sets) for level, sets in found.items()}
