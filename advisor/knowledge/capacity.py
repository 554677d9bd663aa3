"""What an instance carries, as named tuples; rules/capacity.yaml says what is what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from advisor.errors import KnowledgeError
from advisor.knowledge.catalogue import Source
from advisor.knowledge.types import Era, flag_key
from advisor.knowledge.versions import at_least

SOURCE = "capacity-"
"""What the id of the source that derives from an entry starts with."""

MEBI = 1 << 20
"""Bytes of a mebibyte, in which platforms grant memory."""

# Every figure of the plan and its unit.
_ALLOWANCES = {"budget": "MiB", "headroom": "percent", "grain": "MiB", "request": "MiB", "limit": "MiB"}


class Spread(NamedTuple):
    """A figure that was measured several times."""

    median: int
    min: int
    max: int


class Limit(NamedTuple):
    """How many sessions the SDK takes in a process, since which release of the line."""

    sessions: int
    since: str


class MeasuredCapacity(NamedTuple):
    """What a process of an SDK line was measured to carry."""

    line: str
    release: str
    process_bytes: Spread
    session_bytes: Spread
    stream_session_bytes: Spread
    calls_per_s: dict[Era, dict[str, Spread]]
    limit: Limit
    sessions: int
    rounds: int
    machine: str
    tool: str
    date: str
    evidence: str
    sources: list[str]

    @property
    def source(self) -> str:
        """The id of the source that derives from it."""
        return f"{SOURCE}{self.line}"

    def most_sessions(self, release: str) -> int | None:
        """How many sessions a process of a release takes; None where there is no limit."""
        return self.limit.sessions if at_least(release, self.limit.since) else None

    def memory(self, sessions: int) -> int:
        """Bytes of a process that holds this many sessions, each with its GET stream open."""
        return self.process_bytes.median + sessions * self.stream_session_bytes.median

    def sessions_in(self, memory: int) -> int:
        """How many sessions, their GET streams open, a process with this many bytes holds; at least one."""
        return max(1, (memory - self.process_bytes.median) // self.stream_session_bytes.median)

    def answered(self, stateless_http: bool, json_response: bool, era: Era) -> int:
        """Calls of a trivial tool in a second, with a processor of its own."""
        return self.calls_per_s[era][flag_key(stateless_http, json_response)].median


class Allowance(NamedTuple):
    """A figure that memory is planned with, where only a load test with the real tools would tell a better figure."""

    id: Literal["budget", "headroom", "grain", "request", "limit"]
    value: int
    unit: Literal["MiB", "percent"]
    because: str
    sources: list[str]


class MemoryPlan(NamedTuple):
    """What memory is planned with; rules/capacity.yaml says why it is that much.

    Attributes:
        budget_mi: mebibytes that are planned for an instance at most.
        headroom_percent: what may be used beyond what is computed.
        grain_mi: mebibytes that what is asked for is a multiple of.
        request_mi: mebibytes that a process asks for at least.
        limit_mi: mebibytes that a process may use at least.
        allowances: the entries that these figures are from.
    """

    budget_mi: int
    headroom_percent: int
    grain_mi: int
    request_mi: int
    limit_mi: int
    allowances: tuple[Allowance, ...]

    @property
    def budget_bytes(self) -> int:
        """What is planned for an instance at most, in bytes."""
        return self.budget_mi * MEBI


def memory_plan(allowances: Iterable[Allowance]) -> MemoryPlan:
    """The plan that the allowances make.

    Raises:
        KnowledgeError: a figure is missing, or is none that memory can be planned with.
    """
    given: dict[str, Allowance] = {allowance.id: allowance for allowance in allowances}
    for name, unit in _ALLOWANCES.items():
        if name not in given:
            raise KnowledgeError(f"rules/: memory: there is no {name}")
        if given[name].unit != unit or given[name].value < 1:
            raise KnowledgeError(f"rules/: memory ({name}): a number of {unit}, at least 1")
    return MemoryPlan(
        budget_mi=given["budget"].value,
        headroom_percent=given["headroom"].value,
        grain_mi=given["grain"].value,
        request_mi=given["request"].value,
        limit_mi=given["limit"].value,
        allowances=tuple(given.values()),
    )


def sources(entries: Iterable[MeasuredCapacity], phrases: Mapping[str, str]) -> Iterator[Source]:
    """The source of each entry, with its figures in words."""
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
            "calls": " ".join(_calls(measured)),
        }
        yield Source(
            id=measured.source,
            title=phrases["capacity.source"].format(**figures),
            kind="measurement",
            ref=phrases["capacity.ref"].format(**figures),
            date=measured.date,
            says=phrases["capacity.says"].format(**figures),
        )


def _calls(measured: MeasuredCapacity) -> Iterator[str]:
    for era, pairs in measured.calls_per_s.items():
        rates = (f"{figures.median:,} with {pair}" for pair, figures in pairs.items())
        yield f"{era.title()} clients: {', '.join(rates)}."


def kilobytes(number: int) -> str:
    """Bytes as `41 kB`."""
    return f"{number / 1000:,.0f} kB"
