"""The types of the capacity data. The head of rules/capacity.yaml explains the keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from advisor.errors import KnowledgeError
from advisor.knowledge.catalogue import Source
from advisor.knowledge.types import Era, flag_key
from advisor.knowledge.versions import Interval, at_least

SOURCE = "capacity-"
"""The start of the id of a source that is made from an entry."""

MEBI = 1 << 20
"""The number of bytes in a MiB."""

# The figures of the memory plan, with their units.
_ALLOWANCES = {"budget": "MiB", "headroom": "percent", "grain": "MiB", "request": "MiB", "limit": "MiB"}


class Spread(NamedTuple):
    """The median, the minimum and the maximum of several measurements of a figure."""

    median: int
    min: int
    max: int


class Limit(NamedTuple):
    """The largest number of sessions in a process, and the first release of the SDK line with this limit.

    The ranges of releases in `without` are newer and have no limit, because pip installs an older mcp with them.
    """

    sessions: int
    since: str
    without: tuple[Interval, ...] = ()

    def applies(self, release: str) -> bool:
        """Return whether a release has this limit."""
        return (
            self.sessions > 0 and at_least(release, self.since) and not any(gap.holds(release) for gap in self.without)
        )

    @property
    def bounds(self) -> set[str]:
        """The releases of the SDK line in which the limit starts or ends."""
        return {self.since, *(text for gap in self.without for text in (gap.start, gap.before))}


class MeasuredCapacity(NamedTuple):
    """The measured capacity of a process of an SDK line."""

    line: str
    release: str
    process_bytes: Spread
    session_bytes: Spread
    stream_session_bytes: Spread
    calls_per_s: dict[Era, dict[str, Spread]]
    sessions: int
    rounds: int
    machine: str
    tool: str
    date: str
    evidence: str
    sources: list[str]
    limit: Limit = Limit(0, "0")

    @property
    def source(self) -> str:
        """The id of the source that is made from this entry."""
        return f"{SOURCE}{self.line}"

    def most_sessions(self, release: str) -> int | None:
        """Return the largest number of sessions in a process of a release; None if the release has no limit."""
        return self.limit.sessions if self.limit.applies(release) else None

    def memory(self, sessions: int) -> int:
        """Return the memory of a process with this number of sessions, each with an open GET stream, in bytes."""
        return self.process_bytes.median + sessions * self.stream_session_bytes.median

    def sessions_in(self, memory: int) -> int:
        """Return the number of sessions with open GET streams that fit into this memory in bytes; at least 1."""
        return max(1, (memory - self.process_bytes.median) // self.stream_session_bytes.median)

    def answered(self, stateless_http: bool, json_response: bool, era: Era) -> int:
        """Return the calls per second of a process with its own CPU core, for a tool that does no work."""
        return self.calls_per_s[era][flag_key(stateless_http, json_response)].median


class Allowance(NamedTuple):
    """A figure of the memory plan. Only a load test with the real tools gives a better figure."""

    id: Literal["budget", "headroom", "grain", "request", "limit"]
    value: int
    unit: Literal["MiB", "percent"]
    because: str
    sources: list[str]


class MemoryPlan(NamedTuple):
    """The figures for the memory of instances. rules/capacity.yaml has the reason for each figure.

    Attributes:
        budget_mi: the memory budget of an instance, in MiB.
        headroom_percent: the memory limit above the computed memory, in percent.
        grain_mi: the unit to which memory is rounded up, in MiB.
        request_mi: the smallest memory request of a process, in MiB.
        limit_mi: the smallest memory limit of a process, in MiB.
        allowances: the entries with these figures.
    """

    budget_mi: int
    headroom_percent: int
    grain_mi: int
    request_mi: int
    limit_mi: int
    allowances: tuple[Allowance, ...]

    @property
    def budget_bytes(self) -> int:
        """The memory budget of an instance, in bytes."""
        return self.budget_mi * MEBI


def memory_plan(allowances: Iterable[Allowance]) -> MemoryPlan:
    """Return the memory plan of the allowances.

    Raises:
        KnowledgeError: a figure is missing, is below 1, or has the wrong unit.
    """
    given: dict[str, Allowance] = {allowance.id: allowance for allowance in allowances}
    for name, unit in _ALLOWANCES.items():
        if name not in given:
            raise KnowledgeError(f"rules/: memory: there is no {name}")
        if given[name].unit != unit or given[name].value < 1:
            raise KnowledgeError(f"rules/: memory ({name}): the value must be at least 1, and the unit must be {unit}")
    return MemoryPlan(
        budget_mi=given["budget"].value,
        headroom_percent=given["headroom"].value,
        grain_mi=given["grain"].value,
        request_mi=given["request"].value,
        limit_mi=given["limit"].value,
        allowances=tuple(given.values()),
    )


def sources(entries: Iterable[MeasuredCapacity], phrases: Mapping[str, str]) -> Iterator[Source]:
    """Yield a source for each entry, with the figures in words."""
    for measured in entries:
        figures = {
            "release": measured.release,
            "line": measured.line,
            "machine": measured.machine,
            "tool": measured.tool,
            "sessions": f"{measured.sessions:,}",
            "rounds": measured.rounds,
            "idle": kilobytes(measured.session_bytes.median),
            "listening": kilobytes(measured.stream_session_bytes.median),
            "calls": " ".join(_calls(measured, phrases["capacity.says.calls"])),
        }
        yield Source(
            id=measured.source,
            title=phrases["capacity.source"].format(**figures),
            kind="measurement",
            ref=phrases["capacity.ref"].format(**figures),
            date=measured.date,
            says=phrases["capacity.says"].format(**figures),
        )


def _calls(measured: MeasuredCapacity, phrase: str) -> Iterator[str]:
    for era, pairs in measured.calls_per_s.items():
        rates = (f"{figures.median:,} with {pair}" for pair, figures in pairs.items())
        yield phrase.format(era=era, rates=", ".join(rates))


def kilobytes(number: int) -> str:
    """Return a number of bytes as kB, for example `41 kB`."""
    return f"{number / 1000:,.0f} kB"
