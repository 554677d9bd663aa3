"""A server accepts as many sessions as its memory holds, and ended sessions make room for new ones."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from proxy_kits import LEARN, decided, sticky

from advisor.decision.advisor import Advisor
from advisor.kit.parts import proxy, server


@pytest.fixture(scope="module")
def module(advisor: Advisor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """runtime/observability.py of a kit with sessions, in a package of its own name."""
    folder = tmp_path_factory.mktemp("kit")
    package = folder / "kit_runtime"
    package.mkdir()
    files = {file.path: file.content for file in server.files(sticky(advisor, LEARN))}
    for name in ("__init__", "logs", "metrics", "observability", "settings"):
        source = files[f"server/runtime/{name}.py"]
        (package / f"{name}.py").write_text(source.replace("from runtime", "from kit_runtime"))
    sys.path.insert(0, str(folder))
    yield importlib.import_module("kit_runtime.observability")
    sys.path.remove(str(folder))


class Sdk:
    """An application that gives each request without a session id a session."""

    def __init__(self) -> None:
        self.opened = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = []
        if scope["method"] == "POST" and not scope["headers"]:
            self.opened += 1
            headers = [(b"mcp-session-id", f"session-{self.opened}".encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def answer(app: Any, method: str = "POST", **headers: str) -> tuple[int, dict[bytes, bytes]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/mcp", "headers": named}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])


def test_a_full_server_refuses_new_sessions_and_nothing_else(module: Any) -> None:
    app = module.Observability(Sdk(), keeps_sessions=True, ready=lambda: True, max_sessions=3)
    assert [answer(app)[0] for _ in range(3)] == [200] * 3
    status, headers = answer(app)
    assert (status, headers[b"retry-after"]) == (503, b"30")
    assert answer(app, mcp_session_id="session-1")[0] == 200
    assert answer(app, mcp_method="tools/call")[0] == 200, "modern clients have no session"
    assert answer(app, "DELETE", mcp_session_id="session-1")[0] == 200
    assert answer(app)[0] == 200
    assert answer(app)[0] == 503


def test_the_limit_is_the_memory_of_an_instance_and_can_be_set(advisor: Advisor) -> None:
    kit = sticky(advisor, LEARN)
    files = {file.path: file.content for file in server.files(kit)}
    assert f"max_sessions={kit.tiers[0].max_sessions}," in files["server/runtime/settings.py"]
    assert 'env.number("MCP_MAX_SESSIONS", tier.max_sessions, 1, 1_000_000)' in files["server/runtime/settings.py"]
    assert "max_sessions=SETTINGS.max_sessions," in files["server/runtime/serving.py"]
    without = {file.path: file.content for file in server.files(decided(advisor, "payment-provider.yaml"))}
    assert not [path for path, text in without.items() if "max_sessions" in text]


def test_the_limits_follow_from_the_plan(advisor: Advisor) -> None:
    kit = sticky(advisor, LEARN)
    (pool,) = proxy.plan_for(kit).pools
    (tier,) = kit.tiers
    assert tier.memory.sessions <= tier.max_sessions <= 10_000
    held = tier.memory.process_bytes + tier.max_sessions * tier.memory.session_bytes
    assert held < tier.memory.limit_mi(1) * 1024 * 1024
    capacity = tier.max_sessions * tier.instances
    assert pool.sessions_per_address >= kit.sizing.clients
    assert 2 * pool.sessions_per_address <= max(capacity / 2, 2 * kit.sizing.clients)
    text = "".join(file.content for file in proxy.files(kit))
    assert re.search(rf"limit_req zone=mcp_openers burst={pool.sessions_per_address} nodelay;", text)
