"""The topology truth table: what ways of balancing do to sessions, as plain frozen dataclasses.

Meanings stand at the head of rules/topology.yaml. What is said of a row elsewhere derives from it: its verdict from its
runs, and a source that rules can cite from its figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

from advisor.documents import OPTIONAL, Count, Day
from advisor.engine.rules import STRICT
from advisor.knowledge.catalogue import Source
from advisor.knowledge.types import Raw

SOURCE = "topology-"
"""What the id of the source that derives from a row starts with."""

Keeps = Literal["always", "one-proxy", "stable-address", "cookies", "pause", "never"]
Kind = Literal["stateful+legacy", "stateful+modern", "stateless+legacy", "stateless+modern"]
KINDS: tuple[Kind, ...] = ("stateful+legacy", "stateful+modern", "stateless+legacy", "stateless+modern")
"""Servers of a kind with clients of an era."""

_SHARE = re.compile(r"(\d{1,9}) of (\d{1,9})")


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many; files write `118 of 120`."""

    __pydantic_config__ = STRICT
    count: Count
    of: Count

    def __str__(self) -> str:
        return f"{self.count} of {self.of}"

    @property
    def full(self) -> bool:
        """Whether all of them."""
        return self.count == self.of


@dataclass(frozen=True, slots=True)
class Figures:
    """What clients of an era saw of servers of a kind.

    Attributes:
        whole: sessions (for a server or an era without them: clients) in which every request was answered.
        answered: tool calls that were answered with their result.
        wrong: tool calls that an instance served which does not own their session.
        sampling: clients whose model was asked, and the tool got the answer.
        progress: notifications that arrived.
        spread: sessions (calls where there are none) by instance, most first.
        over_get: clients that were asked over the stream they opened with GET; only where there are sessions.
        crossed: second rounds of sampling that another instance took than the first; only for modern clients.
    """

    __pydantic_config__ = STRICT
    whole: Share
    answered: Share
    wrong: Share
    sampling: Share
    progress: Share
    spread: list[Count]
    over_get: Annotated[Share | None, OPTIONAL] = None
    crossed: Annotated[Share | None, OPTIONAL] = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which conditions clients come."""

    __pydantic_config__ = STRICT
    addresses: Literal["one", "one-network", "many", "changing"] = "one"
    cookies: Literal["dropped", "kept"] = "dropped"
    proxies: Literal[1, 2] = 1
    initialize: Literal["prompt", "held"] = "prompt"
    pace: Literal["at-once", "calm"] = "at-once"

    @property
    def unusual(self) -> dict[str, str]:
        """Those that differ from the usual ones, as words."""
        given = {condition.name: getattr(self, condition.name) for condition in fields(self)}
        usual = {condition.name: condition.default for condition in fields(self)}
        return {name: str(value) for name, value in given.items() if value != usual[name]}


@dataclass(frozen=True, slots=True)
class BalancingRun:
    """One measurement of a way; no figures before it was taken."""

    __pydantic_config__ = STRICT
    under: Conditions
    figures: dict[Kind, Figures] = field(default_factory=dict)

    @property
    def keeps(self) -> bool:
        """Whether every session stayed whole."""
        return self.figures["stateful+legacy"].whole.full


@dataclass(frozen=True, slots=True)
class Window:
    """How soon a second proxy knows a session that the first proxy let in.

    Attributes:
        at_once: sessions that it knew at the first call.
        longest_us: microseconds until it knew the last of them.
        started_us: the same in the first seconds after each of its starts, the shortest first.
    """

    __pydantic_config__ = STRICT
    at_once: Share
    longest_us: Count
    started_us: list[Count]


@dataclass(frozen=True, slots=True)
class MeasuredOn:
    """On what, with what and when figures were taken."""

    __pydantic_config__ = STRICT
    proxy: str
    sdk: str
    tool: str
    date: Day


@dataclass(frozen=True, slots=True)
class Way:
    """One way of balancing and what it does to sessions: a row of the table."""

    __pydantic_config__ = STRICT
    id: str
    title: str
    program: str
    keeps: Keeps
    because: str
    runs: list[BalancingRun]
    mechanism: str = ""
    requirements: dict[str, Raw] = field(default_factory=dict)
    template: str = ""
    directives: list[str] = field(default_factory=list)
    measured: MeasuredOn | None = None
    evidence: str = ""
    window: Window | None = None

    @property
    def proxy(self) -> str:
        """The proxy that its program is, as rules/kit_proxies.yaml names it."""
        return self.program.removesuffix("-debian")

    @property
    def complete(self) -> bool:
        """Whether figures were taken for all of it."""
        return self.measured is not None and all(set(run.figures) == set(KINDS) for run in self.runs)


def share(text: Any) -> dict[str, int] | None:
    """The parts of `118 of 120`, or None when it is not of this form or more than all."""
    found = _SHARE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    count, of = int(found[1]), int(found[2])
    return {"count": count, "of": of} if count <= of else None


# A condition and the value of it that saves sessions, or that loses them.
_SAVING: tuple[tuple[Keeps, str, str], ...] = (("cookies", "cookies", "kept"), ("pause", "pace", "calm"))
_LOSING: tuple[tuple[Keeps, str, str], ...] = (
    ("one-proxy", "proxies", "2"),
    ("stable-address", "addresses", "changing"),
)


def verdict(row: Way) -> Keeps | None:
    """Under which condition sessions stay whole, as figures show it; None when no single one tells the runs apart.

    Raises:
        KeyError: a run without figures.
    """
    found = _verdict(row.runs)
    # Whether one of forty sessions meets a gap of milliseconds is luck; the window looks for it.
    return "pause" if found == "always" and row.window is not None and not row.window.at_once.full else found


def _verdict(runs: Iterable[BalancingRun]) -> Keeps | None:
    keeping: list[dict[str, str]] = []
    losing: list[dict[str, str]] = []
    for run in runs:
        (keeping if run.keeps else losing).append(run.under.unusual)
    if not losing:
        return "always"
    # No setting decides when a server ends its stream: a strategy that loses sessions then is not reliable.
    if not keeping or any(under.get("initialize") == "held" for under in losing):
        return "never"
    for table, inside, outside in ((_SAVING, keeping, losing), (_LOSING, losing, keeping)):
        for name, condition, value in table:
            holds = [under.get(condition) == value for under in inside]
            if all(holds) and not any(under.get(condition) == value for under in outside):
                return name
    return None


def sources(ways: Iterable[Way], phrases: Mapping[str, str]) -> Iterator[Source]:
    """The source of each row that was measured, with its figures in words."""
    for row in ways:
        if row.measured is not None and row.complete:
            yield Source(
                id=f"{SOURCE}{row.id}",
                title=phrases["topology.source"].format(title=row.title),
                kind="measurement",
                ref=phrases["topology.ref"].format(
                    proxy=row.measured.proxy, sdk=row.measured.sdk, tool=row.measured.tool, id=row.id
                ),
                date=row.measured.date,
                says=says(row, phrases),
            )


def says(row: Way, phrases: Mapping[str, str], *, runs: bool = True) -> str:
    """What a measured row shows, with its figures; without `runs` only those of its window."""
    parts = [row.because, *(_figures_in_words(run, phrases) for run in row.runs)] if runs else []
    if runs and all(without_loss(kind, run) for run in row.runs for kind in KINDS[1:]):
        parts.append(phrases["topology.rest"])
    if row.window is not None:
        window = row.window
        parts.append(
            phrases["topology.window"].format(
                at_once=window.at_once,
                longest=_milliseconds(window.longest_us),
                started=_milliseconds(max(window.started_us)),
            )
        )
    return " ".join(parts)


def without_loss(kind: Kind, run: BalancingRun) -> bool:
    """Whether clients without a session lost nothing but what no stateless server can do for legacy clients."""
    taken = run.figures[kind]
    shares = [taken.whole, taken.answered, taken.progress]
    return all(part.full for part in shares) and (taken.sampling.full or kind == "stateless+legacy")


def _figures_in_words(run: BalancingRun, phrases: Mapping[str, str]) -> str:
    taken = run.figures["stateful+legacy"]
    first, last = taken.spread[:-1], taken.spread[-1:]
    return phrases["topology.run"].format(
        under=under(run, phrases),
        kept=taken.whole,
        answered=taken.answered,
        wrong=taken.wrong,
        sampling=taken.sampling,
        over_get=taken.over_get,
        progress=taken.progress,
        spread=" and ".join([", ".join(map(str, first)), *map(str, last)]),
    )


def under(run: BalancingRun, phrases: Mapping[str, str]) -> str:
    """The conditions of a run in words; the usual ones have a phrase of their own."""
    words = [phrases[f"topology.{name}.{value}"] for name, value in run.under.unusual.items()]
    return ", ".join(words) or phrases["topology.usual"]


def _milliseconds(microseconds: int) -> str:
    return f"{microseconds / 1000:.1f} ms" if microseconds < 1_000_000 else f"{microseconds / 1_000_000:.1f} s"
