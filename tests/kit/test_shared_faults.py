"""The session directory during failures: an owner dies, hangs or closes the connection; Redis stops or hangs."""

from __future__ import annotations

import asyncio
import http.client
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from causes import BUSY_REDIS
from mcp import Client
from mcp.types import ElicitResult, TextContent
from redis_rig import (
    CALL_S,
    SHARED,
    UNKNOWN,
    Answer,
    Fleet,
    call,
    entry,
    fleet,
    initialize,
    listening,
    replayed,
    send,
    session,
    signed,
)
from running import until

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext

pytestmark = [
    pytest.mark.programs,
    BUSY_REDIS,
]

FACTS = {**SHARED, "needs.elicitation": "required", "needs.progress": "required"}


@pytest.fixture(scope="session")
def kit(decide: Callable[..., Decision], advisor: Advisor) -> KitContext:
    return kit_context(decide({**FACTS, "clients.protocol": "mixed"}))


@pytest.fixture(scope="session")
def resumable(decide: Callable[..., Decision], advisor: Advisor) -> KitContext:
    return kit_context(decide({**FACTS, "clients.protocol": "legacy", "needs.resumability": "required"}))


@pytest.fixture(scope="session")
def remembering(decide: Callable[..., Decision], advisor: Advisor) -> KitContext:
    needs = {"needs.session_state": "required", "needs.subscriptions": "required"}
    return kit_context(decide({**FACTS, "sdk": "mcp-2", "clients.protocol": "mixed", **needs}))


async def modern(url: str, text: str) -> list[str]:
    """The texts that a client without a session gets. The server asks this client a question during the call."""

    async def say_yes(context: object, params: object) -> ElicitResult:
        return ElicitResult(action="accept", content={"confirmed": True})

    async with Client(f"{url}/mcp", mode="auto", elicitation_callback=say_yes, read_timeout_seconds=CALL_S) as client:
        results = [await client.call_tool("echo", {"text": text}) for _ in range(6)]
        results.append(await client.call_tool("example_elicitation", {"text": text}))
    texts = []
    for result in results:
        (content,) = result.content
        assert isinstance(content, TextContent)
        texts.append(content.text)
    return texts


def modern_work_goes_on(made: Fleet) -> None:
    assert asyncio.run(modern(made.url, "new")) == ["new"] * 6 + ["new\nuser: confirmed"]


def asks_to_try_again(answer: Answer) -> None:
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "Try again" in answer.error


def test_a_dead_owner_gives_404_for_its_sessions_only(kit: KitContext, tmp_path: Path) -> None:
    with fleet(kit, tmp_path) as made, made.redis():
        first, second, third = made.ports
        own = session(first)
        assert [call(port, own).status for port in made.ports] == [200] * 3
        made.kill(0)
        gone = call(second, own)
        assert (gone.status, gone.error) == (404, "Session not found")
        until("the entry is gone as well", lambda: made.ask("EXISTS", entry(own)) == b":0\r\n")
        until("nobody waits for it", lambda: call(third, own).status == 404)
        again = session(made.proxy)
        assert [call(port, again).status for port in (second, third)] == [200] * 2
        modern_work_goes_on(made)


def test_sessions_of_a_stalled_owner_get_504_or_503_until_it_resumes(kit: KitContext, tmp_path: Path) -> None:
    shorter = {
        "runtime/session_relay.py": {f"READ_S = {kit.idle_timeout_s}.0": "READ_S = 2.0"},
        "runtime/session_directory.py": {"ALIVE_S = 15": "ALIVE_S = 5"},
    }
    with fleet(kit, tmp_path, edits=shorter) as made, made.redis():
        first, second, third = made.ports
        own = session(first)
        assert call(second, own).status == 200
        made.signal(0, signal.SIGSTOP)
        sent = call(second, own)  # it reached the owner, which might run it after SIGCONT
        assert (sent.status, "might have run" in sent.error, "retry-after" in sent.headers) == (504, True, False)
        until("it is known to hang", lambda: call(third, own).status == 503)
        asks_to_try_again(call(third, own))
        modern_work_goes_on_at(second)
        assert initialize(third).status == 200
        made.signal(0, signal.SIGCONT)
        until("its sessions are there again", lambda: call(second, own).status == 200)
        until("for all", lambda: call(third, own).status == 200)


def modern_work_goes_on_at(port: int) -> None:
    """Call one instance directly: the proxy of this test does not know which instance hangs."""
    assert asyncio.run(modern(f"http://127.0.0.1:{port}", "new"))[0] == "new"


def test_a_request_for_another_path_does_not_end_a_session(kit: KitContext, tmp_path: Path) -> None:
    """The SDK answers 404 to another path. The directory must not take this answer for the end of the session."""
    with fleet(kit, tmp_path) as made, made.redis():
        first, _, third = made.ports
        own = session(first)
        for port in made.ports:
            for path in ("/x/mcp", "//mcp", "/mcp//", "/mcp/x", "/x/mcp/"):
                for method in ("POST", "GET", "DELETE"):
                    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=CALL_S)) as connection:
                        connection.request(method, path, b"{}", {"Content-Type": "application/json", **own})
                        assert connection.getresponse().status in {404, 405, 307}, (method, path)
        assert made.ask("EXISTS", entry(own)) == b":1\r\n"
        assert [call(port, own).status for port in (first, third, made.proxy)] == [200] * 3
        names = made.ask("KEYS", "*").decode()
        assert "mcp:demo:session:" in names
        assert own["Mcp-Session-Id"] not in names, "who reads Redis must not learn the ids"


