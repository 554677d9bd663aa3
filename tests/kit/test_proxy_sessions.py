"""Sessions through real proxies: no session is lost, and sessions of a dead owner get 404."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from causes import BUSY_PROXY
from proxy_kits import (
    CADDY,
    COOKIE,
    ENVELOPE,
    ENVELOPE_122,
    ENVELOPE_HAPROXY,
    ENVOY,
    HRW,
    IP_HASH,
    LEARN,
    STICKY,
    TABLE,
    TRAEFIK,
    Setup,
    sticky,
)
from proxy_rig import Upstreams, running, upstreams
from running import until

from advisor.decision.advisor import Advisor

pytestmark = [
    pytest.mark.programs,
    BUSY_PROXY,
]

NAMES = ("one", "two", "three")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstreams]:
    """Three instances for all tests of this module. A test that kills instances starts its own."""
    with upstreams(tmp_path_factory.mktemp("fleet"), NAMES) as started:
        yield started


@pytest.mark.parametrize("setup", STICKY, ids=str)
def test_no_call_of_a_session_reaches_another_instance(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = sticky(advisor, setup)
    with running(kit, tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian) as client:
        warm: set[str] = set()  # Envoy's threads learn one after another that an instance is healthy

        def all_have_one() -> bool:
            warm.add(client.initialize()[1])
            return len(warm) == 3

        until("every instance gets a session", all_have_one)
        opened = [client.initialize() for _ in range(24)]
        calls = opened * 4
        random.Random(4).shuffle(calls)
        for sid, owner, headers in calls:
            answer = client.call(headers)
            assert answer.status == 200, (sid, owner, answer)
            assert answer.json["served_by"] == owner
        owners = [owner for _, owner, _ in opened]
        assert min(owners.count(name) for name in NAMES) >= 2, owners
        assert len({sid for sid, _, _ in opened}) == 24


@pytest.mark.parametrize("setup", STICKY, ids=str)
def test_the_session_is_known_before_the_stream_of_initialize_ends(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = sticky(advisor, setup)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"held": True}}).encode()
    with running(kit, tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian) as client:
        for _ in range(8):
            with client.send("POST", "/mcp", body) as response:
                cookie = (response.getheader("Set-Cookie") or "").partition(";")[0]
                answer = client.call({"Mcp_Session_Id": response.headers["Mcp-Session-Id"], "Cookie": cookie})
                assert answer.status == 200
                assert answer.json["served_by"] == response.getheader("X-Served-By")


@pytest.mark.parametrize("setup", STICKY, ids=str)
def test_the_server_receives_the_session_id_that_it_created(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = sticky(advisor, setup)
    with running(kit, tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian) as client:
        _, _, headers = client.initialize()
        answer = client.call(headers)
        seen = answer.json["headers"]
        assert len(seen["mcp-session-id"]) == 32, "uuid4().hex, whatever the client holds"
        assert answer.headers["mcp-session-id"] == headers["Mcp_Session_Id"], "the same on every answer"
        assert seen["host"] == f"127.0.0.1:{client.port}"
        assert seen["x-forwarded-for"]  # Envoy replaces loopback with its own address


@pytest.mark.parametrize("setup", STICKY, ids=str)
def test_a_dead_owner_gives_404_to_its_sessions_and_does_not_affect_others(
    advisor: Advisor, tmp_path: Path, setup: Setup
) -> None:
    kit = sticky(advisor, setup)
    with (
        upstreams(tmp_path, NAMES) as fleet,
        running(kit, tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian) as client,
    ):
        opened = [client.initialize() for _ in range(24)]
        victim = opened[0][1]
        fleet.kill(victim)
        for _ in range(2):
            for sid, owner, headers in opened:
                answer = client.call(headers)
                expected = 404 if owner == victim else 200
                assert answer.status == expected, (sid, owner, victim, answer)
                if (
                    setup is ENVELOPE_HAPROXY
                ):  # HAProxy creates the 404 itself and forwards no answer of another instance
                    assert ("x-served-by" in answer.headers) == (owner != victim)
        for _ in range(12):
            _, owner, headers = client.initialize()
            assert owner != victim
            assert client.call(headers).status == 200
        # Without any instance, a session still gets 404, and a request without a session gets the proxy's own error.
        # Behind Traefik, another instance gives the 404, so a session gets it only if an instance runs.
        for name in set(NAMES) - {victim}:
            fleet.kill(name)
        assert client.call(headers).status in ((502, 503) if setup is TRAEFIK else (404,))
        assert client.rpc("initialize").status in (502, 503)


@pytest.mark.parametrize("setup", [LEARN, ENVELOPE_122, COOKIE, TABLE, ENVELOPE_HAPROXY, CADDY, ENVOY], ids=str)
def test_a_stalled_owner_keeps_its_sessions(advisor: Advisor, tmp_path: Path, setup: Setup) -> None:
    checks = setup.proxy != "nginx"  # every two seconds; two failures mark the instance as down
    kit = replace(sticky(advisor, setup), idle_timeout_s=6 if checks else 1)
    with (
        upstreams(tmp_path, NAMES) as fleet,
        running(kit, tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian) as client,
    ):
        _, owner, headers = client.initialize()
        fleet.stop(owner)
        assert [client.call(headers).status for _ in range(2)] == [504, 504]
        fleet.resume(owner)
        for _ in range(3):
            answer = client.call(headers)
            assert answer.status == 200
            assert answer.json["served_by"] == owner


def test_a_call_of_a_session_waits_for_a_stalled_owner_behind_traefik(advisor: Advisor, tmp_path: Path) -> None:
    """Traefik would count the end of a time limit as a failure, and other sessions of the instance would get 404."""
    kit = replace(sticky(advisor, TRAEFIK), idle_timeout_s=1)
    with (
        upstreams(tmp_path, NAMES) as fleet,
        running(kit, tmp_path / "proxy", {"main": fleet.addresses(NAMES)}) as client,
        ThreadPoolExecutor() as pool,
    ):
        _, owner, headers = client.initialize()
        fleet.stop(owner)
        calls = [pool.submit(client.call, headers) for _ in range(4)]
        until("other instances serve", lambda: client.initialize()[1] != owner)
        opened = time.monotonic()
        until("the limit for other requests is over", lambda: time.monotonic() > opened + 2 * kit.idle_timeout_s)
        assert not any(call.done() for call in calls)
        fleet.resume(owner)
        assert [call.result().json["served_by"] for call in calls] == [owner] * 4


@pytest.mark.parametrize("setup", [ENVELOPE, ENVELOPE_122, ENVELOPE_HAPROXY, CADDY, TRAEFIK, ENVOY], ids=str)
def test_sessions_stay_with_their_owner_behind_two_proxies(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = replace(sticky(advisor, setup), proxy_replicas=2)
    tiers = {"main": fleet.addresses(NAMES)}
    with (
        running(kit, tmp_path / "first", tiers, debian=setup.debian) as first,
        running(kit, tmp_path / "second", tiers, debian=setup.debian) as second,
    ):
        for _ in range(15):
            _, owner, headers = first.initialize()
            for other in (second, first, second):
                answer = other.call(headers)
                assert answer.status == 200
                assert answer.json["served_by"] == owner


def test_nginx_names_the_owner_in_the_session_id_whatever_cookie_a_client_sends(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path
) -> None:
    """`sticky cookie` names the owner of a new session. The cookie is for nginx alone: no request has its path."""
    with running(sticky(advisor, ENVELOPE), tmp_path / "proxy", {"main": fleet.addresses(NAMES)}) as client:
        first = client.rpc("initialize")
        known, _, _ = first.headers["mcp-session-id"].partition(".")
        assert {f"mcp_owner={known}", "path=/mcp-owner"} <= set(first.headers["set-cookie"].split("; "))
        for cookie in (f"mcp_owner={known}", f"mcp_owner={'0' * 32}", "mcp_owner=", f"a=1; mcp_owner={known}; b=2"):
            for _ in range(4):
                answer = client.rpc("initialize", Cookie=cookie)
                sid, owner = answer.headers["mcp-session-id"], answer.headers["x-served-by"]
                called = client.call({"Mcp_Session_Id": sid, "Cookie": cookie})
                assert (called.status, called.json["served_by"]) == (200, owner)
                assert (called.headers["mcp-session-id"], "set-cookie" in called.headers) == (sid, False)
                bare = sid.partition(".")[2]
                until("the call is logged", partial(_has_line, client.log, f'"session":"{bare[:12]}"'))
                assert bare not in client.log.read_text()
        assert "set-cookie" not in client.modern("echo").headers
        assert client.call({"Mcp_Session_Id": f"{'0' * 32}.abc"}).status == 404


def _has_line(log: Path, part: str) -> bool:
    return part in log.read_text()


def test_sessions_survive_reloads_and_restarts_of_several_haproxies(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path
) -> None:
    kit = replace(sticky(advisor, ENVELOPE_HAPROXY), proxy_replicas=2)
    tiers = {"main": fleet.addresses(NAMES)}
    with running(kit, tmp_path / "first", tiers) as first:
        with running(kit, tmp_path / "second", tiers) as second:
            opened = [proxy.initialize() for proxy in (first, second) for _ in range(6)]
            before = _workers(first.log)
            os.kill(first.pid, signal.SIGUSR2)
            until("the new worker runs", lambda: _workers(first.log) > before)
            for proxy in (first, second) * 2:
                assert [proxy.call(headers).json["served_by"] for _, _, headers in opened] == [
                    owner for _, owner, _ in opened
                ]
        with running(kit, tmp_path / "third", tiers) as third:  # a restart of the second proxy, with an empty memory
            for proxy in (third, first):
                assert [proxy.call(headers).json["served_by"] for _, _, headers in opened] == [
                    owner for _, owner, _ in opened
                ]


def _workers(log: Path) -> int:
    """How many workers HAProxy's master has started."""
    return log.read_text().count("Loading success")


@pytest.mark.parametrize("setup", [IP_HASH, HRW], ids=str)
def test_a_hash_of_the_address_keeps_a_client_on_one_instance(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = sticky(advisor, setup)
    with running(kit, tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian) as client:
        opened = [client.initialize() for _ in range(6)]
        assert all(client.call(headers).status == 200 for _, _, headers in opened)
        assert len({owner for _, owner, _ in opened}) == 1


@pytest.mark.parametrize("setup", [ENVELOPE, ENVELOPE_122, ENVELOPE_HAPROXY, CADDY], ids=str)
@pytest.mark.parametrize("sid", ["9.abc", "1.abc", "1.", ".", "abc", "1.2.3", "x" * 300])
def test_a_made_up_session_is_404(advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup, sid: str) -> None:
    with running(
        sticky(advisor, setup), tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian
    ) as client:
        assert client.call({"Mcp_Session_Id": sid}).status == 404
