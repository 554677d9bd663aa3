"""A node that swallows packets instead of refusing connections: no new session and no modern call fails."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from blackhole import connected, swallowing
from causes import BUSY_PROXY
from proxy_kits import (
    CADDY,
    COOKIE,
    ENVELOPE,
    ENVELOPE_122,
    ENVELOPE_HAPROXY,
    ENVOY,
    IP_HASH,
    LEARN,
    TABLE,
    TRAEFIK,
    Setup,
    stateless,
    sticky,
    tiered,
)
from proxy_rig import Client, Upstreams, running, upstreams
from running import until

from advisor.decision.advisor import Advisor
from advisor.kit.model import KitContext

pytestmark = [
    pytest.mark.programs,
    BUSY_PROXY,
]

NAMES = ("one", "two", "three")
BOUND = (LEARN, COOKIE, IP_HASH)
"""The setups in which nginx has one upstream of all instances for the requests of sessions."""
SETUPS = (*BOUND, ENVELOPE, ENVELOPE_122, TABLE, ENVELOPE_HAPROXY, CADDY, TRAEFIK, ENVOY)


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_a_vanished_owner_costs_only_its_own_sessions(advisor: Advisor, tmp_path: Path, setup: Setup) -> None:
    with (
        upstreams(tmp_path, NAMES) as fleet,
        running(
            sticky(advisor, setup), tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian
        ) as client,
    ):
        opened = [client.initialize() for _ in range(12)]
        victim = opened[0][1]
        _idle(fleet, victim)
        fleet.stop(victim)
        with swallowing(fleet.ports[victim]):
            assert [client.modern("echo").status for _ in range(9)] == [200] * 9
            for _ in range(6):
                _, owner, headers = client.initialize()
                assert owner != victim
                assert client.call(headers).status == 200
            lost = [client.call(headers).status for _, owner, headers in opened if owner == victim][:2]
            assert set(lost) == {404}
            kept = [client.call(headers).status for _, owner, headers in opened if owner != victim]
            assert set(kept) <= {200}
        fleet.resume(victim)
        until("the instance serves again", lambda: _serves(client, victim, client.initialize))
        if setup in (LEARN, COOKIE, ENVELOPE, ENVELOPE_122, ENVELOPE_HAPROXY, CADDY, TRAEFIK, ENVOY):

            def again() -> set[int]:
                return {client.call(headers).status for _, owner, headers in opened if owner == victim}

            if setup is TRAEFIK:
                until("the owner gets its sessions again", lambda: again() == {200})
            assert again() == {200}, "the sessions are still bound to their owner"


@pytest.mark.parametrize("setup", [*BOUND, ENVELOPE, ENVELOPE_122], ids=str)
def test_nginx_remembers_for_modern_requests_that_an_instance_vanished(
    advisor: Advisor, tmp_path: Path, setup: Setup
) -> None:
    with (
        upstreams(tmp_path, NAMES) as fleet,
        running(
            sticky(advisor, setup), tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian
        ) as client,
    ):
        _idle(fleet, "one")
        fleet.stop("one")
        with swallowing(fleet.ports["one"]):
            assert [client.modern("echo").status for _ in range(30)] == [200] * 30
        fleet.resume("one")
        lines = [json.loads(line) for line in client.log.read_text().splitlines() if line.startswith("{")]
        tried = [line for line in lines if f"127.0.0.1:{fleet.ports['one']}" in line["upstream"]]
        assert 1 <= len(tried) <= 5, "without a passive check, each third request waits for the instance"


def test_nginx_remembers_for_new_sessions_that_an_instance_vanished(advisor: Advisor, tmp_path: Path) -> None:
    with (
        upstreams(tmp_path, NAMES) as fleet,
        running(sticky(advisor, ENVELOPE), tmp_path / "proxy", {"main": fleet.addresses(NAMES)}) as client,
    ):
        _idle(fleet, "one")
        fleet.stop("one")
        with swallowing(fleet.ports["one"]):
            opened = [client.initialize() for _ in range(30)]
            assert {owner for _, owner, _ in opened} == {"two", "three"}
            assert [client.call(headers).json["served_by"] for _, _, headers in opened] == [o for _, o, _ in opened]
        fleet.resume("one")
        lines = [json.loads(line) for line in client.log.read_text().splitlines() if line.startswith("{")]
        tried = [line for line in lines if f"127.0.0.1:{fleet.ports['one']}" in line["upstream"]]
        assert 1 <= len(tried) <= 5, "without a passive check, each third new session waits for the instance"


def test_session_id_rewriting_tries_all_instances_for_a_new_session(advisor: Advisor, tmp_path: Path) -> None:
    with (
        upstreams(tmp_path, NAMES) as fleet,
        running(sticky(advisor, ENVELOPE), tmp_path / "proxy", {"main": fleet.addresses(NAMES)}) as client,
    ):
        for name in ("one", "three"):
            _idle(fleet, name)
            fleet.kill(name)
        assert {client.initialize()[1] for _ in range(9)} == {"two"}


@pytest.mark.parametrize(
    ("setup", "make"),
    [
        (LEARN, tiered),
        (LEARN, stateless),
        (TABLE, stateless),
        (CADDY, stateless),
        (CADDY, tiered),
        (TRAEFIK, stateless),
        (TRAEFIK, tiered),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_vanished_instance_fails_no_call_without_a_session(
    advisor: Advisor, tmp_path: Path, setup: Setup, make: Callable[[Advisor, Setup], KitContext]
) -> None:
    kit = make(advisor, setup)
    tiers = {tier.name: ("one", "two") for tier in kit.tiers}
    with (
        upstreams(tmp_path, NAMES) as fleet,
        running(
            kit, tmp_path / "proxy", {t: fleet.addresses(names) for t, names in tiers.items()}, debian=setup.debian
        ) as client,
    ):
        _idle(fleet, "one")
        fleet.stop("one")
        with swallowing(fleet.ports["one"]):
            tool = kit.tiers[-1].tools[0].name
            assert [client.modern(tool).json["served_by"] for _ in range(6)] == ["two"] * 6
            assert [client.initialize(kit.tiers[-1].path)[1] for _ in range(6)] == ["two"] * 6


@pytest.mark.parametrize("setup", [*BOUND, CADDY, TRAEFIK], ids=str)
@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("end", ["killed", "slow"])
def test_a_request_without_a_session_that_was_sent_is_not_repeated(
    advisor: Advisor, tmp_path: Path, setup: Setup, era: str, end: str
) -> None:
    kit = replace(sticky(advisor, setup), idle_timeout_s=1 if end == "slow" else 60)
    body = json.dumps({"method": "tools/call", "params": {"name": "sleep", "seconds": 20}}).encode()
    version = "2026-07-28" if era == "modern" else ""
    with (
        upstreams(tmp_path, ("a", "b"), stateless=("a", "b")) as pair,
        running(kit, tmp_path / "proxy", {"main": pair.addresses("ab")}, debian=setup.debian) as client,
    ):
        statuses: list[int] = []

        def call() -> None:
            statuses.append(client.request("POST", "/mcp", body, MCP_Protocol_Version=version).status)

        caller = threading.Thread(target=call)
        caller.start()
        until("an instance runs the call", lambda: _running(pair))
        (victim,) = _running(pair)
        if end == "killed":
            pair.kill(victim)
        caller.join(20)
        assert statuses == ([504] if end == "slow" else [502])
        assert _running(pair) == ([victim] if end == "slow" else [])


def _idle(fleet: Upstreams, name: str) -> None:
    """Wait until the proxy has closed its idle connections to an instance. A request on them would wait."""
    until("no idle connection", lambda: not connected(fleet.ports[name]))


def _serves(client: Client, name: str, open_: Callable[[], tuple[str, str, dict[str, str]]]) -> bool:
    return open_()[1] == name or client.modern("echo").json["served_by"] == name


def _running(fleet: Upstreams) -> list[str]:
    """The running instances that got the call."""
    found = []
    for name, port in fleet.ports.items():
        if fleet.processes[name].poll() is None:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/health")
                found += [name] * json.loads(connection.getresponse().read())["calls"].count("sleep")
    return found
