"""Two tiers as processes, alone and behind the kit's nginx: the tools that clients of each era can list and call."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import proxy_rig
import pytest
import test_server_run
from causes import BUSY_PROXY
from mcp import Client
from mcp.types import ElicitResult, TextContent
from sdk_lines import MODERN_LINES
from weekly import some_weekly

from advisor.kit.model import KitContext

pytestmark = [
    pytest.mark.programs,
    BUSY_PROXY,
]

python, kit = test_server_run.python, test_server_run.kit  # fixtures
CALLS = 'mcp_requests_total{route="tools/call"}'
TOOLS: list[dict[str, Any]] = [
    {"name": "ask", "needs": {"elicitation": "required", "progress": "preferred"}},
    {"name": "watch", "needs": {"elicitation": "required", "roots": "preferred"}, "duration_s": 5},
    {"name": "look"},
]
FACTS = {"scale.instances": 3, "clients.protocol": "mixed", "operations.can_operate_affinity": False, "tools": TOOLS}
CARRYING = {"ask", "watch"}


@dataclass
class Tiers:
    """The processes of a tiered kit and its proxy."""

    context: KitContext
    folder: Path
    interpreter: Path
    stateless: list[test_server_run.Running]
    stateful: test_server_run.Running
    proxy: str

    def calls(self) -> tuple[int, int]:
        """How many calls each tier has served."""
        return sum(instance.metric(CALLS) for instance in self.stateless), self.stateful.metric(CALLS)


@pytest.fixture(scope="module", params=some_weekly(MODERN_LINES, always=("mcp-2",)))
def tiers(
    request: pytest.FixtureRequest,
    kit: Callable[..., KitContext],
    python: Callable[[KitContext], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Tiers]:
    """Two instances of the stateless tier, one of the stateful tier, and nginx in front."""
    context = kit(sdk=request.param, **FACTS)
    assert [tier.path for tier in context.tiers] == ["/mcp", "/stateful/mcp"]
    interpreter = python(context)
    root = tmp_path_factory.mktemp("tiers")
    with ExitStack() as stack:
        started = []
        for number, tier in enumerate(("stateless", "stateless", "stateful")):
            folder = test_server_run.write(context, root / f"{number}")
            flags = {"MCP_TIER": tier, "FASTMCP_CHECK_FOR_UPDATES": "off"}
            started.append(stack.enter_context(test_server_run.running(interpreter, folder, **flags)))
        addresses = [instance.url.removeprefix("http://") for instance in started]
        wired = {"stateless": tuple(addresses[:2]), "stateful": (addresses[2],)}
        proxy = stack.enter_context(proxy_rig.running(context, root / "proxy", wired))
        yield Tiers(context, root / "0", interpreter, started[:2], started[2], f"http://127.0.0.1:{proxy.port}")


async def _say_yes(context: object, params: object) -> ElicitResult:
    return ElicitResult(action="accept", content={"confirmed": True})


def visit(url: str, mode: str, *calls: str) -> tuple[dict[str, dict[str, Any]], list[tuple[bool, str]]]:
    """The listed tools of a client, and for each call whether it failed and its text."""

    async def scenario() -> tuple[dict[str, dict[str, Any]], list[tuple[bool, str]]]:
        async with Client(url, mode=mode, elicitation_callback=_say_yes, read_timeout_seconds=30) as client:
            listed = (await client.list_tools()).tools
            results = [await client.call_tool(name, {"text": "hello"}) for name in calls]
        said = [
            (bool(result.is_error), "".join(block.text for block in result.content if isinstance(block, TextContent)))
            for result in results
        ]
        assert len({tool.name for tool in listed}) == len(listed)
        return {tool.name: tool.model_dump(mode="json", by_alias=True) for tool in listed}, said

    return asyncio.run(scenario())


def test_a_modern_client_of_the_stateless_tier_lists_the_tools_of_both_tiers(tiers: Tiers) -> None:
    everywhere, _ = visit(f"{tiers.stateless[0].url}/mcp", "auto")
    there, _ = visit(f"{tiers.stateful.url}/mcp", "auto")
    assert there.keys() == CARRYING
    assert everywhere.keys() == CARRYING | {"look"}
    assert {name: everywhere[name] for name in CARRYING} == there
    assert everywhere["ask"]["_meta"]["mcp-advisor/needs"] == TOOLS[0]["needs"]


def test_a_legacy_client_lists_only_the_tools_of_its_tier(tiers: Tiers) -> None:
    assert visit(f"{tiers.stateless[0].url}/mcp", "legacy")[0].keys() == {"look"}
    assert visit(f"{tiers.stateful.url}/mcp", "legacy")[0].keys() == CARRYING


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_call_in_the_wrong_tier_names_the_tier_of_the_tool(tiers: Tiers, mode: str) -> None:
    _, [(failed, text), (broken, fine)] = visit(f"{tiers.stateless[0].url}/mcp", mode, "ask", "look")
    assert failed
    assert "Another tier of this service serves ask" in text
    assert "/stateful/mcp" in text
    assert (broken, fine) == (False, "hello")


def test_a_modern_client_reaches_both_tiers_by_one_path(tiers: Tiers) -> None:
    before = tiers.calls()
    told, said = visit(f"{tiers.proxy}/mcp", "auto", "ask", "look", "look")
    assert told.keys() == CARRYING | {"look"}
    assert [failed for failed, _ in said] == [False] * 3, said
    assert "user: confirmed" in said[0][1]
    stateless, stateful = (now - then for now, then in zip(tiers.calls(), before, strict=True))
    assert stateless == 2
    assert stateful == 2  # the question and the reply to it are two requests


def test_a_legacy_client_reaches_each_tier_by_its_path(tiers: Tiers) -> None:
    told, said = visit(f"{tiers.proxy}/mcp", "legacy", "look", "ask")
    assert told.keys() == {"look"}
    assert [failed for failed, _ in said] == [False, True]
    assert "/stateful/mcp" in said[1][1]
    told, said = visit(f"{tiers.proxy}/stateful/mcp", "legacy", "ask")
    assert told.keys() == CARRYING
    assert "user: confirmed" in said[0][1]


def test_one_process_and_stdio_list_only_tools_that_they_serve(tiers: Tiers) -> None:
    show = "import tools; from runtime.sdk import MOVED_TOOLS; print(sorted(MOVED_TOOLS))"
    for values in ({}, {"MCP_TIER": "stateful"}, {"MCP_TIER": "stateless", "MCP_TRANSPORT": "stdio"}):
        command = [str(tiers.interpreter), "-c", show]
        env = {**test_server_run.clean(), **values}
        done = subprocess.run(command, cwd=tiers.folder / "server", env=env, capture_output=True, text=True, check=True)
        assert done.stdout == "[]\n"


def test_the_tests_of_a_tiered_kit_pass(tiers: Tiers) -> None:
    command = [str(tiers.interpreter), "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    env = test_server_run.clean()
    ended = subprocess.run(command, cwd=tiers.folder, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-4000:]
