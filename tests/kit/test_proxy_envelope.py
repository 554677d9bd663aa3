"""Session-ID rewriting of HAProxy: a request reaches the owner that its session id names, or no instance."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from causes import BUSY_PROXY
from proxy_kits import ENVELOPE_HAPROXY, HOST, sticky, tiered
from proxy_rig import Client, Upstreams, running, upstreams

from advisor.decision.advisor import Advisor

pytestmark = [
    pytest.mark.programs,
    BUSY_PROXY,
]

NAMES = ("one", "two", "three")
VERSION = "2025-11-25"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstreams]:
    with upstreams(tmp_path_factory.mktemp("fleet"), (*NAMES, "plain"), stateless=["plain"]) as started:
        yield started


@pytest.fixture
def client(advisor: Advisor, fleet: Upstreams, tmp_path: Path) -> Iterator[Client]:
    with running(sticky(advisor, ENVELOPE_HAPROXY), tmp_path / "proxy", {"main": fleet.addresses(NAMES)}) as started:
        yield started


def with_id(sid: str, **more: str) -> dict[str, str]:
    return {"Mcp_Session_Id": sid, "MCP_Protocol_Version": VERSION, **more}


def test_the_id_names_the_server_by_its_number(client: Client) -> None:
    opened = [client.initialize() for _ in range(12)]
    assert {(sid.partition(".")[0], owner) for sid, owner, _ in opened} == {("1", "one"), ("2", "two"), ("3", "three")}


def test_an_id_with_the_number_of_another_server_is_404(client: Client) -> None:
    """A valid id with the number of another server, or with an unknown number, gives 404 for every owner."""
    for _ in range(6):
        sid, _, _ = client.initialize()
        number, _, bare = sid.partition(".")
        others = [digit for digit in "123" if digit != number]
        for made_up in (
            *(f"{other}.{bare}" for other in others),
            *(f"{other}.{sid}" for other in others),
            f"{number}.{sid}",
            f"999.{bare}",
            f"0{number}.{bare}",
            f"{number}..{bare}",
            f".{bare}",
            f"{number}{bare}",
            f"{number}.",
            "#1.x",
            "%[src].x",
        ):
            for _ in range(3):  # round robin reaches each instance
                assert client.call(with_id(made_up)).status == 404, (sid, made_up)
        assert client.call(with_id(sid)).status == 200


@pytest.mark.parametrize("sid", ["1.", "999.abc", "01.abc", "abc", "10.abc"])
def test_a_request_without_a_server_number_passes_unchanged(client: Client, sid: str) -> None:
    """A modern request is answered with any session id, so the answer shows the headers that the server received."""
    answer = client.call({"Mcp_Session_Id": sid, "MCP_Protocol_Version": "2026-07-28"})
    assert (answer.status, answer.json["headers"]["mcp-session-id"]) == (200, sid)


def test_an_id_without_a_number_is_balanced_unchanged(client: Client) -> None:
    sid, owner, _ = client.initialize()
    bare = sid.partition(".")[2]
    answers = [client.call(with_id(bare)) for _ in range(12)]
    assert {answer.status for answer in answers} <= {200, 404}
    assert {answer.json["served_by"] for answer in answers if answer.status == 200} <= {owner}
    assert 404 in {answer.status for answer in answers}, "nobody routed by it"


def test_a_request_with_two_session_ids_is_refused_and_reaches_no_instance(client: Client) -> None:
    (first, _, _), (second, _, _) = client.initialize(), client.initialize()
    body = json.dumps({"method": "tools/call", "params": {"name": "echo"}}).encode()
    for sid, other in ((first, second), (second, first), (first, first)):
        with closing(http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)) as connection:
            connection.putrequest("POST", "/mcp")
            connection.putheader("Content-Length", str(len(body)))
            connection.putheader("Mcp-Session-Id", sid)
            connection.putheader("Mcp-Session-Id", other)
            connection.endheaders(body)
            answer = connection.getresponse()
            assert answer.status == 400
            assert answer.getheader("X-Served-By") is None


@pytest.mark.parametrize("own", ["a.b.c", "1.2", "2.", ".x", "with,comma", "!~$&+{}[]|^%41"])
def test_any_id_that_a_server_creates_is_routed_back_to_it(client: Client, own: str) -> None:
    sid, owner, headers = client.initialize(sid=own)
    assert sid.partition(".")[2] == own
    for _ in range(4):
        answer = client.call(headers)
        assert answer.status == 200
        assert (answer.json["served_by"], answer.json["headers"]["mcp-session-id"]) == (owner, own)
        assert answer.headers["mcp-session-id"] == sid


def test_requests_of_different_sessions_on_one_connection_reach_their_owners(client: Client) -> None:
    """Clients and gateways send requests of several sessions, and requests without one, over one connection."""
    opened = [client.initialize() for _ in range(6)]
    assert len({owner for _, owner, _ in opened}) > 1
    elsewhere = 0
    body = json.dumps({"method": "tools/call", "params": {"name": "echo"}}).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)) as connection:
        for sid, owner, _ in opened * 2:
            connection.request("POST", "/mcp", body, {"Mcp-Session-Id": sid, "MCP-Protocol-Version": VERSION})
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())["served_by"]) == (200, owner)
            connection.request("POST", "/mcp", body, {"MCP-Protocol-Version": "2026-07-28"})
            modern = connection.getresponse()
            assert modern.status == 200
            seen = json.loads(modern.read())
            assert "mcp-session-id" not in seen["headers"]
            assert modern.getheader("Mcp-Session-Id") is None
            elsewhere += seen["served_by"] != owner
    assert elsewhere, "requests without a session stick to the session before them"


def test_every_answer_of_the_owner_has_the_session_id_of_the_client(client: Client) -> None:
    sid, owner, headers = client.initialize()
    for method in ("POST", "DELETE"):
        answer = client.request(method, "/mcp", b"{}", **headers)
        assert (answer.status, answer.headers["mcp-session-id"], answer.headers["x-served-by"]) == (200, sid, owner)
    with client.send("GET", **headers) as stream:
        assert stream.getheader("Content-Type") == "text/event-stream"
        assert (stream.getheader("Mcp-Session-Id"), stream.getheader("X-Served-By")) == (sid, owner)
        assert stream.readline().startswith(b"data:")


def test_a_browser_can_read_the_404_of_a_lost_session(advisor: Advisor, tmp_path: Path) -> None:
    origin = f"https://{HOST}"
    with (
        upstreams(tmp_path, NAMES) as own,
        running(sticky(advisor, ENVELOPE_HAPROXY), tmp_path / "proxy", {"main": own.addresses(NAMES)}) as client,
    ):
        sid, owner, _ = client.initialize()
        own.kill(owner)
        answer = client.call(with_id(sid, Origin=origin))
        assert answer.status == 404
        assert answer.json["error"]["message"] == "Session not found"
        assert answer.headers["access-control-allow-origin"] == origin


def test_only_the_tier_with_sessions_rewrites_session_ids(advisor: Advisor, fleet: Upstreams, tmp_path: Path) -> None:
    tiers = {"stateless": fleet.addresses(["plain"]), "stateful": fleet.addresses(["one", "two"])}
    with running(tiered(advisor, ENVELOPE_HAPROXY), tmp_path / "proxy", tiers) as client:
        sid, owner, headers = client.initialize("/stateful/mcp")
        assert client.call(headers, "/stateful/mcp").json["served_by"] == owner
        answer = client.call(with_id(sid))
        assert (answer.json["served_by"], answer.json["headers"]["mcp-session-id"]) == ("plain", sid)
