"""The client program of a load measurement: holds many sessions, or sends as many calls as an instance answers.

The client is a separate process and uses plain sockets, so that the client does not limit the measurement. It imports
only the standard library and `clients/socket_client.py`, so that it starts quickly. It takes a JSON document as its
argument and prints a JSON document.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

from advisor.lab.clients.socket_client import SocketClient

_AT_ONCE = 32  # sessions that are opened in parallel
_ANSWER_S = 30.0  # deadline of an answer
_FAILURES = (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError)


class LoadRefusedError(Exception):
    """The answer of the server is not the expected answer."""


@dataclass
class LoadTarget:
    """The server and the tool that the client calls.

    Attributes:
        port: the port of the server on loopback.
        tool: a tool that does no work.
        arguments: the arguments of the tool.
        expected: a text that the answer of the tool contains.
        pid: the process id of the server.
    """

    port: int
    tool: str
    arguments: dict[str, Any]
    expected: str
    pid: int


@dataclass
class Tally:
    """The counters of a measurement.

    Attributes:
        open: whether the callers send calls.
        counting: whether calls are counted.
        calls: number of counted calls.
        failures: the errors of calls. A caller stops after its first error.
        seconds: the latency of each counted call.
    """

    open: bool = True
    counting: bool = False
    calls: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class LoadClient:
    """One client with its connection. A legacy client also has a session."""

    def __init__(self, target: LoadTarget, era: str) -> None:
        self._target = target
        self._modern = era == "modern"
        self._client = SocketClient(
            repeat(("", target.port)), modern=self._modern, keeps_alive=True, answer_s=_ANSWER_S
        )
        self._expected = target.expected.encode()

    async def begin(self) -> None:
        """Use the initialize handshake if the client is legacy."""
        if self._modern:
            return
        answer = await self._client.initialize()
        if answer.status != 200:
            raise LoadRefusedError(f"initialize: HTTP {answer.status} {answer.body[:200].decode(errors='replace')}")
        await self._client.confirm()

    async def call(self) -> None:
        """Call the tool and check the answer."""
        answer = await self._client.call(self._target.tool, self._target.arguments)
        if answer.status != 200 or self._expected not in answer.body:
            raise LoadRefusedError(f"tools/call: HTTP {answer.status} {answer.body[:200].decode(errors='replace')}")

    async def listen(self) -> None:
        """Open the GET stream of the session. The stream stays open."""
        answer = await self._client.listen()
        if answer.status != 200:
            raise LoadRefusedError(f"GET: HTTP {answer.status}")

    def hang_up(self) -> None:
        """Close the connection; the session stays on the server."""
        self._client.close()


async def hold(target: LoadTarget, count: int, warm: int) -> dict[str, Any]:
    """Open `count` legacy sessions with one call each, then open their GET streams. Read the memory of the server.

    Returns:
        before_bytes: memory of the server after the first `warm` sessions.
        held_bytes: memory with all sessions.
        streams_bytes: memory with the GET streams of all sessions except the first `warm` sessions.
        sessions: number of sessions.
        counted: number of sessions without the first `warm` sessions.
        streams: number of open GET streams.
        refusal: the error if the server refused a session or a stream, else "".
    """
    first, refusal = await _open(target, warm)
    before = await settled(target.pid)
    clients, refusal = await _open(target, count - warm) if not refusal else ([], refusal)
    held = await settled(target.pid)
    listening, stream_refusal = await _side_by_side([client.listen for client in clients])
    with_streams = await settled(target.pid)
    if not stream_refusal:
        others, stream_refusal = await _side_by_side([client.listen for client in first])
        listening += others
    return {
        "before_bytes": before,
        "held_bytes": held,
        "streams_bytes": with_streams,
        "sessions": len(first) + len(clients),
        "counted": len(clients),
        "streams": listening,
        "refusal": refusal or stream_refusal,
    }


async def _open(target: LoadTarget, count: int) -> tuple[list[LoadClient], str]:
    """Open sessions with one call each and close their connections. Returns the clients, and the error or ""."""
    opened: list[LoadClient] = []

    async def session() -> None:
        client = LoadClient(target, "legacy")
        try:
            await client.begin()
            await client.call()
        finally:
            client.hang_up()
        opened.append(client)

    _, refusal = await _side_by_side([session] * count)
    return opened, refusal


async def _side_by_side(works: list[Any]) -> tuple[int, str]:
    """Run functions in parallel until one fails. Returns how many succeeded, and the error or ""."""
    queue = iter(works)
    done = 0
    refusals: list[str] = []

    async def worker() -> None:
        nonlocal done
        for work in queue:
            if refusals:
                return
            try:
                await work()
            except (LoadRefusedError, *_FAILURES) as error:
                refusals.append(str(error) or type(error).__name__)
                return
            done += 1

    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))
    return done, refusals[0] if refusals else ""


async def call_rate(target: LoadTarget, era: str, connections: int, seconds: float) -> dict[str, Any]:
    """Send calls without a pause over some connections.

    Returns:
        calls: number of answered calls.
        seconds: duration of the measurement.
        median_ms: median of the latency.
        p95_ms: 95th percentile of the latency.
        server_share: share of a processor that the server used; 1 means a fully used processor.
        client_share: share of a processor that this client used.
        failure: the first error, or "".
    """
    clients = [LoadClient(target, era) for _ in range(connections)]
    tally = Tally()
    for client in clients:
        await client.begin()
    callers = [asyncio.create_task(_caller(client, tally)) for client in clients]
    await asyncio.wait(callers, timeout=min(0.5, seconds / 2), return_when=asyncio.FIRST_COMPLETED)
    began, server, own = time.perf_counter(), processor_s(target.pid), time.process_time()
    tally.counting = True
    await asyncio.wait(callers, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    tally.counting = False
    took = time.perf_counter() - began
    used = (processor_s(target.pid) - server, time.process_time() - own)
    # The callers stop after their current call. They are not cancelled: before Python 3.12, wait_for can ignore that.
    tally.open = False
    await asyncio.wait(callers, timeout=_ANSWER_S)
    tally.seconds.sort()
    return {
        "calls": tally.calls,
        "seconds": took,
        "median_ms": _quantile(tally.seconds, 0.5) * 1000,
        "p95_ms": _quantile(tally.seconds, 0.95) * 1000,
        "server_share": used[0] / took,
        "client_share": used[1] / took,
        "failure": tally.failures[0] if tally.failures else "",
    }


async def _caller(client: LoadClient, tally: Tally) -> None:
    while tally.open:
        began = time.perf_counter()
        try:
            await client.call()
        except (LoadRefusedError, *_FAILURES) as error:
            tally.failures.append(str(error) or type(error).__name__)
            tally.open = False
            return
        if tally.counting:
            tally.calls += 1
            tally.seconds.append(time.perf_counter() - began)


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def settled(pid: int) -> int:
    """The memory of a process in bytes, as soon as it no longer changes, or after two seconds."""
    last, calm, end = memory_bytes(pid), 0, time.monotonic() + 2
    while calm < 3 and time.monotonic() < end:
        await asyncio.sleep(0.1)
        now = memory_bytes(pid)
        calm = calm + 1 if now == last else 0
        last = now
    return last


def memory_bytes(pid: int) -> int:
    """The memory of a process in bytes (resident set size)."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:  # no /proc on this system
        return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(pid)])) * 1024


def processor_s(pid: int) -> float:
    """The processor time of a process in seconds; 0 if the system has no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _run(job: dict[str, Any]) -> dict[str, Any]:
    target = LoadTarget(**job["target"])
    if job["what"] == "hold":
        return await hold(target, job["count"], job["warm"])
    return await call_rate(target, job["era"], job["connections"], job["seconds"])


if __name__ == "__main__":
    try:
        print(json.dumps(asyncio.run(_run(json.loads(sys.argv[1])))))
    except (LoadRefusedError, OSError) as refused:
        sys.exit(f"{type(refused).__name__}: {refused}")
