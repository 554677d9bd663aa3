"""Kits for legacy clients, called by the client of the SDK without options: on mcp 2 and fastmcp 4 it is modern."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import proxy_rig
import pytest
import test_server_run
from causes import BUSY_PROXY
from sdk_lines import MODERN_LINES

from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts import proxy, server

programs = [
    pytest.mark.programs,
    BUSY_PROXY,
]

python, kit = test_server_run.python, test_server_run.kit  # fixtures
MODERN = "2026-07-28"
KEYS = "0123456789abcdef" * 4
CALLS = 8
STICKY = {
    "clients.protocol": "legacy",
    "scale.instances": 3,
    "scale.affinity": "available",
    "environment.proxy.version": "1.31",
    "operations.can_operate_affinity": True,
}
ASK = [{"name": "ask", "needs": {"sampling": "required", "elicitation": "required"}}]

# Each SDK's own client, without a mode. It prints the protocol version, and the answer or the error of each call.
CLIENTS = {
    "mcp-2": """
from mcp import Client
from mcp_types import CreateMessageResult, ElicitResult, TextContent

async def sample(context, params):
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text="sampled"), model="m")

async def elicit(context, params):
    return ElicitResult(action="accept", content={"confirmed": True})

def client(url):
    return Client(url, sampling_callback=sample, elicitation_callback=elicit, read_timeout_seconds=30)
""",
    "fastmcp-4": """
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult

async def sample(messages, params, context):
    return "sampled"

async def elicit(message, response_type, params, context):
    return ElicitResult(action="accept", content={"confirmed": True})

def client(url):
    return Client(url, sampling_handler=sample, elicitation_handler=elicit, timeout=30)
""",
}
MAIN = """
import asyncio, json, sys

async def visit(url, calls):
    version, said = "", []
    for _ in range(calls):
        try:
            async with client(url) as connected:
                version = str(getattr(connected, "protocol_version", "") or connected.session.protocol_version)
                result = await connected.call_tool("ask", {"text": "hello"})
                said.append("".join(getattr(block, "text", "") for block in result.content))
        except BaseException as error:
            said.append(repr(error) + repr(getattr(error, "exceptions", "")))
    return {"version": version, "said": said}

