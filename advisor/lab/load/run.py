"""What an instance carries: sessions held, memory of each, calls a second under the four flag pairs."""

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
from advisor.lab.process.sdk_under_test import Flags
from advisor.lab.process.steps import Steps

_CLIENT = "advisor.lab.load.client"  # run as a module, without site-packages

WARM_SESSIONS = 50  # the first: what a process takes once, not for each session, is taken by these
CONNECTIONS = 8  # enough to keep a process busy; more only wait
_START_S = 60.0
_HOLD_S = 60.0  # and a tenth of a second for each session
_SPARE_FILES = 64  # what a server has open besides its connections
_BUSY = 0.85  # of a processor: from here on, it is what bounds


Bound = Literal["server", "client", "machine"]
"""What kept calls from being more: the processor of the server or of the client, or other work of the machine."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What idle legacy sessions cost.

    Attributes:
        process_bytes: of the server before any of them.
        session_bytes: of each session after a call, without a connection.
        stream_session_bytes: of each with its GET stream open.
        sessions: how many were held.
        streams: how many of them with their GET stream.
        refusal: why not as many as asked for, or "".
    """

    process_bytes: Count
    session_bytes: int
    stream_session_bytes: int
    sessions: Count
    streams: Count
    refusal: str


@dataclass(frozen=True, slots=True)
class Rate:
    """What a process answered under a flag pair, calls of a trivial tool without pause.

    Attributes:
        stateless_http: the flag.
        json_response: the flag.
        era: of the clients.
        calls_per_s: calls in a second of the clock.
        calls_per_processor_s: calls in a second of processor time of the server, which other programs on the machine
            hardly change; what it answers when a processor is its own.
        median_ms: latency with `CONNECTIONS` callers.
        p95_ms: the same, 95th percentile.
        bound: what kept it from more: `server`, `client`, or `machine`.
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
    """Everything that was measured.

    Attributes:
        asked: how many sessions were asked for.
        machine: on what it was measured.
        memory: an entry for each round.
        rates: an entry for each round, flag pair and era.
        seconds: how long it took.
        load_average: of the machine, before and after.
    """

    asked: Count
    machine: str
    memory: tuple[Memory, ...]
    rates: tuple[Rate, ...]
    seconds: Tenths = field(compare=False, default=0.0)
    load_average: tuple[Tenths, Tenths] = field(compare=False, default=(0.0, 0.0))

    def rate(self, stateless_http: bool, json_response: bool, era: Era) -> list[Rate]:
        """The rates of a flag pair and era, an entry for each round."""
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
    """Measure what an instance carries.

    Args:
        run: holds the processes.
        server: what is measured.
        count: how many legacy sessions to hold.
        rounds: how often everything is measured; flag pairs take turns, so that a slow moment hits all of them.
        seconds: how long calls are counted for each flag pair and era.
        steps: told of what is done.

    Raises:
        EnvironmentLacksError: so many connections cannot be open on this machine.
        LabError: the server or the client failed.
    """
    allow_sessions(count)
    began, busy = time.monotonic(), os.getloadavg()[0]
    steps = steps or Steps()
    memory, rates = [], []
    with steps.step(f"{count:,} sessions held in one process", rounds) as current:
        for number in range(rounds):
            memory.append(await _hold(run, server, count, number))
            current.advance()
    with steps.step("calls under every flag pair", rounds * len(FLAG_PAIRS) * len(server.eras)) as current:
        started = await asyncio.gather(*(_start(run, server, pair, name="rate") for pair in FLAG_PAIRS))
        for _, (pair, running), era in product(range(rounds), zip(FLAG_PAIRS, started, strict=True), server.eras):
            rates.append(await _rate(run, server, running, pair, era, seconds))
            current.advance()
        for process, _ in started:
            process.kill()
    took, load_average = time.monotonic() - began, (busy, os.getloadavg()[0])
    return Load(count, machine(), tuple(memory), tuple(rates), took, load_average)


def allow_sessions(count: int) -> None:
    """Raise the limit of open files, which children inherit, so that `count` sessions can have their streams open.

    Raises:
        EnvironmentLacksError: the system does not allow that many.
    """
    needed = count + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and needed > hard:
        most = hard - _SPARE_FILES
        raise EnvironmentLacksError(
            f"{count:,} sessions with their GET streams take {needed:,} open files in one process, and this system "
            f"allows {hard:,}. Ask for at most {max(0, most):,}, or raise the limit as root: ulimit -Hn {needed}"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else hard, hard))


def machine() -> str:
    """What it is measured on, in a few words."""
    processors = f"{os.cpu_count()} processors ({platform.machine()})"
    return f"{processors}, {platform.system()}, Python {platform.python_version()}"


async def _start(run: Run, server: LoadedServer, flags: Flags, *, name: str) -> tuple[Process, int]:
    label = f"{server.name}-{name}-{''.join(str(int(flag)) for flag in flags)}"
    return await run.start_on_port(label, server.launch(flags), deadline_s=_START_S)


async def _hold(run: Run, server: LoadedServer, count: int, number: int) -> Memory:
    """One round of sessions, on a fresh server."""
    process, port = await _start(run, server, (False, False), name=f"hold-{number}")
    job = {"what": "hold", "count": count, "warm": min(WARM_SESSIONS, count // 2)}
    found = await _client(run, server, process, port, job, _HOLD_S + count / 10)
    lines = process.tail()
    process.kill()
    before, sessions = found["before_bytes"], found["counted"]
    if not sessions:
        wrong = f"{server.name}: only {found['sessions']} sessions could be held: {found['refusal']}"
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
    run: Run, server: LoadedServer, running: tuple[Process, int], pair: Flags, era: Era, seconds: float
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
