"""What an instance carries, as plain frozen dataclasses; rules/capacity.yaml says what is what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from advisor.knowledge.catalogue import Source
from advisor.knowledge.types import STRICT, Era, flag_key
from advisor.knowledge.versions import key

SOURCE = "capacity-"
"""What the id of the source that derives from an entry starts with."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure that was measured several times."""

    __pydantic_config__ = STRICT
    median: int
    min: int
    max: int


@dataclass(frozen=True, slots=True)
class Limit:
    """How many sessions the SDK takes in one process, since which release of the line."""

    __pydantic_config__ = STRICT
    sessions: int
    since: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one process of an SDK line was measured to carry."""

    __pydantic_config__ = STRICT
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
        return self.limit.sessions if key(release) >= key(self.limit.since) else None

    def answered(self, stateless_http: bool, json_response: bool, era: Era) -> int:
        """Calls of a trivial tool in a second, with a processor of its own."""
        return self.calls_per_s[era][flag_key(stateless_http, json_response)].median


def capacity(entry: Mapping[str, Any]) -> Capacity:
    """An entry from validated JSON data."""
    spreads = {name: Spread(**entry[name]) for name in ("process_bytes", "session_bytes", "stream_session_bytes")}
    calls = {
        era: {pair: Spread(**figures) for pair, figures in pairs.items()} for era, pairs in entry["calls_per_s"].items()
    }
    return Capacity(**{**entry, **spreads, "calls_per_s": calls, "limit": Limit(**entry["limit"])})


def sources(entries: Iterable[Capacity], phrases: Mapping[str, str]) -> Iterator[Source]:
    """The source of each entry, with its figures in words."""
    for one in entries:
        figures = {
            "release": one.release,
            "line": one.line,
            "machine": one.machine,
            "tool": one.tool,
            "sessions": f"{one.sessions:,}",
            "rounds": one.rounds,
            "idle": kilobytes(one.session_bytes.median),
            "listening": kilobytes(one.stream_session_bytes.median),
            "calls": "; ".join(_calls(one)),
        }
        yield Source(
            id=one.source,
            title=phrases["capacity.source"].format(**figures),
            kind="measurement",
            ref=phrases["capacity.ref"].format(**figures),
            date=one.date,
            says=phrases["capacity.says"].format(**figures),
        )


def _calls(one: Capacity) -> Iterator[str]:
    for era, pairs in one.calls_per_s.items():
        yield f"{era}: " + ", ".join(f"{figures.median:,} {pair}" for pair, figures in pairs.items())


def kilobytes(number: int) -> str:
    """Bytes as `41 kB`."""
    return f"{number / 1000:,.0f} kB"
