"""What a server says of itself when a client connects: its version, and the URL of tools that it does not serve."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import test_server_run
import test_tiers_run
from mcp import Client
from sdk_lines import MODERN_LINES, SDK_LINES

from advisor.kit.model import KitContext

pytestmark = [
    pytest.mark.programs,
    pytest.mark.retried("The servers and their clients share the processors, and each request has a deadline."),
]

python, kit = test_server_run.python, test_server_run.kit  # fixtures

VERSION = "3.4.5"
MISSING = "The tools ask, watch of this service are at the path /tools/stateful/mcp of this host."
ALSO_HERE = " Clients of protocol version 2026-07-28 and newer can also call these tools at this URL."
MISSING_THERE = "The tools look of this service are at the path /tools/mcp of this host."


@pytest.fixture(scope="module", params=SDK_LINES)
def urls(
    request: pytest.FixtureRequest,
    kit: Callable[..., KitContext],
    python: Callable[[KitContext], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, dict[str, str]]]:
    """The SDK line, and the URL of a process for each value of MCP_TIER. The project of the server has a version."""
    line = request.param
    protocol = "mixed" if line in MODERN_LINES else "legacy"
    facts = {**test_tiers_run.FACTS, "clients.protocol": protocol, "environment.path": "/tools/mcp"}
    context = kit(sdk=line, **facts)
    assert context.tiered
    folder = test_server_run.write(context, tmp_path_factory.mktemp("server"))
    project = folder / "server/pyproject.toml"
    project.write_text(project.read_text().replace('version = "0.1.0"', f'version = "{VERSION}"'))
    with ExitStack() as stack:
        yield (
            line,
            {
                tier: stack.enter_context(
                    test_server_run.running(python(context), folder, MCP_TIER=tier, FASTMCP_CHECK_FOR_UPDATES="off")
                ).url
                for tier in ("stateless", "stateful", "all")
            },
        )


def introduced(url: str, mode: str) -> tuple[str, str]:
    """The version and the instructions of a server."""

    async def connect() -> tuple[str, str]:
        async with Client(f"{url}/mcp", mode=mode) as client:
            assert client.server_info is not None
            return client.server_info.version, client.instructions or ""

    return asyncio.run(connect())


def test_a_client_sees_the_version_of_the_project_of_the_server(urls: tuple[str, dict[str, str]]) -> None:
    line, addresses = urls
    for mode in ("legacy", "auto") if line in MODERN_LINES else ("legacy",):
        assert {introduced(url, mode)[0] for url in addresses.values()} == {VERSION}, mode


def test_each_url_names_the_tools_of_the_other_url(urls: tuple[str, dict[str, str]]) -> None:
    """A client of the legacy era reads in the instructions which tools are missing at its URL, and their path."""
    line, addresses = urls
    for mode in ("legacy", "auto") if line in MODERN_LINES else ("legacy",):
        said = {tier: introduced(url, mode)[1] for tier, url in addresses.items()}
        also_here = ALSO_HERE if line in MODERN_LINES else ""
        assert said == {"stateless": MISSING + also_here, "stateful": MISSING_THERE, "all": ""}, mode
