"""The shape of what was measured beside the feature table: behaviours that no decision reads, but people ask for."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.engine.rules import STRICT
from advisor.knowledge.types import Era


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a server of a range of releases was seen to do, per flag pair.

    Attributes:
        name: what was tried, for example `GET without a session`.
        era: the era of the client that tried it.
        start: first release of the range.
        before: first release after it.
        seen: what happened, in words, by flag pair.
        observed_on: the releases on which it was seen.
        date: when it was last seen.
    """

    __pydantic_config__ = STRICT
    name: str
    era: Era
    start: str
    before: str
    seen: dict[str, str]
    observed_on: list[str]
    date: str
