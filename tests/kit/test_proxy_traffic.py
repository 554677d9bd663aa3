"""Other behaviour of the proxies with MCP: streams, refusals, browsers, tiers, the log."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from causes import BUSY_PROXY
from proxy_kits import ENVOY, HOST, PROXIES, TRAEFIK, Setup, stateless, sticky, tiered
from proxy_rig import Client, Upstreams, running, upstreams
from running import until

from advisor.decision.advisor import Advisor
from advisor.kit.model import KitContext
from advisor.lab.process.ports import free_port

pytestmark = [
    pytest.mark.programs,
    BUSY_PROXY,
]

NAMES = ("one", "two", "three")
LEGACY = ("", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstreams]:
    """Three instances without sessions and two with."""
    with upstreams(tmp_path_factory.mktemp("fleet"), (*NAMES, "keeper", "other"), stateless=NAMES) as started:
        yield started


@pytest.fixture(params=PROXIES, ids=str)
def setup(request: pytest.FixtureRequest) -> Setup:
    chosen: Setup = request.param
    return chosen


@pytest.fixture
def fleet_proxy(advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup) -> Iterator[Client]:
    """A stateless fleet behind the proxy."""
    kit = stateless(advisor, setup)
    with running(kit, tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian) as client:
        yield client


@pytest.fixture
def tier_proxy(advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup) -> Iterator[Client]:
    """Two tiers behind the proxy."""
    tiers = {"stateless": fleet.addresses(["one"]), "stateful": fleet.addresses(["keeper", "other"])}
    with running(tiered(advisor, setup), tmp_path / "proxy", tiers, debian=setup.debian) as client:
        yield client


def test_a_stateless_fleet_shares_the_requests(fleet_proxy: Client) -> None:
    until(
        "every instance is in use", lambda: len({fleet_proxy.modern("echo").json["served_by"] for _ in range(6)}) == 3
    )
    served = Counter(fleet_proxy.modern("echo").json["served_by"] for _ in range(60))
    assert set(served) == set(NAMES)
    assert min(served.values()) >= 8, served


def test_legacy_get_is_405_without_sessions(fleet_proxy: Client) -> None:
    for version in LEGACY:
        answer = fleet_proxy.request("GET", MCP_Protocol_Version=version)
        assert answer.status == 405, version
        assert answer.headers["allow"] == "POST, OPTIONS"
        assert "x-served-by" not in answer.headers
    assert fleet_proxy.request("GET", "/mcp?x=1").status == 405
    modern = fleet_proxy.request("GET", MCP_Protocol_Version="2026-07-28")
    assert "x-served-by" in modern.headers, "the server itself answers modern clients"


def test_unknown_http_methods_are_405_and_reach_no_instance(tier_proxy: Client) -> None:
    for path, allowed in (("/mcp", "POST, OPTIONS"), ("/stateful/mcp", "GET, POST, DELETE, OPTIONS")):
        for method, headers in (
            ("OPTIONS", {}),
            ("OPTIONS", {"Origin": "https://evil.example", "Access_Control_Request_Method": "POST"}),
            ("PUT", {}),
            ("PATCH", {"MCP_Protocol_Version": "2026-07-28"}),
            ("HEAD", {}),
        ):
            answer = tier_proxy.request(method, path, **headers)
            assert answer.status == 405, (method, path)
            assert answer.headers["allow"] == allowed, (method, path)
            assert "x-served-by" not in answer.headers


def test_events_arrive_as_they_are_sent(fleet_proxy: Client) -> None:
    body = json.dumps({"method": "tools/call", "params": {"name": "stream"}}).encode()
    with fleet_proxy.send("POST", "/mcp", body) as response:
        late = [time.time() - json.loads(line[5:])["sent"] for line in response if line.startswith(b"data:")]
    assert len(late) == 4
    assert max(late) < 0.3, late


def test_bodies_up_to_4_mib_pass_and_larger_ones_are_413(fleet_proxy: Client) -> None:
    def size(mb: float) -> int:
        return fleet_proxy.rpc("tools/call", {"name": "echo", "text": "x" * int(mb * 1024 * 1024)}).status

    assert size(3.9) == 200
    assert size(5) == 413


def test_only_named_origins_get_cors_permission(fleet_proxy: Client) -> None:
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "mcp-protocol-version"}
    origin = f"https://{HOST}"
    preflight = fleet_proxy.request("OPTIONS", Origin=origin, **asked)
    assert preflight.status in (200, 204)
    assert preflight.headers["access-control-allow-origin"] == origin
    allowed = {name.strip().lower() for name in preflight.headers["access-control-allow-headers"].split(",")}
    assert allowed >= {
        "content-type",
        "mcp-session-id",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "last-event-id",
        "*",  # covers Mcp-Param-NAME; Authorization must be named
        "authorization",
    }
    assert {"GET", "POST", "DELETE"} <= set(preflight.headers["access-control-allow-methods"].split(", "))
    call = fleet_proxy.call({"Origin": origin})
    assert call.headers["access-control-allow-origin"] == origin
    assert "mcp-session-id" in call.headers["access-control-expose-headers"].lower()
    for stranger in ("https://evil.example", f"https://{HOST}.evil.example", f"http://{HOST}", "null"):
        for answer in (
            fleet_proxy.call({"Origin": stranger}),
            fleet_proxy.request("OPTIONS", Origin=stranger, **asked),
        ):
            assert "access-control-allow-origin" not in answer.headers, stranger


def test_origins_from_the_requirements_get_cors_permission(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = replace(
        stateless(advisor, setup),
        origins=(*("https://app.example.org", "http://localhost:3000"), "https://[2001:db8::1]:8443"),
    )
    with running(kit, tmp_path / "proxy", {"main": fleet.addresses(NAMES)}, debian=setup.debian) as client:
        for origin in (*kit.origins, f"https://{HOST}"):
            preflight = client.request("OPTIONS", Origin=origin, Access_Control_Request_Method="POST")
            assert preflight.status in (200, 204)
            assert client.call({"Origin": origin}).headers["access-control-allow-origin"] == origin
        for stranger in (
            "https://app.example.org.evil.example",
            "http://app.example.org",
            "http://localhost:3001",
            "https://[2001:db8::1]",
        ):
            assert "access-control-allow-origin" not in client.call({"Origin": stranger}).headers, stranger
            assert client.request("OPTIONS", Origin=stranger, Access_Control_Request_Method="POST").status == 405


def test_no_other_path_is_public(fleet_proxy: Client) -> None:
    for path in ("/", "/health", "/metrics", "/mcp/x", "/stateful/mcp", "/.session-gone", "/mcpx"):
        answer = fleet_proxy.request("GET", path)
        assert answer.status == 404, path
        assert "x-served-by" not in answer.headers, path


@pytest.mark.parametrize("make", [stateless, sticky, tiered], ids=lambda make: make.__name__)
def test_every_form_of_the_path_reaches_the_endpoint(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup, make: Callable[[Advisor, Setup], KitContext]
) -> None:
    kit = replace(make(advisor, setup), path="/tools/mcp/")
    owners = fleet.addresses(["keeper", "other"])
    tiers = {"main": owners if make is sticky else fleet.addresses(NAMES), "stateless": owners[:0], "stateful": owners}
    tiers = {tier.name: tiers[tier.name] or fleet.addresses(["one"]) for tier in kit.tiers}
    with running(kit, tmp_path / "proxy", tiers, debian=setup.debian) as client:
        for tier in kit.tiers:
            forms = (tier.path, *kit.aliases(tier))
            assert len(forms) == 4
            for opened, used in zip(forms, (*forms[1:], forms[0]), strict=True):
                sid, owner, headers = client.initialize(opened)
                assert bool(sid) is not tier.stateless_http
                answer = client.call(headers, f"{used}?x=1")
                assert (answer.status, answer.json["path"]) == (200, "/mcp")
                assert answer.json["served_by"] == owner or tier.stateless_http
                assert client.request("PUT", used).status == 405
                assert (client.request("GET", used).status == 405) or not tier.stateless_http
                asked = {"Origin": f"https://{HOST}", "Access_Control_Request_Method": "POST"}
                assert client.request("OPTIONS", used, **asked).status in (200, 204)
        for path in ("/tools", "/tools/", "/tools/mcp/x", "/x/mcp", "/tools/mcpx", "/toolsmcp"):
            assert client.request("GET", path).status == 404, path
        assert client.modern("echo", path="/tools/mcp/").json["path"] == "/mcp"


@pytest.mark.parametrize("end", ["killed", "slow"])
def test_a_call_that_gets_no_answer_is_not_repeated(advisor: Advisor, tmp_path: Path, setup: Setup, end: str) -> None:
    kit = replace(stateless(advisor, setup), idle_timeout_s=1 if end == "slow" else 60)
    body = json.dumps({"method": "tools/call", "params": {"name": "sleep", "seconds": 20}}).encode()
    with (
        upstreams(tmp_path, ("a", "b"), stateless=("a", "b")) as pair,
        running(kit, tmp_path / "proxy", {"main": pair.addresses("ab")}, debian=setup.debian) as client,
    ):
        statuses: list[int] = []
        caller = threading.Thread(target=lambda: statuses.append(client.request("POST", "/mcp", body).status))
        caller.start()
        until("somebody runs the call", lambda: _running(pair, "sleep"))
        (victim,) = _running(pair, "sleep")
        if end == "killed":
            pair.kill(victim)
        caller.join(20)
        assert statuses in ([[504]] if end == "slow" else [[502], [503]])
        assert _running(pair, "sleep") == ([victim] if end == "slow" else [])
        for _ in range(10):  # the other instances still answer
            assert client.modern("echo").status == 200


def test_tiers_by_path_for_legacy_and_by_tool_for_modern_clients(tier_proxy: Client) -> None:
    client = tier_proxy
    sid, owner, headers = client.initialize("/stateful/mcp")
    assert sid
    assert owner in ("keeper", "other")
    for _ in range(4):
        answer = client.call(headers, "/stateful/mcp")
        assert answer.json["served_by"] == owner
        assert answer.json["path"] == "/mcp"
    assert client.initialize("/mcp")[:2] == ("", "one")
    assert client.modern("suggest_reply").json["served_by"] in ("keeper", "other")
    assert client.modern("suggest_reply").json["path"] == "/mcp"
    for tool in ("lookup_order", "SUGGEST_REPLY", "suggest_replyx", "xsuggest_reply"):
        assert client.modern(tool).json["served_by"] == "one", tool
    assert client.modern("suggest_reply", method="prompts/get").json["served_by"] == "one"
    # Legacy clients do not send these headers. The proxy ignores them if the request names a legacy protocol version.
    spoofed = client.call(
        {"MCP_Protocol_Version": "2025-11-25", "Mcp_Method": "tools/call", "Mcp_Name": "suggest_reply"}
    )
    assert spoofed.json["served_by"] == "one"
    assert client.request("GET", "/mcp").status == 405
    with client.send("GET", "/stateful/mcp", **headers) as stream:
        assert stream.status == 200
        assert stream.getheader("Content-Type") == "text/event-stream"
        assert stream.readline().startswith(b"data:")


def test_the_log_contains_only_the_start_of_the_session_id(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    if setup is TRAEFIK:
        return  # the next test
    kit = sticky(advisor, setup, instances=2)
    tiers = {"main": fleet.addresses(["keeper", "other"])}
    with running(kit, tmp_path / "proxy", tiers, debian=setup.debian) as client:
        sid, _, headers = client.initialize()
        client.call({**headers, "Mcp_Method": "tools/call", "Mcp_Name": 'a"b\\c'})

        def lines() -> list[dict[str, Any]]:
            found = [json.loads(line) for line in client.log.read_text().splitlines() if line.startswith("{")]
            return [line for line in found if line.get("mcp_method") == "tools/call"]

        until("the call is logged", lines)
        text = client.log.read_text()
        begun = next(json.loads(line) for line in text.splitlines() if '"POST"' in line)
        assert sid.startswith(begun["new_session" if setup is ENVOY else "session"]), "the log says who began it"
        assert 8 <= len(begun["new_session" if setup is ENVOY else "session"]) <= 12
        entry = lines()[0]
        assert entry["method"] == "POST"
        assert entry["path"] == "/mcp"
        assert entry["mcp_name"] == 'a"b\\c'
        assert entry["protocol"] == "2025-11-25"
        assert 8 <= len(entry["session"]) <= 12
        assert sid not in client.log.read_text()


def test_no_log_contains_a_query_string(advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup) -> None:
    """Query strings of answered calls, unknown paths, refused methods and broken requests can contain credentials."""
    dead = (f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
    paths = ("/mcp?token=query-secret", "/unknown?query-secret", "/register?a=1&token=query-secret")
    for name, addresses in (("answered", fleet.addresses(["keeper", "other"])), ("dead", dead)):
        tiers = {"main": addresses}
        with running(sticky(advisor, setup, instances=2), tmp_path / name, tiers, debian=setup.debian) as client:
            for path in paths:
                for method in ("POST", "GET", "DELETE", "PUT"):
                    client.request(method, path, b"{}", Mcp_Session_Id="1.unknown")
                    client.request(method, path, b"{}", Mcp_Method="ends")
            for line in (
                b"GET /mcp?query-secret HTTP/9.9",
                b"GET /mcp?query-secret",
                b"G\x00T /mcp?query-secret HTTP/1.1",
            ):
                with socket.create_connection(("127.0.0.1", client.port), timeout=10) as connection:
                    connection.sendall(line + b"\r\nBad Header\r\n\r\n")
                    with suppress(ConnectionResetError, TimeoutError):
                        connection.recv(1000)
            client.request("POST", "/mcp?query-secret", b"{}", Mcp_Name="last-request")
            until("all requests are logged", partial(_logged, client.log, "last-request"))
            text = client.log.read_text()
            assert '/mcp"' in text
            assert "query-secret" not in text


def test_the_log_of_traefik_contains_no_credential(advisor: Advisor, fleet: Upstreams, tmp_path: Path) -> None:
    """Traefik cannot cut a header after some characters, so its log has no session id. Its fields have fixed names."""
    tiers = {"main": fleet.addresses(["keeper", "other"])}
    with running(sticky(advisor, TRAEFIK, instances=2), tmp_path / "proxy", tiers) as client:
        sid, _, headers = client.initialize()
        client.call({**headers, "Authorization": "Bearer secret-1", "Mcp_Name": 'a"b\\c'}, "/mcp?token=secret-2")

        def entry() -> dict[str, Any]:
            found = [json.loads(line) for line in client.log.read_text().splitlines() if "RequestPath" in line]
            return next((line for line in found if "request_Mcp-Name" in line), {})

        until("the call is logged", entry)
        assert (entry()["RequestMethod"], entry()["RequestPath"], entry()["DownstreamStatus"]) == ("POST", "/mcp", 200)
        assert entry()["request_Mcp-Name"] == 'a"b\\c'
        assert entry()["request_Mcp-Protocol-Version"] == "2025-11-25"
        assert entry()["ServiceAddr"] in [address for some in tiers.values() for address in some]
        text = client.log.read_text()
        assert not [word for word in (sid, "secret-1", "secret-2", "mcp_route") if word in text]


def _logged(log: Path, word: str) -> bool:
    return word in log.read_text()


def _running(fleet: Upstreams, tool: str) -> list[str]:
    """The running instances that got a call of `tool`."""
    found = []
    for name, port in fleet.ports.items():
        if fleet.processes[name].poll() is None:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/health")
                found += [name] * json.loads(connection.getresponse().read())["calls"].count(tool)
    return found
