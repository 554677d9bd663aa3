"""A server accepts as many sessions as its memory holds, and ended sessions make room for new ones."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from proxy_kits import LEARN, decided, sticky

from advisor.decision.advisor import Advisor
from advisor.kit.model import KitContext
from advisor.kit.parts import proxy, server


@contextmanager
def imported(kit: KitContext, folder: Path, name: str) -> Iterator[Any]:
    """Import runtime/observability.py of a kit, in a package with this name."""
    package = folder / name
    package.mkdir()
    files = {file.path: file.content for file in server.files(kit)}
    for part in ("__init__", "logs", "metrics", "observability", "settings"):
        source = files[f"server/runtime/{part}.py"].replace("from runtime", f"from {name}")
        # Two packages in one process would have metrics with the same names.
        (package / f"{part}.py").write_text(source.replace('"mcp_', f'"{name}_mcp_'))
    sys.path.insert(0, str(folder))
    yield importlib.import_module(f"{name}.observability")
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def module(advisor: Advisor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """runtime/observability.py of a kit with sessions."""
    with imported(sticky(advisor, LEARN), tmp_path_factory.mktemp("kit"), "kit_runtime") as found:
        yield found


@pytest.fixture(scope="module")
def legacy_module(advisor: Advisor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The same module of a kit whose SDK line does not support modern clients."""
    kit = replace(sticky(advisor, LEARN), line="mcp-1")
    assert not kit.serves_modern
    with imported(kit, tmp_path_factory.mktemp("legacy_kit"), "legacy_runtime") as found:
        yield found


class Sdk:
    """An application that gives each request without a session id a session, except modern requests."""

    def __init__(self, *, serves_modern: bool = True) -> None:
        self.opened = 0
        self._serves_modern = serves_modern

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = []
        versions = [value for name, value in scope["headers"] if name == b"mcp-protocol-version"]
        modern = self._serves_modern and versions[:1] not in ([], [b"2025-11-25"])
        named = any(name == b"mcp-session-id" for name, _ in scope["headers"])
        if scope["method"] == "POST" and not named and not modern:
            self.opened += 1
            headers = [(b"mcp-session-id", f"session-{self.opened}".encode())]
        status = 200 if scope["path"] == "/mcp" else 404
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def answer(
    app: Any, method: str = "POST", path: str = "/mcp", more: Sequence[tuple[bytes, bytes]] = (), /, **headers: str
) -> tuple[int, dict[bytes, bytes]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": [*named, *more]}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])


def test_a_full_server_refuses_new_sessions_and_nothing_else(module: Any) -> None:
    app = module.Observability(Sdk(), keeps_sessions=True, ready=lambda: True, max_sessions=3)
    assert [answer(app)[0] for _ in range(3)] == [200] * 3
    status, headers = answer(app)
    assert (status, headers[b"retry-after"]) == (503, b"30")
    assert answer(app, mcp_session_id="session-1")[0] == 200
    modern = {"mcp_method": "tools/call", "mcp_protocol_version": "2026-07-28"}
    assert answer(app, **modern)[0] == 200, "modern clients have no session"
    assert answer(app, "DELETE", mcp_session_id="session-1")[0] == 200
    assert answer(app)[0] == 200
    assert answer(app)[0] == 503


CLAIMS = (
    {"mcp_method": "initialize"},
    {"mcp_method": "tools/call", "mcp_protocol_version": "2026-07-28"},
    {"mcp_protocol_version": "2026-07-28"},
    {"mcp_protocol_version": "x"},
)
"""Headers of requests from modern clients. Every client can send them."""


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: "+".join(claim.values()))
def test_no_header_exempts_a_request_from_the_limit_of_a_server_without_modern_clients(
    legacy_module: Any, claim: dict[str, str]
) -> None:
    sdk = Sdk(serves_modern=False)
    app = legacy_module.Observability(sdk, keeps_sessions=True, ready=lambda: True, max_sessions=3)
    assert [answer(app, **claim)[0] for _ in range(6)] == [200, 200, 200, 503, 503, 503]
    assert sdk.opened == app.sessions.active() == 3
    assert answer(app)[0] == 503, "these sessions count for all clients"


@pytest.mark.parametrize(
    "claim",
    [
        [(b"mcp-method", b"initialize")],
        [(b"mcp-method", b"initialize"), (b"mcp-protocol-version", b"2025-11-25")],
        [(b"mcp-protocol-version", b"2025-11-25"), (b"mcp-protocol-version", b"2026-07-28")],
    ],
    ids=["method", "legacy version", "two versions"],
)
def test_a_request_is_exempt_only_if_the_sdk_opens_no_session(module: Any, claim: list[tuple[bytes, bytes]]) -> None:
    sdk = Sdk()
    app = module.Observability(sdk, keeps_sessions=True, ready=lambda: True, max_sessions=3)
    assert [answer(app, "POST", "/mcp", claim)[0] for _ in range(6)] == [200, 200, 200, 503, 503, 503]
    assert sdk.opened == app.sessions.active() == 3


def test_an_answer_404_does_not_remove_an_open_session_from_the_list(module: Any) -> None:
    app = module.Observability(Sdk(), keeps_sessions=True, ready=lambda: True, max_sessions=3)
    assert [answer(app)[0] for _ in range(3)] == [200] * 3
    assert answer(app, "POST", "/.well-known/none", mcp_session_id="session-1")[0] == 404
    answer(app, "DELETE", "/mcp", [(b"mcp-session-id", b"session-1")], mcp_session_id="unknown")
    assert (app.sessions.active(), answer(app)[0]) == (3, 503)


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