print(json.dumps(asyncio.run(visit(sys.argv[1], int(sys.argv[2])))))
"""


@pytest.mark.parametrize("sdk", MODERN_LINES)
@pytest.mark.parametrize("protocol", ["legacy", "mixed", "modern", "unknown"])
def test_several_instances_share_keys_whatever_the_requirements_say_about_clients(
    kit: Callable[..., KitContext], sdk: str, protocol: str
) -> None:
    context = kit(sdk=sdk, **{**STICKY, "clients.protocol": protocol}, tools=ASK)
    assert context.needs_sealing_keys
    assert "request_state_security=SEALING" in _text(context, "server/runtime/sdk.py")


@pytest.mark.parametrize(
    "facts",
    [
        {"sdk": "mcp-1"},  # this line has no modern era
        {"scale.instances": 1},
        {"tools": [{"name": "look"}]},
        # The tools that ask run in the stateful tier, which is one process.
        {"operations.can_operate_affinity": False, "tools": [*ASK, {"name": "look"}]},
    ],
)
def test_a_kit_without_keys_does_not_need_them(kit: Callable[..., KitContext], facts: dict[str, Any]) -> None:
    assert not kit(**{"sdk": "mcp-2", "tools": ASK, **STICKY, **facts}).needs_sealing_keys


def test_a_stateless_tier_needs_keys_if_one_of_its_tools_prefers_to_ask(kit: Callable[..., KitContext]) -> None:
    tools = [*ASK, {"name": "look", "needs": {"sampling": "preferred"}}]
    context = kit(sdk="mcp-2", **{**STICKY, "operations.can_operate_affinity": False, "tools": tools})
    assert context.tiered
    assert [tool.name for tool in context.tiers[0].tools] == ["look"]
    assert context.needs_sealing_keys


@pytest.mark.parametrize("sdk", MODERN_LINES)
def test_change_notifications_reach_modern_clients_of_a_kit_for_legacy_clients(
    kit: Callable[..., KitContext], sdk: str
) -> None:
    facts = {**STICKY, "needs.subscriptions": "required", "operations.shared_store": "redis"}
    context = kit(sdk=sdk, **facts)
    assert context.needs_bus
    assert context.uses_redis
    assert "shared_state.subscription_bus()" in _text(context, "server/runtime/sdk.py")
    assert not kit(sdk="mcp-1", **facts).needs_bus


def _text(context: KitContext, path: str) -> str:
    return next(file.content for file in server.files(context) if file.path == path)


@dataclass
class Fleet:
    """Three instances of a kit for legacy clients."""

    context: KitContext
    line: str
    folder: Path
    interpreter: Path
    addresses: tuple[str, ...]

    def visit(self, port: int) -> tuple[str, list[str]]:
        """The protocol version of the default client, and what its calls return."""
        code = CLIENTS[self.line] + MAIN
        command = [str(self.interpreter), "-c", code, f"http://127.0.0.1:{port}/mcp", str(CALLS)]
        done = subprocess.run(command, env=test_server_run.clean(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        found = json.loads(done.stdout.splitlines()[-1])
        return found["version"], found["said"]


@pytest.fixture(scope="module", params=CLIENTS)
def fleet(
    request: pytest.FixtureRequest,
    kit: Callable[..., KitContext],
    python: Callable[[KitContext], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fleet]:
    """The servers. The tests start the proxy."""
    context = kit(sdk=request.param, **STICKY, tools=ASK)
    assert [(tier.pattern, tier.mechanism) for tier in context.tiers] == [("sticky-fleet", "nginx-sticky-learn")]
    interpreter, root = python(context), tmp_path_factory.mktemp("fleet")
    values = {"MCP_INSTANCES": "3", "MCP_SEALING_KEYS": KEYS, "FASTMCP_CHECK_FOR_UPDATES": "off"}
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                test_server_run.running(interpreter, test_server_run.write(context, root / f"{number}"), **values)
            )
            for number in range(3)
        ]
        addresses = tuple(instance.url.removeprefix("http://") for instance in started)
        yield Fleet(context, request.param, root, interpreter, addresses)


class TestRunning:
    """The kit with its proxy."""

    pytestmark = programs

    def test_every_call_of_the_default_client_works(self, fleet: Fleet, tmp_path: Path) -> None:
        with proxy_rig.running(fleet.context, tmp_path / "proxy", {"main": fleet.addresses}) as front:
            version, said = fleet.visit(front.port)
        assert version == MODERN
        assert all("model: sampled" in text and "user: confirmed" in text for text in said), said

    def test_an_instance_without_keys_does_not_start(self, fleet: Fleet) -> None:
        command = [str(fleet.interpreter), "server/server.py"]
        env = {**test_server_run.clean(), "MCP_INSTANCES": "3"}
        ended = subprocess.run(command, cwd=fleet.folder / "0", env=env, capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        assert "MCP_SEALING_KEYS is not set" in ended.stderr

    def test_the_default_client_falls_back_where_the_proxy_refuses_the_modern_era(
        self, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The fix that the warning modern-clients-lose-a-feature names."""
        first = "    if ($mcp_allow) { return 405; }\n"
        files = proxy.files

        def refusing(context: KitContext) -> list[KitFile]:
            fix = "    if ($mcp_era = modern) { return 400; }\n"
            return [replace(file, content=file.content.replace(first, fix + first)) for file in files(context)]

        monkeypatch.setattr(proxy, "files", refusing)
        with proxy_rig.running(fleet.context, tmp_path / "proxy", {"main": fleet.addresses}) as front:
            version, said = fleet.visit(front.port)
        assert version < MODERN
        assert all("model: sampled" in text for text in said), said
