"""Select the log lines of a fleet's processes that explain a difference."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from advisor.lab.fleet.fleet import Fleet
from advisor.lab.process.process import Process

_MOST = 8
_WIDEST = 240
_TROUBLE = re.compile(
    r"error|exception|warning|not found|refused|reset|invalid|rejected|upstream|mismatch", re.IGNORECASE
)
_NOISE = re.compile(r"Deprecat|overcommit|^\s*await |Created new transport|Terminating session")


class LogLine(NamedTuple):
    """A line of a log, and the process that wrote it."""

    process: str
    line: str

    def __str__(self) -> str:
        return f"{self.process}: {self.line}"


class Marks:
    """The sizes of the logs of a fleet's processes at the moment of creation."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._sizes = {process.name: _size(process) for process in fleet.processes}

    def lines(self) -> tuple[LogLine, ...]:
        """The important lines that the processes wrote since then. Lines of the proxy come first."""
        names = {f"127.0.0.1:{instance.port}": instance.name for instance in self._fleet.instances}
        found: list[LogLine] = []
        for process in self._fleet.processes:
            written = _written(process, self._sizes.get(process.name, 0))
            found += [LogLine(process.name, _named(line, names)) for line in _chosen(written)]
        return tuple(found[:_MOST])


async def settled(marks: Marks) -> tuple[LogLine, ...]:
    """Wait up to one second for log lines, because proxies log a request only at its end. Return the lines."""
    for _ in range(20):
        if lines := marks.lines():
            return lines
        await asyncio.sleep(0.05)
    return ()


def _chosen(lines: Iterable[str]) -> list[str]:
    """The failed requests, the request that opened their session, and lines of other logs that look like errors."""
    requests: list[tuple[str, Mapping[str, Any]]] = []
    talk: list[str] = []
    for line in lines:
        record = _record(line)
        if record is not None:
            requests.append((line, record))
        elif _TROUBLE.search(line) and not _NOISE.search(line):
            talk.append(line)
    # The lab sends OPTIONS to follow redirects. The answer to OPTIONS explains nothing.
    asked = [(line, record) for line, record in requests if record.get("method") != "OPTIONS"]
    failed = [(line, record) for line, record in asked if int(record.get("status", 0)) >= 400]
    if not failed:
        return talk[:_MOST]
    sessions = {record.get("session") for _, record in failed} - {"", "-", None}
    opened = [line for line, record in requests if record.get("session") in sessions and (line, record) not in failed]
    return [*opened[:2], *(line for line, _ in failed[:4]), *talk[:2]]


def _record(line: str) -> Mapping[str, Any] | None:
    """Parse a line of an access log; None for any other line."""
    if not line.startswith("{"):
        return None
    with suppress(ValueError):
        record = json.loads(line)
        if isinstance(record, dict) and str(record.get("status", "")).isdigit():
            return record
    return None


def _named(line: str, names: Mapping[str, str]) -> str:
    for address, name in names.items():
        line = line.replace(address, name)
    return line[:_WIDEST]


def _size(process: Process) -> int:
    with suppress(OSError):
        return process.log.stat().st_size
    return 0


def _written(process: Process, since: int) -> list[str]:
    with suppress(OSError), process.log.open("rb") as log:
        log.seek(since)
        return log.read().decode(errors="replace").splitlines()
    return []
