"""The types of rules/topology.yaml: the measured effect of load-balancing strategies on sessions.

The head of rules/topology.yaml explains the keys. The program computes the verdict of a strategy from its runs, and
makes a source that rules can cite from its figures.
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
from advisor.sentences import listed

SOURCE = "topology-"
"""The start of the id of a source that is made from a strategy."""

Keeps = Literal["always", "one-proxy", "stable-address", "cookies", "pause", "never"]
SessionKind = Literal["stateful+legacy", "stateful+modern", "stateless+legacy", "stateless+modern"]
KINDS: tuple[SessionKind, ...] = ("stateful+legacy", "stateful+modern", "stateless+legacy", "stateless+modern")
"""The kinds of servers, each with clients of a protocol era."""

_SHARE = re.compile(r"(\d{1,9}) of (\d{1,9})")


@dataclass(frozen=True, slots=True)
class Share:
    """A count and a total. The file has the form `118 of 120`."""

    __pydantic_config__ = STRICT
    count: Count
    of: Count

    def __str__(self) -> str:
        return f"{self.count} of {self.of}"

    @property
    def full(self) -> bool:
        """Whether the count is equal to the total."""
        return self.count == self.of


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures for a kind of server with clients of a protocol era.

    Attributes:
        whole: sessions in which every request succeeds. Without sessions: clients with this property.
        answered: tool calls that return their result.
        wrong: tool calls that reach another instance than the owner of their session.
        sampling: clients whose reply to a sampling request reaches the tool.
        progress: progress notifications that reach the client.
        spread: sessions by instance, the largest number first. Without sessions: calls by instance.
        over_get: clients that get the sampling request on their GET stream; only for servers with sessions.
        crossed: second requests of sampling that reach another instance than the first; only for modern clients.
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
    """The conditions of a run."""

    __pydantic_config__ = STRICT
    addresses: Literal["one", "one-network", "many", "changing"] = "one"
    cookies: Literal["dropped", "kept"] = "dropped"
    proxies: Literal[1, 2] = 1
    initialize: Literal["prompt", "held"] = "prompt"
    pace: Literal["at-once", "calm"] = "at-once"
    instances: Literal["same", "added"] = "same"

    @property
    def unusual(self) -> dict[str, str]:
        """The conditions that differ from their default, with their values as text."""
        given = {condition.name: getattr(self, condition.name) for condition in fields(self)}
        usual = {condition.name: condition.default for condition in fields(self)}
        return {name: str(value) for name, value in given.items() if value != usual[name]}


@dataclass(frozen=True, slots=True)
class BalancingRun:
    """A measurement of a strategy. It has no figures before the measurement."""

    __pydantic_config__ = STRICT
    under: Conditions
    figures: dict[SessionKind, Figures] = field(default_factory=dict)

    @property
    def keeps(self) -> bool:
        """Whether every session is kept."""
        return self.figures["stateful+legacy"].whole.full


@dataclass(frozen=True, slots=True)
class Window:
    """The delay until a second proxy knows a new session of the first proxy.

    Attributes:
        at_once: sessions that the second proxy knows at the first call.
        longest_us: the longest delay of a session, in microseconds.
        started_us: the longest delay in the first seconds after each start of the proxy, in microseconds, in
            ascending order.
    """

    __pydantic_config__ = STRICT
    at_once: Share
    longest_us: Count
    started_us: list[Count]


@dataclass(frozen=True, slots=True)
class MeasuredOn:
    """The programs and the date of a measurement."""

    __pydantic_config__ = STRICT
    proxy: str
    sdk: str
    tool: str
    date: Day


@dataclass(frozen=True, slots=True)
class BalancingStrategy:
    """A load-balancing strategy and its effect on sessions: a row of the table."""

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
        """The proxy of the strategy, as in rules/proxies.yaml."""
        return self.program.removesuffix("-debian")

    @property
    def complete(self) -> bool:
        """Whether all runs have figures."""
        return self.measured is not None and all(set(run.figures) == set(KINDS) for run in self.runs)


def share(text: Any) -> dict[str, int] | None:
    """Return the parts of `118 of 120`; None for another form, or if the count is larger than the total."""
    found = _SHARE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    count, of = int(found[1]), int(found[2])
    return {"count": count, "of": of} if count <= of else None


# The verdict, the condition, and the value of the condition with which sessions are kept (or lost).
_SAVING: tuple[tuple[Keeps, str, str], ...] = (("cookies", "cookies", "kept"), ("pause", "pace", "calm"))
_LOSING: tuple[tuple[Keeps, str, str], ...] = (
    ("one-proxy", "proxies", "2"),
    ("stable-address", "addresses", "changing"),
)


def verdict(row: BalancingStrategy) -> Keeps | None:
    """Return the condition under which sessions are kept, from the figures of the runs.

    The result is None if no single condition explains the runs.

    Raises:
        KeyError: a run has no figures.
    """
    steady = [run for run in row.runs if run.under.instances == "same"]
    found = _verdict(steady)
    # A new instance can take clients from a hash of the address. The reason of the row says so.
    if found not in ("never", "stable-address") and not all(run.keeps for run in row.runs if run not in steady):
        return None
    # A delay of milliseconds affects a run only by chance. The window measures this delay.
    return "pause" if found == "always" and row.window is not None and not row.window.at_once.full else found


def _verdict(runs: Iterable[BalancingRun]) -> Keeps | None:
    keeping: list[dict[str, str]] = []
    losing: list[dict[str, str]] = []
    for run in runs:
        (keeping if run.keeps else losing).append(run.under.unusual)
    if not losing:
        return "always"
    # No setting controls when a server ends its stream. A strategy that then loses sessions is not reliable.
    if not keeping or any(under.get("initialize") == "held" for under in losing):
        return "never"
    for table, inside, outside in ((_SAVING, keeping, losing), (_LOSING, losing, keeping)):
        for name, condition, value in table:
            holds = [under.get(condition) == value for under in inside]
            if all(holds) and not any(under.get(condition) == value for under in outside):
                return name
    return None


def sources(ways: Iterable[BalancingStrategy], phrases: Mapping[str, str]) -> Iterator[Source]:
    """Yield a source for each measured strategy, with its figures in words."""
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


def says(row: BalancingStrategy, phrases: Mapping[str, str], *, runs: bool = True) -> str:
    """Return the result of a measured strategy with its figures; without `runs`, only the figures of its window."""
    parts = []
    if runs:
        summary = [
            phrases["topology.kept"].format(when=_when(run, row, phrases), kept=run.figures["stateful+legacy"].whole)
            for run in (row.runs if len(row.runs) > 1 else [])
        ]
        parts = [row.because, *summary, *(_figures_in_words(run, row, phrases) for run in row.runs)]
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


def without_loss(kind: SessionKind, run: BalancingRun) -> bool:
    """Return whether clients without a session have no losses, except sampling for legacy clients."""
    taken = run.figures[kind]
    shares = [taken.whole, taken.answered, taken.progress]
    return all(part.full for part in shares) and (taken.sampling.full or kind == "stateless+legacy")


def _figures_in_words(run: BalancingRun, row: BalancingStrategy, phrases: Mapping[str, str]) -> str:
    taken = run.figures["stateful+legacy"]
    return phrases["topology.run"].format(
        under=under(run, phrases) if run.under.unusual else phrases["topology.usual.words"],
        kept=taken.whole,
        answered=taken.answered,
        wrong=taken.wrong,
        sampling=taken.sampling,
        over_get=taken.over_get,
        progress=taken.progress,
        spread=listed(map(str, taken.spread)),
    )


def under(run: BalancingRun, phrases: Mapping[str, str]) -> str:
    """Return the conditions of a run in words. The default conditions have their own phrase."""
    return ", ".join(phrases[f"topology.{name}"] for name in _unusual(run) or ["usual"])


def _when(run: BalancingRun, row: BalancingStrategy, phrases: Mapping[str, str]) -> str:
    """Return the conditions of a run as the clauses at the start of a sentence."""
    clauses = " and ".join(phrases[f"topology.if.{name}"] for name in _conditions(run, row))
    return clauses[:1].upper() + clauses[1:]


def _conditions(run: BalancingRun, row: BalancingStrategy) -> list[str]:
    """Return the conditions of a run that tell it from other runs of `row`, as parts of the ids of phrases."""
    named = _unusual(run)
    if run.under.cookies == "dropped" and any(other.under.cookies == "kept" for other in row.runs):
        named.append("cookies.dropped")
    return named or ["usual"]


def _unusual(run: BalancingRun) -> list[str]:
    return [f"{name}.{value}" for name, value in run.under.unusual.items()]


def _milliseconds(microseconds: int) -> str:
    return f"{microseconds / 1000:.1f} ms" if microseconds < 1_000_000 else f"{microseconds / 1_000_000:.1f} s"