@dataclass
class Owner:
    """A server that reads one request of each connection, sends `answer`, and closes the connection."""

    answer: bytes
    port: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def handle(self, connection: socket.socket) -> None:
        got = b""
        while b"hello" not in got and (piece := connection.recv(65536)):  # the argument in the body of the call
            got += piece
        if got:
            self.requests.append(got)
            connection.sendall(self.answer)


@contextmanager
def owner(made: Fleet, answer: bytes = b"", *, alive: bool = True) -> Iterator[Owner]:
    """Run another "instance" that is registered as the owner of the session UNKNOWN."""
    it = Owner(answer)
    with listening(it.handle) as it.port:
        assert made.ask("SET", entry(UNKNOWN), signed(entry(UNKNOWN), it.url)) == b"+OK\r\n"
        if alive:
            name = f"mcp:demo:alive:{it.url}"
            assert made.ask("SET", name, signed(name, "x")) == b"+OK\r\n"
        yield it


def test_a_request_to_an_owner_that_breaks_off_is_not_repeated(kit: KitContext, tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    with fleet(kit, tmp_path) as made, made.redis():
        first, second, _ = made.ports
        with owner(made) as it:
            broken = call(first, UNKNOWN)
            assert (broken.status, "might have run" in broken.error) == (502, True)
            assert len(it.requests) == 1
            assert "retry-after" not in broken.headers
        with owner(made, head + b"5\r\ndata:\r\n") as it:
            with pytest.raises(http.client.IncompleteRead):
                call(first, UNKNOWN)
            assert len(it.requests) == 1
        with owner(made, alive=False) as it:  # another program at the address of a dead instance
            asks_to_try_again(call(second, UNKNOWN))
            assert it.requests == []
        until("nobody listens there any more", lambda: call(second, UNKNOWN).status == 404)


def test_two_instances_with_one_address_are_reported_in_the_log(kit: KitContext, tmp_path: Path) -> None:
    with fleet(kit, tmp_path) as made, made.redis():
        name = f"mcp:demo:alive:http://127.0.0.1:{made.ports[0]}"
        log = tmp_path / f"server-{made.ports[0]}.log"
        assert made.ask("SET", name, "another") == b"+OK\r\n"
        until("it says so", lambda: "MCP_INSTANCE_URL" in log.read_text())


def test_sessions_return_after_redis_restarts_empty(kit: KitContext, tmp_path: Path) -> None:
    with fleet(kit, tmp_path) as made:
        first, second, third = made.ports
        with made.redis():
            own = session(first)
            assert call(second, own).status == 200
        asks_to_try_again(call(second, own))
        assert call(first, own).status == 200, "the owner needs no Redis"
        asks_to_try_again(initialize(third))  # no other instance would find the session
        modern_work_goes_on(made)
        found_again(made, made.redis(), own)


def found_again(made: Fleet, redis: AbstractContextManager[object], own: dict[str, str]) -> None:
    """Wait until the session is found again after Redis is back. No answer in between is 404."""
    seen = set()

    def served() -> bool:
        seen.update({call(port, own).status for port in made.ports[1:]})
        return all(call(port, own).status == 200 for port in made.ports)

    with redis:
        until("the session is found again", served)
        assert seen <= {200, 503}, "a good session was called unknown"
        until("new sessions are opened", lambda: all(initialize(port).status == 200 for port in made.ports))
        again = session(made.proxy)
        assert [call(port, again).status for port in made.ports] == [200] * 3
        until("what nobody holds is unknown", lambda: call(made.ports[0], UNKNOWN).status == 404)


def test_tools_report_that_the_store_is_down(remembering: KitContext, tmp_path: Path) -> None:
    """SDKs hide the text of other exceptions than their own."""
    with fleet(remembering, tmp_path) as made:
        first = made.ports[0]
        with made.redis():
            own = session(first)
            assert '"isError":true' not in call(first, own, "example_session_state").text
        for tool in ("example_session_state", "example_subscriptions"):
            answer = call(first, own, tool)
            assert '"isError":true' in answer.text
            assert "Try again in a few seconds" in answer.text
        read = {"jsonrpc": "2.0", "id": 8, "method": "resources/read", "params": {"uri": "status://current"}}
        assert "Try again in a few seconds" in send(first, read, **own).text
        with made.redis():
            until("it is kept again", lambda: "handle:" in call(first, own, "example_session_state").text)


def test_sessions_return_after_redis_hangs(kit: KitContext, tmp_path: Path) -> None:
    with fleet(kit, tmp_path) as made, made.redis() as redis:
        first, second, third = made.ports
        own = session(first)
        assert call(second, own).status == 200
        redis.send_signal(signal.SIGSTOP)
        asks_to_try_again(call(second, own))
        assert call(first, own).status == 200, "the owner needs no Redis"
        asks_to_try_again(initialize(third))
        modern_work_goes_on(made)
        found_again(made, awake(redis), own)


@contextmanager
def awake(redis: subprocess.Popen[bytes]) -> Iterator[None]:
    redis.send_signal(signal.SIGCONT)
    yield


def test_a_stream_is_not_resumed_without_redis(resumable: KitContext, tmp_path: Path) -> None:
    """Redis holds the events that the client missed, so an empty stream would hide the loss."""
    with fleet(resumable, tmp_path) as made:
        first = made.ports[0]
        with made.redis():
            own = session(first)
            assert call(first, own).status == 200
        assert "HTTP/1.1 503" in replayed(first, own, "1-0", "Try again")
        assert call(first, own, "example_progress").status == 200, "the call goes on, and cannot be resumed"
