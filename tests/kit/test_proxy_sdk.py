"""Servers and clients of the official SDK, in both protocol eras, through each proxy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from causes import BUSY_PROXY
from mcp import Client
from mcp.types import CallToolResult, ElicitResult, TextContent
from proxy_kits import (
    CADDY,
    COOKIE,
    ENVELOPE,
    ENVELOPE_122,
    ENVELOPE_HAPROXY,
    ENVOY,
    LEARN,
    TABLE,
    TRAEFIK,
    Setup,
    stateless,
    sticky,
)
from proxy_rig import Client as ProxyClient
from proxy_rig import Upstreams, running, upstreams
from running import until
from weekly import some_weekly

from advisor.decision.advisor import Advisor

pytestmark = [
    pytest.mark.programs,
    BUSY_PROXY,
]

NAMES = ("one", "two", "three")
SETUPS = (LEARN, ENVELOPE, ENVELOPE_122, COOKIE, TABLE, ENVELOPE_HAPROXY, CADDY, TRAEFIK, ENVOY)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstreams]:
    with upstreams(tmp_path_factory.mktemp("fleet"), NAMES, app="sdk_upstream:app") as started:
        yield started


@pytest.fixture(scope="module")
def plain_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstreams]:
    with upstreams(tmp_path_factory.mktemp("plain"), NAMES, stateless=NAMES, app="sdk_upstream:app") as started:
        yield started


async def _say_yes(context: object, params: object) -> ElicitResult:
    return ElicitResult(action="accept", content={"sure": True})


async def _visit(url: str, mode: str, *, asks: bool) -> tuple[list[str], list[float]]:
    """Run one client; returns the instance that served each call, and the arrival times of its progress reports."""
    times: list[float] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        times.append(time.monotonic())

    async with Client(url, mode=mode, elicitation_callback=_say_yes, read_timeout_seconds=20) as client:
        served = [_text(await client.call_tool("who")) for _ in range(3)]
        served.append(_text(await client.call_tool("work", progress_callback=progress)))
        if asks:
            name, _, action = _text(await client.call_tool("ask")).partition(" ")
            assert action == "accept"
            served.append(name)
    return served, [at - times[0] for at in times]


def _text(result: CallToolResult) -> str:
    assert not result.is_error, result
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def _visits(url: str, mode: str, many: int, *, asks: bool = True) -> list[tuple[list[str], list[float]]]:
    return await asyncio.gather(*(_visit(url, mode, asks=asks) for _ in range(many)))


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_legacy_sessions_of_the_sdk_stay_with_their_owner(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    with running(
        sticky(advisor, setup), tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian
    ) as proxy:
        until("every instance is in use", lambda: _owners(proxy) == set(NAMES))
        visits = asyncio.run(_visits(f"http://127.0.0.1:{proxy.port}/mcp", "legacy", 20))
    assert all(len(set(served)) == 1 for served, _ in visits), "a session was served by two instances"
    assert len({served[0] for served, _ in visits}) == 3, "all sessions on one instance"
    _assert_live(visits)


@pytest.mark.parametrize("setup", some_weekly(SETUPS, always=(LEARN, TABLE, CADDY, ENVOY)), ids=str)
def test_modern_clients_through_the_sticky_proxy(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    with running(
        sticky(advisor, setup), tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian
    ) as proxy:
        visits = asyncio.run(_visits(f"http://127.0.0.1:{proxy.port}/mcp", "auto", 12))
    _assert_live(visits)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize(
    "setup", some_weekly((LEARN, ENVELOPE_122, TABLE, CADDY, TRAEFIK, ENVOY), always=(LEARN, ENVOY)), ids=str
)
def test_sdk_clients_of_both_eras_work_with_a_stateless_fleet(
    advisor: Advisor, plain_fleet: Upstreams, tmp_path: Path, setup: Setup, mode: str
) -> None:
    kit = stateless(advisor, setup)
    with running(kit, tmp_path / "proxy", {"main": plain_fleet.addresses(NAMES)}, debian=setup.debian) as proxy:
        until("every instance is in use", lambda: _owners(proxy) == set(NAMES))
        url = f"http://127.0.0.1:{proxy.port}/mcp"
        visits = asyncio.run(_visits(url, mode, 12, asks=mode == "auto"))
    assert {name for served, _ in visits for name in served} == set(NAMES)
    _assert_live(visits)


def _owners(proxy: ProxyClient) -> set[str]:
    """The instances that serve new clients; some proxies learn one after another which instances are healthy."""

    async def owners() -> set[str]:
        return {served[0] for served in await asyncio.gather(*(_who(proxy.port) for _ in range(9)))}

    return asyncio.run(owners())


async def _who(port: int) -> list[str]:
    async with Client(f"http://127.0.0.1:{port}/mcp", mode="legacy", read_timeout_seconds=20) as client:
        return [_text(await client.call_tool("who"))]


def _assert_live(visits: Iterable[tuple[list[str], list[float]]]) -> None:
    for _, times in visits:
        assert len(times) == 4, "progress was lost"
        assert times[-1] > 0.4, "progress arrived all at once"
