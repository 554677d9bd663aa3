"""Measures what a release does besides the feature table: each thing on a copy of the server that nothing else touches.

Some of it breaks old releases for good (before mcp 1.12), and whatever is asked next would only meet the ruins.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from advisor.knowledge.types import ERAS, FLAG_PAIRS, Era
from advisor.lab.capabilities.matrix import BROKEN, Pair, Seen, Stand
from advisor.lab.probes import BEHAVIOURS, ProbeTarget, behaviour, http
from advisor.lab.probes.cell import Probe
from advisor.lab.probes.observation import BehaviourRow, Observation
from advisor.lab.process.run import Run
from advisor.lab.process.sdk_under_test import Say, SdkUnderTest

TRIED = (*(name for name in BEHAVIOURS if name != "http"), *http.CHECKS)
"""What is tried: the probes by name, and each check over plain HTTP as a probe of its own."""

COPIES = tuple(f"alone{number}" for number in range(len(TRIED)))
"""The copy of a server for each of `TRIED`; the two eras share it, as no release that serves both is broken by any."""

_AT_ONCE = 24
_AT_ONCE_AGAIN = 4
_SECONDS = re.compile(r"\b\d+(?:\.\d+)? s\b")


class Trait(NamedTuple):
    """The place of a behaviour: what was tried, by clients of which era, on the server of which flag pair."""

    name: str
    era: Era
    pair: Pair


Behaviours = dict[Trait, Seen]
Expected = Callable[[Trait], str | None]
_Found = dict[tuple[str, Era, Pair], tuple[Trait, Observation]]
_Asked = tuple[str, Era, Pair]


def alike(said: str, other: str) -> bool:
    """Whether two messages say the same; how many seconds something took is not compared."""
    return _SECONDS.sub("s", said) == _SECONDS.sub("s", other)


async def behaviours(
    stand: Stand, run: Run, expect: Expected, say: Say, deadline_s: float, *, modern: bool
) -> Behaviours:
    """Try everything in every flag pair; what is not as expected a second time, on servers of its own.

    Args:
        stand: servers that have `COPIES`.
        run: holds the servers of the second look.
        expect: the message that is known, or None.
        say: is told each step.
        deadline_s: an answer that takes longer is a `hang`.
        modern: whether the release serves modern clients.

    Raises:
        LabError: a server for the second look does not start.
    """
    eras = ERAS if modern else ERAS[:1]
    asked: list[_Asked] = [(name, era, pair) for era in eras for name in TRIED for pair in FLAG_PAIRS]
    say(f"{stand.sdk_under_test.sdk}: behaviour")
    found = await _observe(stand, asked, _AT_ONCE, deadline_s)
    doubtful = [asked_for for asked_for, (trait, seen) in found.items() if _is_doubtful(expect(trait), seen)]
    first = {found[asked_for][0]: found[asked_for][1].message for asked_for in doubtful}
    if doubtful:
        found |= await _again(run, stand.sdk_under_test, doubtful, say, deadline_s)
    return {trait: Seen(seen, first.get(trait)) for trait, seen in found.values()}


def _is_doubtful(expected: str | None, seen: Observation) -> bool:
    if expected is not None:
        return not alike(expected, seen.message)
    return seen.outcome == "hang" or BROKEN.search(seen.message) is not None


async def _again(run: Run, under_test: SdkUnderTest, asked: Sequence[_Asked], say: Say, deadline_s: float) -> _Found:
    """Look once more, with little else going on and on copies that nothing has touched."""
    say(f"{under_test.sdk}: {len(asked)} behaviours again, as they are not as expected")
    pairs = list(dict.fromkeys(pair for _, _, pair in asked))
    stand = await Stand.start(run, under_test, deadline_s, lambda _: None, pairs, COPIES)
    found = await _observe(stand, asked, _AT_ONCE_AGAIN, deadline_s)
    await stand.stop()
    return found


async def _observe(stand: Stand, asked: Iterable[_Asked], at_once: int, deadline_s: float) -> _Found:
    gate = asyncio.Semaphore(at_once)

    async def look(asked: _Asked) -> tuple[_Asked, BehaviourRow | None]:
        name, era, pair = asked
        async with gate:
            return asked, await _row(name, stand.url(pair, COPIES[TRIED.index(name)]), era, deadline_s)

    rows = await asyncio.gather(*(look(place) for place in asked))
    return {asked: (Trait(row.name, *asked[1:]), row.observation) for asked, row in rows if row is not None}


async def _row(name: str, url: str, era: Era, deadline_s: float) -> BehaviourRow | None:
    """One of `TRIED`; None where the era has no such thing."""
    if name not in http.CHECKS:
        return next(iter(await behaviour(name, url, era, deadline_s=deadline_s)), None)
    if era not in http.CHECKS[name][0]:
        return None
    return await http.observe_one(Probe(url, era, ProbeTarget(), deadline_s), name)
