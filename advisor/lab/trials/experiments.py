"""What the clients of a trial do. Each experiment of rules/trials.yaml has a function that returns its figure."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from advisor.errors import LabError
from advisor.knowledge.topology import SessionKind
from advisor.lab.clients import raw_client
from advisor.lab.clients.socket_client import SocketAnswer, SocketClient
from advisor.lab.process.ports import listening
from advisor.lab.process.process import POLL_S, Process
from advisor.lab.testserver.execution_log import TOOL
from advisor.lab.topology.rates import rates
from advisor.lab.topology.routes import ClientRoute

_SEED = 4
_SESSIONS, _CALLS = 40, 3
_REPEATED = 10  # calls that run when an instance is killed
_LONG = 5  # long calls at the same time
_RUNNING_S = 15.0  # seconds until all of these calls must run
_LARGE = 2_000_000  # bytes of the argument of a large request
_CHECKED_S = 10.0  # seconds in which a health check must have taken an instance out of use


@dataclass(frozen=True, slots=True)
class TrialDeployment:
    """A running deployment.

    Attributes:
        port: the port of the proxy.
        servers: the process of each server, by its name in the header X-Served-By.
        executions: the folder with the logs of the tool `TOOL`.
        seconds: how long a call of the experiment takes, if the experiment has long calls.
    """

    port: int
    servers: Mapping[str, Process]
    executions: Path
    seconds: float

    @contextmanager
    def client(self, *, modern: bool, answer_s: float = 30.0) -> Iterator[SocketClient]:
        """A client whose requests each have a connection. All connections end with the context."""
        client = SocketClient(ClientRoute(("127.0.0.1",), (self.port,)).turns(), modern=modern, answer_s=answer_s)
        try:
            yield client
        finally:
            client.close()


async def _kept(deployment: TrialDeployment, kind: SessionKind, *, held: bool = False) -> float:
    route = ClientRoute(("127.0.0.1",), (deployment.port,), held=held)
    return (await rates(kind, [route] * _SESSIONS, _CALLS, _SEED)).whole


async def sessions(deployment: TrialDeployment) -> float:
    """The number of sessions of legacy clients in which every request was answered."""
    return await _kept(deployment, "stateful+legacy")


async def held_sessions(deployment: TrialDeployment) -> float:
    """The same number, with a server that ends the stream of initialize some time after the answer."""
    return await _kept(deployment, "stateful+legacy", held=True)


async def modern_clients(deployment: TrialDeployment) -> float:
    """The number of modern clients whose calls were all answered."""
    return await _kept(deployment, "stateless+modern")


async def repeated_calls(deployment: TrialDeployment) -> float:
    """The number of calls that ran more than once after an instance was killed."""
    calls = [f"call{number}" for number in range(_REPEATED)]
    with deployment.client(modern=True) as client:
        waiting = [asyncio.ensure_future(_number(client.call(TOOL, {"call": call, "seconds": 5}))) for call in calls]
        end = time.monotonic() + _RUNNING_S
        while len(_started(deployment.executions)) < len(calls):
            if time.monotonic() > end:
                raise LabError(f"Not all calls ran within {_RUNNING_S:g} s.")
            await asyncio.sleep(POLL_S)
        next(iter(deployment.servers.values())).kill()
        await asyncio.gather(*waiting)
    return sum(number > 1 for number in _started(deployment.executions).values())


def _started(folder: Path) -> Counter[str]:
    """How often each call started, by its name."""
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    return Counter(entry["call"] for entry in map(json.loads, lines) if entry["step"] == "start")


async def long_calls(deployment: TrialDeployment) -> float:
    """The number of answered calls that take some seconds and send nothing."""
    arguments = {"call": "long", "seconds": deployment.seconds}
    with deployment.client(modern=True, answer_s=deployment.seconds + 30) as client:
        return sum(await asyncio.gather(*(_answered(client.call(TOOL, arguments)) for _ in range(_LONG))))


async def first_message(deployment: TrialDeployment) -> float:
    """Seconds until the first log message of a call of three seconds."""
    async with raw_client.endpoint(f"http://127.0.0.1:{deployment.port}/mcp", "legacy") as client:
        began = time.monotonic()
        async with client.calling("research", {"topic": "proxies"}) as answer:
            async for event in raw_client.events(answer):
                if event.data:
                    return round(time.monotonic() - began, 1)
    raise LabError("The call had no event.")


async def large_request(deployment: TrialDeployment) -> float:
    """The HTTP status of a call with a large argument."""
    with deployment.client(modern=True) as client:
        return await _number(client.call(TOOL, {"call": "a" * _LARGE}))


async def lost_instance(deployment: TrialDeployment) -> float:
    """The HTTP status of the next request in a session whose instance was killed."""
    with deployment.client(modern=False) as client:
        opened = await client.initialize()
        name = opened.headers["x-served-by"]
        deployment.servers[name].kill()
        while await listening(int(name)):
            await asyncio.sleep(POLL_S)
        return await _number(client.ping())


async def checked_instance(deployment: TrialDeployment) -> float:
    """The HTTP status of a call after the proxy has checked the instance for some seconds."""
    end = time.monotonic() + _CHECKED_S
    found = 0.0
    while time.monotonic() < end and found < 500:
        with deployment.client(modern=True) as client:
            found = await _number(client.call(TOOL, {"call": "checked"}))
        await asyncio.sleep(POLL_S)
    return found


async def _number(request: Awaitable[SocketAnswer]) -> float:
    """The HTTP status of an answer; 0 if the connection broke."""
    try:
        return (await request).status
    except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
        return 0


async def _answered(request: Awaitable[SocketAnswer]) -> bool:
    """Whether a call got its result."""
    try:
        return (await request).reply().get("result", {}).get("isError", True) is False
    except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
        return False


MeasuringFunction: TypeAlias = Callable[[TrialDeployment], Awaitable[float]]

EXPERIMENTS: Mapping[str, MeasuringFunction] = {
    "sessions": sessions,
    "held-sessions": held_sessions,
    "modern-clients": modern_clients,
    "repeated-calls": repeated_calls,
    "long-calls": long_calls,
    "first-message": first_message,
    "large-request": large_request,
    "lost-instance": lost_instance,
    "checked-instance": checked_instance,
}
"""The function of each experiment of rules/trials.yaml."""
