"""The servers that the ways of the topology table balance: the lab's own, or a kit's where servers do the work."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import advisor
from advisor.kit.model import KitContext
from advisor.kit.parts import server as kit_server
from advisor.lab.process import ports, programs
from advisor.lab.process.run import Launch, Process, Run

INSTANCES = ("one", "two", "three")
_KINDS = ("stateful", "stateless")
_START_S = 60.0
_ROOT = Path(advisor.__file__).parents[1]

Fleet = Mapping[str, tuple[str, ...]]
"""host:port of each server, by `stateful` and `stateless`, in the order of `INSTANCES`."""


async def servers(run: Run) -> Fleet:
    """Three servers with sessions and three without, for all ways; the run ends them.

    Raises:
        LabError: one did not start.
    """
    return _addresses(await _all(run, "", _own))


@asynccontextmanager
async def kit_servers(run: Run, name: str, kit: KitContext) -> AsyncIterator[Fleet]:
    """The same with the servers of a kit, as `generate` writes them, and the Redis that they share, as a context.

    Args:
        run: that holds them.
        name: for folders and logs.
        kit: whose servers.

    Raises:
        LabError: one did not start.
    """
    folder = run.folder / f"{name}-kit"
    for file in kit_server.files(kit):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, encoding="utf-8")
    redis, redis_port = await _redis(run, name)
    shared = {
        "LAB_SERVER": str(folder / "server"),
        "MCP_INSTANCES": str(len(INSTANCES)),
        "MCP_SEALING_KEYS": secrets.token_hex(32),
        "MCP_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def build(kind: str, instance: str, port: int) -> Launch:
        own = {
            "LAB_NAME": instance,
            "MCP_STATELESS": str(kind == "stateless"),
            "MCP_PORT": str(port),
            "MCP_INSTANCE_URL": f"http://127.0.0.1:{port}",
        }
        return _launch(["-m", "advisor.lab.topology.kit_server"], {**shared, **own}, port)

    started: list[tuple[Process, int]] = []
    try:
        started = await _all(run, f"{name}-", build)
        yield _addresses(started)
    finally:
        for process, _ in started:
            await process.terminate()
        await redis.terminate()


async def _redis(run: Run, name: str) -> tuple[Process, int]:
    binary = programs.program("redis-server")

    def build(port: int) -> Launch:
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(run.folder)]
        return Launch([binary, "--port", str(port), *options])

    return await run.start_on_port(f"{name}-redis", build)


async def _all(run: Run, prefix: str, build: Callable[[str, str, int], Launch]) -> list[tuple[Process, int]]:
    """Start each instance of each kind, side by side; in the order of the kinds."""

    async def one(kind: str, instance: str) -> tuple[Process, int]:
        name = f"{prefix}{kind}-{instance}"
        return await run.start_on_port(name, lambda port: build(kind, instance, port), deadline_s=_START_S)

    return await asyncio.gather(*(one(kind, instance) for kind in _KINDS for instance in INSTANCES))


def _addresses(started: list[tuple[Process, int]]) -> Fleet:
    found = [f"127.0.0.1:{port}" for _, port in started]
    count = len(INSTANCES)
    return {kind: tuple(found[n * count : (n + 1) * count]) for n, kind in enumerate(_KINDS)}


def _own(kind: str, instance: str, port: int) -> Launch:
    env = {"LAB_NAME": instance, "LAB_STATELESS": str(int(kind == "stateless"))}
    app = "advisor.lab.topology.test_server:application"
    return _launch(["-m", "uvicorn", "--factory", app, "--port", str(port), "--log-level", "warning"], env, port)


def _launch(arguments: list[str], env: Mapping[str, str], port: int) -> Launch:
    ready = f"http://127.0.0.1:{port}/health"
    return Launch([sys.executable, *arguments], {"PYTHONPATH": str(_ROOT), **env}, ready=lambda: ports.answers(ready))
