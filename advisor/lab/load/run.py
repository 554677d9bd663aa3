"""Measures the load of one instance: memory of sessions, and calls per second with the four flag pairs."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

from advisor.documents import Count, Tenths
from advisor.errors import EnvironmentLacksError, LabError
from advisor.knowledge.types import FLAG_PAIRS, Era
from advisor.lab.load.loaded_server import LoadedServer
from advisor.lab.paths import PROGRAM
from advisor.lab.process.run import Process, Run
from advisor.lab.process.sdk_under_test import FlagPair
from advisor.lab.process.steps import Steps

_CLIENT = "advisor.lab.load.client"  # runs as a module, without site-packages

WARM_SESSIONS = 50  # the first sessions; they allocate the memory that a process needs only once
CONNECTIONS = 8  # enough to keep a process busy; calls on more connections only wait
_START_S = 60.0
_HOLD_S = 60.0  # plus a tenth of a second for each session
_SPARE_FILES = 64  # open files of a server apart from its connections
_BUSY = 0.85  # from this share on, a processor is the limit


Bound = Literal["server", "client", "machine"]
"""What limits the number of calls: the processor of the server or of the client, or other work of the machine."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of idle legacy sessions.

    Attributes:
        process_bytes: memory of the server with the first `WARM_SESSIONS` sessions.
        session_bytes: memory of each session after one call, without a connection.
        stream_session_bytes: memory of each session with an open GET stream.
        sessions: number of sessions.
        streams: number of sessions with an open GET stream.
        refusal: the error if the server refused a session or a stream, else "".
    """

    process_bytes: Count
    session_bytes: int
    stream_session_bytes: int
    sessions: Count
    streams: Count
    refusal: str


@dataclass(frozen=True, slots=True)
class Rate:
    """The calls that one process answers with a flag pair. The tool does no work, and the callers do not pause.

    Attributes:
        stateless_http: the flag.
        json_response: the flag.
        era: the protocol era of the clients.
        calls_per_s: calls per second of clock time.
        calls_per_processor_s: calls per second of processor time of the server. A process with its own processor
            answers this many calls per second. Other programs on the machine hardly change this value.
        median_ms: median of the latency with `CONNECTIONS` callers.
        p95_ms: 95th percentile of the latency.
        bound: the limit of the number of calls: `server`, `client` or `machine`.
    """

    stateless_http: bool
    json_response: bool
    era: Era
    calls_per_s: Tenths
    calls_per_processor_s: Tenths
    median_ms: Tenths
    p95_ms: Tenths
    bound: Bound


@dataclass(frozen=True, slots=True)
class Load:
    """The results of a load measurement.

    Attributes:
        asked: the requested number of sessions.
        machine: processors, operating system and Python version.
        memory: one entry for each round.
        rates: one entry for each round, flag pair and protocol era.
        seconds: the duration of the measurement.
        load_average: the load average of the machine at the start and at the end.
    """

    asked: Count
    machine: str
    memory: tuple[Memory, ...]
    rates: tuple[Rate, ...]
    seconds: Tenths = field(compare=False, default=0.0)
    load_average: tuple[Tenths, Tenths] = field(compare=False, default=(0.0, 0.0))

    def rate(self, stateless_http: bool, json_response: bool, era: Era) -> list[Rate]:
        """The rates of a flag pair and protocol era, one entry for each round."""
        wanted = (stateless_http, json_response, era)
        return [rate for rate in self.rates if (rate.stateless_http, rate.json_response, rate.era) == wanted]


async def measure_load(
    run: Run,
    server: LoadedServer,
    count: int,
    *,
    rounds: int = 1,
    seconds: float = 1.5,
    steps: Steps | None = None,
) -> Load:
    """Measure the load of one instance.

    Args:
        run: owns the processes.
        server: the server.
        count: the number of legacy sessions.
        rounds: the number of measurements. The flag pairs are measured alternately, so that a slow moment of the
            machine affects all flag pairs.
        seconds: the time in which calls are counted, for each flag pair and protocol era.
        steps: shows the steps.

    Raises:
        EnvironmentLacksError: the system does not allow enough open files.
        LabError: the server or the client failed.
    """
    allow_sessions(count)
    began, busy = time.monotonic(), os.getloadavg()[0]
    steps = steps or Steps()
    memory, rates = [], []
    with steps.step(f"memory of {count:,} sessions in one process", rounds) as current:
        for number in range(rounds):
            memory.append(await _hold(run, server, count, number))
            current.advance()
    with steps.step("calls with every flag pair", rounds * len(FLAG_PAIRS) * len(server.eras)) as current:
        started = await asyncio.gather(*(_start(run, server, pair, name="rate") for pair in FLAG_PAIRS))
        for _, (pair, running), era in product(range(rounds), zip(FLAG_PAIRS, started, strict=True), server.eras):
            rates.append(await _rate(run, server, running, pair, era, seconds))
            current.advance()
        for process, _ in started:
            process.kill()
    took, load_average = time.monotonic() - began, (busy, os.getloadavg()[0])
    return Load(count, machine(), tuple(memory), tuple(rates), took, load_average)


def allow_sessions(count: int) -> None:
    """Raise the limit of open files, so that `count` sessions can have open streams. Child processes inherit the limit.

    Raises:
        EnvironmentLacksError: the system does not allow enough open files.
    """
    needed = count + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and needed > hard:
        most = hard - _SPARE_FILES
        raise EnvironmentLacksError(
            f"{count:,} sessions with open GET streams need {needed:,} open files in one process. This system allows "
            f"{hard:,}. Use at most {max(0, most):,} sessions, or raise the limit as root: ulimit -Hn {needed}"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else hard, hard))


def machine() -> str:
    """The processors, the operating system and the Python version of this machine."""
    processors = f"{os.cpu_count()} processors ({platform.machine()})"
    return f"{processors}, {platform.system()}, Python {platform.python_version()}"


async def _start(run: Run, server: LoadedServer, flags: FlagPair, *, name: str) -> tuple[Process, int]:
    label = f"{server.name}-{name}-{''.join(str(int(flag)) for flag in flags)}"
    return await run.start_on_port(label, server.launch(flags), deadline_s=_START_S)


async def _hold(run: Run, server: LoadedServer, count: int, number: int) -> Memory:
    """Measure the memory of sessions once, with a new server."""
    process, port = await _start(run, server, (False, False), name=f"hold-{number}")
    job = {"what": "hold", "count": count, "warm": min(WARM_SESSIONS, count // 2)}
    found = await _client(run, server, process, port, job, _HOLD_S + count / 10)
    lines = process.tail()
    process.kill()
    before, sessions = found["before_bytes"], found["counted"]
    if not sessions:
        wrong = f"{server.name}: the server held only {found['sessions']} sessions: {found['refusal']}"
        raise LabError(wrong, lines=lines)
    return Memory(
        before,
        (found["held_bytes"] - before) // sessions,
        (found["streams_bytes"] - before) // sessions,
        found["sessions"],
        found["streams"],
        found["refusal"],
    )


async def _rate(
    run: Run, server: LoadedServer, running: tuple[Process, int], pair: FlagPair, era: Era, seconds: float
) -> Rate:
    process, port = running
    job = {"what": "calls", "era": era, "connections": CONNECTIONS, "seconds": seconds}
    found = await _client(run, server, process, port, job, seconds + _HOLD_S)
    if found["failure"]:
        raise LabError(f"{server.name}: a call failed under load: {found['failure']}", lines=process.tail())
    per_s = found["calls"] / found["seconds"]
    shares: dict[Bound, float] = {"server": found["server_share"], "client": found["client_share"]}
    busiest = max(shares, key=lambda name: shares[name])
    bound: Bound = busiest if shares[busiest] >= _BUSY else "machine"
    own = per_s / shares["server"] if shares["server"] else per_s
    return Rate(pair[0], pair[1], era, per_s, own, found["median_ms"], found["p95_ms"], bound)


async def _client(
    run: Run, server: LoadedServer, process: Process, port: int, job: Mapping[str, Any], deadline_s: float
) -> dict[str, Any]:
    target = {
        "port": port,
        "tool": server.tool,
        "arguments": dict(server.arguments),
        "expected": server.expected,
        "pid": process.pid,
    }
    command = [sys.executable, "-S", "-s", "-m", _CLIENT, json.dumps({**job, "target": target})]
    env = {"PYTHONPATH": str(PROGRAM)}
    found: dict[str, Any] = json.loads(await run.execute("load-client", command, env=env, deadline_s=deadline_s))
    return found
