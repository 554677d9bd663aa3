"""A process that was paused (a paused container, no CPU time) does not conclude that Redis is down."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from proxy_rig import process
from redis_rig import Fleet, redis_server
from running import until

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.parts import server
from advisor.lab.process.ports import free_port

retried = pytest.mark.retried("The test pauses Redis and stops a process for moments of some 100 ms.")

# The answer of Redis arrives while this process is paused. When the process resumes, every timer is over.
LOOK_UP = """
import asyncio, time
from redis.asyncio import Redis
from runtime.shared_state import Store
from runtime.settings import SETTINGS

async def main() -> None:
    store = Store(SETTINGS.redis_url)
    await store.run(lambda redis: redis.set("key", "kept"))

    async def look_up(redis: Redis) -> str:
        if not held:
            held.append(True)
            await redis.execute_command("CLIENT", "PAUSE", 200, "ALL")
            asyncio.get_running_loop().call_later(0.05, time.sleep, HELD_S)
        return await redis.get("key")

    held: list[bool] = []
    print(await store.run(look_up))

asyncio.run(main())
"""


@pytest.mark.programs
@retried
@pytest.mark.parametrize("held_s", [0.0, 3.0])
def test_a_paused_process_repeats_its_look_up(
    decide: Callable[..., Decision], advisor: Advisor, tmp_path: Path, held_s: float
) -> None:
    wanted = {"scale.instances": 3, "scale.affinity": "unavailable", "operations.shared_store": "redis"}
    kit = kit_context(decide({"service": "demo", "needs.session_state": "required", **wanted}))
    for file in server.files(kit):
        path = tmp_path / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    made = Fleet(tmp_path, 0, free_port(), [])
    command = redis_server(made.redis_port)
    with process([*command, "--dir", str(tmp_path)], tmp_path / "redis.log"):
        until("Redis answers", lambda: made.ask("PING") == b"+PONG\r\n")
        done = subprocess.run(
            [sys.executable, "-c", LOOK_UP.replace("HELD_S", str(held_s))],
            cwd=tmp_path / "server",
            env={
                "MCP_REDIS_URL": f"redis://127.0.0.1:{made.redis_port}/0",
                "MCP_SEALING_KEYS": "k" * 32,
                "MCP_INSTANCE_URL": "http://127.0.0.1:1",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.stdout, done.stderr) == ("kept\n", "")
