"""Measures the behaviours of a release that are not in the feature table. Each measurement uses its own server copy.

Some measurements break the server of an old release (before mcp 1.12), and every later request to that copy fails.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from advisor.knowledge.types import ERAS, FLAG_PAIRS, Era
from advisor.lab.capabilities.matrix import BROKEN, MeasuredValue, ReleaseServers
from advisor.lab.probes import BEHAVIOURS, SLOW_BEHAVIOURS, ProbeTarget, behaviour, http
from advisor.lab.probes.cell import Probe
from advisor.lab.probes.observation import BehaviourRow, ProbeResult
from advisor.lab.process.run import Run
from advisor.lab.process.sdk_under_test import FlagPair, Say, SdkUnderTest
from advisor.sentences import amount

TRIED = (*(name for name in BEHAVIOURS if name != "http"), *SLOW_BEHAVIOURS, *http.CHECKS)
"""The names of the measurements: the probes, and each check over plain HTTP as a separate measurement."""

COPIES = tuple(f"alone{number}" for number in range(len(TRIED)))
"""The copy of the server for each entry of `TRIED`. The two protocol eras share a copy: no measurement breaks a release
that serves both eras."""

_AT_ONCE = 24
_AT_ONCE_AGAIN = 4
_SECONDS = re.compile(r"\b\d+(?:\.\d+)? s\b")


class Trait(NamedTuple):
    """The key of a behaviour: its name, the protocol era of the client, and the flag pair of the server."""

    name: str
    era: Era
    pair: FlagPair


MeasuredBehaviours = dict[Trait, MeasuredValue]
Expected = Callable[[Trait], str | None]
_Found = dict[tuple[str, Era, FlagPair], tuple[Trait, ProbeResult]]
_Asked = tuple[str, Era, FlagPair]


def alike(said: str, other: str) -> bool:
    """Whether two messages are equal, apart from numbers of seconds."""
    return _SECONDS.sub("s", said) == _SECONDS.sub("s", other)


async def behaviours(
    stand: ReleaseServers, run: Run, expect: Expected, say: Say, deadline_s: float, *, modern: bool
) -> MeasuredBehaviours:
    """Measure all behaviours with every flag pair. Unexpected results are measured a second time on new servers.

    Args:
        stand: servers that have `COPIES`.
        run: owns the servers of the second measurement.
        expect: returns the expected message of a behaviour, or None if no message is known.
        say: prints each step.
        deadline_s: seconds; an answer that takes longer is a `hang`.
        modern: whether the release serves modern clients.

    Raises:
        LabError: a server for the second measurement does not start.
    """
    eras = ERAS if modern else ERAS[:1]
    asked: list[_Asked] = [(name, era, pair) for era in eras for name in TRIED for pair in FLAG_PAIRS]
    say(f"{stand.sdk_under_test.sdk}: behaviour")
    found = await _observe(stand, asked, _AT_ONCE, deadline_s)
    doubtful = [asked_for for asked_for, (trait, seen) in found.items() if _is_doubtful(expect(trait), seen)]
    first = {found[asked_for][0]: found[asked_for][1].message for asked_for in doubtful}
    if doubtful:
        found |= await _again(run, stand.sdk_under_test, doubtful, say, deadline_s)
    return {trait: MeasuredValue(seen, first.get(trait)) for trait, seen in found.values()}


def _is_doubtful(expected: str | None, seen: ProbeResult) -> bool:
    if expected is not None:
        return not alike(expected, seen.message)
    return seen.outcome == "hang" or BROKEN.search(seen.message) is not None


async def _again(run: Run, under_test: SdkUnderTest, asked: Sequence[_Asked], say: Say, deadline_s: float) -> _Found:
    """Measure a second time, with fewer measurements at the same time and on new copies of the server."""
    say(f"{under_test.sdk}: second measurement of {amount(len(asked), 'behaviour')} with an unexpected result")
    pairs = list(dict.fromkeys(pair for _, _, pair in asked))
    stand = await ReleaseServers.start(run, under_test, deadline_s, lambda _: None, pairs, COPIES)
    found = await _observe(stand, asked, _AT_ONCE_AGAIN, deadline_s)
    await stand.stop()
    return found


async def _observe(stand: ReleaseServers, asked: Iterable[_Asked], at_once: int, deadline_s: float) -> _Found:
    gate = asyncio.Semaphore(at_once)

    async def look(asked: _Asked) -> tuple[_Asked, BehaviourRow | None]:
        name, era, pair = asked
        async with gate:
            return asked, await _row(name, stand.url(pair, COPIES[TRIED.index(name)]), era, deadline_s)

    rows = await asyncio.gather(*(look(place) for place in asked))
    return {asked: (Trait(row.name, *asked[1:]), row.observation) for asked, row in rows if row is not None}


async def _row(name: str, url: str, era: Era, deadline_s: float) -> BehaviourRow | None:
    """The measurement with a name of `TRIED`; None if it does not exist for the protocol era."""
    if name not in http.CHECKS:
        return next(iter(await behaviour(name, url, era, deadline_s=deadline_s)), None)
    if era not in http.CHECKS[name][0]:
        return None
    return await http.observe_one(Probe(url, era, ProbeTarget(), deadline_s), name)
