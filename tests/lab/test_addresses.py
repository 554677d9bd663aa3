"""The calls of `verify` by the stated hosts, origins and paths, against small servers with one fault each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.lab.fleet.front import Front
from advisor.lab.process import ports
from advisor.lab.process.steps import Steps
from advisor.lab.verify.addresses import check_addresses

HOST, ORIGIN = "mcp.example.com", "https://app.example.com"
ORIGINS = (f"https://{HOST}", ORIGIN)
PREFLIGHT = {
    "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
    "access-control-allow-headers": "Authorization, Content-Type, Mcp-Session-Id, MCP-Protocol-Version, *",
}


@dataclass
class Served:
    """What the small server allows and answers."""

    hosts: tuple[str, ...] = (HOST,)
    origins: tuple[str, ...] = ORIGINS
    readable: tuple[str, ...] = ORIGINS
    paths: tuple[str, ...] = ("/mcp", "/mcp/", "/tools/mcp", "/tools/mcp/")
    exposes: str = "Mcp-Session-Id, WWW-Authenticate"
    preflight: dict[str, str] = field(default_factory=lambda: dict(PREFLIGHT))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        asked = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, headers = self.answer(scope["method"], scope["path"], asked)
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": b""})

    def answer(self, method: str, path: str, asked: dict[str, str]) -> tuple[int, dict[str, str]]:
        origin = asked.get("origin", "")
        cors = {"access-control-allow-origin": origin} if origin in self.readable else {}
        if not asked["host"].startswith(("127.0.0.1", *self.hosts)):
            return 421, {}
        if origin and origin not in self.origins:
            return 403, {}
        if path not in self.paths:
            return 307, {"location": f"http://{HOST}/mcp"}
        if method == "OPTIONS":
            return 204, {**cors, **(self.preflight if cors else {})}
        return 200, {**cors, "access-control-expose-headers": self.exposes, "mcp-session-id": "1"}


@contextmanager
def serving(app: Served) -> Iterator[int]:
    """Serve the application on a port of this machine."""
    port = ports.free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
        yield port
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def kit(decide: Callable[..., Any]) -> KitContext:
    facts = {"environment.hosts": [HOST], "environment.origins": [ORIGIN], "environment.path": "/tools/mcp"}
    return kit_context(decide({**facts, "environment.proxy.kind": "nginx", "clients.protocol": "modern"}))


def problems(kit: KitContext, served: Served) -> list[str]:
    """The problems that `verify` finds."""
    with serving(served) as port:
        fleet: Any = SimpleNamespace(
            plan=SimpleNamespace(kit=kit, front=Front(own=True, program="nginx")),
            front=SimpleNamespace(port=port),
            instances=[],
            url=lambda tier, era: f"http://127.0.0.1:{port}/mcp",
        )
        return asyncio.run(check_addresses(fleet, Steps()))


def test_a_correct_deployment_has_no_problem(kit: KitContext) -> None:
    assert problems(kit, Served()) == []


@pytest.mark.parametrize(
    ("served", "named"),
    [
        (Served(hosts=()), [HOST, "HTTP 421"]),
        (Served(origins=ORIGINS[:1]), [ORIGIN, "HTTP 403"]),
        (Served(readable=ORIGINS[:1]), [ORIGIN, "Access-Control-Allow-Origin (none)"]),
        (Served(readable=()), [ORIGIN, ORIGINS[0], "Access-Control-Allow-Origin (none)"]),
        (Served(exposes="WWW-Authenticate"), [ORIGIN, "expose the header Mcp-Session-Id"]),
        (Served(preflight={**PREFLIGHT, "access-control-allow-headers": "*"}), [ORIGIN, "the header authorization"]),
        (Served(preflight={**PREFLIGHT, "access-control-allow-methods": "GET"}), [ORIGIN, "does not allow POST"]),
        (Served(paths=("/mcp", "/tools/mcp", "/tools/mcp/")), ["/mcp/ redirects to http://"]),
        (Served(paths=("/mcp", "/mcp/", "/tools/mcp")), ["/tools/mcp/ redirects to http://"]),
        (Served(paths=("/mcp", "/mcp/")), ["/tools/mcp redirects to http://", "/tools/mcp/ redirects"]),
    ],
)
def test_each_kind_of_damage_is_named(kit: KitContext, served: Served, named: list[str]) -> None:
    found = problems(kit, served)
    assert found
    for text in named:
        assert any(text in problem for problem in found), found
