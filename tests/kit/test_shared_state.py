"""The session directory: the expected features work through plain round robin, and sessions stay separate."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sdk_environments
from causes import BUSY_REDIS
from mcp import Client
from mcp.types import (
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    LoggingMessageNotificationParams,
    Root,
    TextContent,
    TextResourceContents,
)
from pydantic import FileUrl
from redis_rig import CALL_S, SHARED, Answer, Fleet, call, fleet, initialize, replayed, send, session
from running import until
from sdk_lines import SDK_LINES
from weekly import some_weekly

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import server

pytestmark = [
    pytest.mark.programs,
    BUSY_REDIS,
    # Legacy clients have these instead of subscriptions/listen.
    pytest.mark.filterwarnings("ignore:resources/subscribe is removed"),
]

python = sdk_environments.python  # fixture

LIVE = ("sampling", "elicitation", "roots", "progress", "logging", "subscriptions", "list_changed", "session_state")
STATUS = "status://current"
NAIVE = {'return f"{PREFIX}events:{self._names.setdefault(session, secrets.token_urlsafe(16))}"': 'return f"{PREFIX}x"'}


@pytest.fixture(scope="session")
def kit(decide: Callable[..., Decision], advisor: Advisor) -> Callable[..., KitContext]:
    """A function from needed features, SDK line and protocol to the context of a kit that shares its state."""

    def make(*needs: str, line: str = "mcp-2", protocol: str = "mixed") -> KitContext:
        # Legacy clients need sessions for elicitation.
        wanted = {f"needs.{need}": "required" for need in ("elicitation", *needs)}
        facts = {"sdk": line, "clients.protocol": protocol, **wanted}
        decision = decide({**SHARED, **facts})
        eras = ("legacy", "modern") if protocol == "mixed" else ("legacy",)
        works = {row.feature for row in decision.features if all(getattr(row, era).outcome == "works" for era in eras)}
        assert {*needs} & {*LIVE} <= works
        made = kit_context(decision)
        assert made.needs_directory
        return made

    return make


class Visitor:
    """A client with every client feature; it records the messages that reach it."""

    def __init__(self, made: Fleet, mode: str, number: int) -> None:
        self.made, self.text, self.mode = made, f"gate-{mode}-{number}", mode
        self.logs: list[str] = []
        self.told: set[str] = set()
        self.client = Client(
            f"{made.url}/mcp",
            mode=mode,
            read_timeout_seconds=CALL_S,
            sampling_callback=self._sample,
            elicitation_callback=self._confirm,
            list_roots_callback=self._roots,
            logging_callback=self._log,
            log_level="debug",
            message_handler=self._message,
        )

    async def _sample(self, context: object, params: object) -> CreateMessageResult:
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="sampled"), model="test")

    async def _confirm(self, context: object, params: object) -> ElicitResult:
        return ElicitResult(action="accept", content={"confirmed": True})

    async def _roots(self, context: object) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri=FileUrl("file:///workspace"))])

    async def _log(self, params: LoggingMessageNotificationParams) -> None:
        self.logs.append(str(params.data))

    async def _message(self, message: object) -> None:
        self.told.add(getattr(message, "method", type(message).__name__))

    async def call(self, tool: str, **more: Any) -> str:
        result = await self.client.call_tool(tool, {"text": self.text, **more.pop("arguments", {})}, **more)
        assert not result.is_error, result
        (content,) = result.content
        assert isinstance(content, TextContent)
        return content.text

    async def visit(self, needs: tuple[str, ...]) -> set[str]:
        """Use each feature; returns the features that worked."""
        async with self.client:
            for _ in range(4):
                assert await self.call("echo") == self.text
            return {need for need in needs if await getattr(self, f"see_{need}")()}

    async def see_sampling(self) -> bool:
        return await self.call("example_sampling") == f"{self.text}\nmodel: sampled"

    async def see_elicitation(self) -> bool:
        return await self.call("example_elicitation") == f"{self.text}\nuser: confirmed"

    async def see_roots(self) -> bool:
        return await self.call("example_roots") == f"{self.text}\nfolders: file:///workspace"

    async def see_progress(self) -> bool:
        """The call ends only if its first report arrives before its end."""
        steps: list[float] = []

        async def progress(done: float, total: float | None, message: str | None) -> None:
            steps.append(done)
            (self.made.folder / self.text).touch()

        await self.call("example_progress", progress_callback=progress)
        return steps == [1, 2, 3]

    async def see_logging(self) -> bool:
        await self.call("example_logging")
        return [re.findall(r"step \d of 3 done", line)[0] for line in self.logs] == [
            f"step {number} of 3 done" for number in (1, 2, 3)
        ]

    async def see_session_state(self) -> bool:
        first = await self.call("example_session_state")
        (handle,) = re.findall(r"handle: (\S+)", first)
        return "remembered: 1" in await self.call("example_session_state", arguments={"handle": handle})

    async def see_subscriptions(self) -> bool:
        if self.mode != "legacy":
            return await self._listens("ResourceUpdated", "example_subscriptions", resource_subscriptions=[STATUS])
        await self.client.subscribe_resource(STATUS)
        return await self._hears("notifications/resources/updated", "example_subscriptions")

    async def see_list_changed(self) -> bool:
        if self.mode != "legacy":
            return await self._listens("ToolsListChanged", "example_list_changed", tools_list_changed=True)
        return await self._hears("notifications/tools/list_changed", "example_list_changed")

    async def _listens(self, event: str, tool: str, **what: Any) -> bool:
        async with self.client.listen(**what) as events:
            await self.call(tool)
            return type(await asyncio.wait_for(anext(aiter(events)), CALL_S)).__name__ == event

    async def _hears(self, method: str, tool: str) -> bool:
        """Repeat the change until its message arrives: a legacy client opens its GET stream during its first calls."""
        end = asyncio.get_running_loop().time() + CALL_S
        while not any(method in message or message in method for message in self.told):
            assert asyncio.get_running_loop().time() < end, self.told
            await self.call(tool)
            await asyncio.sleep(0.02)
        return True


async def visits(made: Fleet, needs: tuple[str, ...], modes: list[str]) -> list[set[str]]:
    return await asyncio.gather(*(Visitor(made, mode, number).visit(needs) for number, mode in enumerate(modes)))


def test_every_expected_feature_works_through_plain_round_robin(kit: Callable[..., KitContext], tmp_path: Path) -> None:
    made_for = kit(*LIVE)
    with fleet(made_for, tmp_path) as made, made.redis():
        modes = ["legacy", "auto"] * 6
        for mode, worked in zip(modes, asyncio.run(visits(made, LIVE, modes)), strict=True):
            assert worked == set(LIVE), mode


@pytest.mark.parametrize(
    "line", some_weekly((line for line in SDK_LINES if line != "mcp-2"), always=("mcp-1", "fastmcp-4"))
)
def test_the_expected_features_work_with_the_other_sdk_lines(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], tmp_path: Path, line: str
) -> None:
    modern = line == "fastmcp-4"  # no decision has resumability together with modern clients
    made_for = kit(*LIVE, *([] if modern else ["resumability"]), line=line, protocol="mixed" if modern else "legacy")
    with fleet(made_for, tmp_path / "kit", str(python(made_for))) as made:
        first, second, third = made.ports
        with made.redis():
            modes = ["legacy", "auto"] * 3 if modern else ["legacy"] * 5
            for mode, worked in zip(modes, asyncio.run(visits(made, LIVE, modes)), strict=True):
                assert worked == set(LIVE), mode
            changes_reach_every_session(made)
            mine, other = session(first), session(first)
            if made_for.needs_event_store:
                last = spoken(second, {"mine": mine, "other": other})
                assert "secret of mine" in replayed(third, mine, last["mine"], "secret of mine")
                assert "secret" not in replayed(third, other, last["mine"])
        assert call(second, mine).status == 503
        assert call(first, mine).status == 200
        assert "Try again" in call(first, mine, "example_session_state").text
        with made.redis():
            until("the session is found again", lambda: call(third, mine).status == 200)
            made.kill(0)
            assert call(third, mine).status == 404


def spoken(port: int, sessions: dict[str, dict[str, str]]) -> dict[str, str]:
    """Call a tool in each session with the same request id; returns the id of the first event of each session."""
    last = {}
    for name, own in sessions.items():
        answer = call(port, own, "example_progress", text=f"secret of {name}")
        assert f"secret of {name}" in answer.text
        last[name] = re.findall(r"^id: ?(\S+)", answer.text, re.MULTILINE)[0]
    return last


@pytest.mark.parametrize("naive", [False, True], ids=["ours", "naive"])
def test_a_session_cannot_read_the_events_of_another_session(
    kit: Callable[..., KitContext], tmp_path: Path, naive: bool
) -> None:
    """With a store that has one key for all sessions, the test finds a stolen event, so the test can fail."""
    made_for = kit("progress", "resumability", protocol="legacy")
    with fleet(made_for, tmp_path, edits={"runtime/shared_state.py": NAIVE} if naive else {}) as made, made.redis():
        first, second, third = made.ports
        sessions = {"mine": session(first), "same owner": session(first), "other owner": session(second)}
        last = spoken(third, sessions)
        for port in made.ports:
            assert "secret of mine" in replayed(port, sessions["mine"], last["mine"], "secret of mine")
        for name in ("same owner", "other owner"):
            stolen = replayed(third, sessions[name], last["mine"], "secret of mine" if naive else "")
            assert ("secret of mine" in stolen) == naive
            assert naive or "secret" not in stolen


def test_a_client_that_leaves_ends_its_stream_at_the_owner(kit: Callable[..., KitContext], tmp_path: Path) -> None:
    with fleet(kit("progress"), tmp_path) as made, made.redis():
        first, second, _ = made.ports
        own = session(first)
        with closing(http.client.HTTPConnection("127.0.0.1", second, timeout=CALL_S)) as connection:
            connection.request("GET", "/mcp", headers={"Accept": "text/event-stream", **own})
            assert connection.getresponse().status == 200
            assert get_status(second, own) == 409, "one stream per session"
        until("the stream is free again", lambda: get_status(second, own) == 200)


def get_status(port: int, headers: dict[str, str]) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=CALL_S)) as connection:
        connection.request("GET", "/mcp", headers={"Accept": "text/event-stream", **headers})
        return connection.getresponse().status


def test_a_request_is_forwarded_once(kit: Callable[..., KitContext], tmp_path: Path) -> None:
    with fleet(kit("progress"), tmp_path) as made, made.redis():
        first, second, third = made.ports
        own = session(first)
        assert [call(port, own).status for port in made.ports] == [200] * 3
        assert call(second, {**own, "mcp_advisor_hop": "1"}).status == 404
        assert call(second, {**own, "Host": "evil.example"}).status == 421, "the owner checks Host itself"
        assert send(second, None, "DELETE", **own).status == 200
        until("an ended session is unknown everywhere", lambda: call(third, own).status == 404)


def test_changes_reach_legacy_sessions_of_every_instance(kit: Callable[..., KitContext], tmp_path: Path) -> None:
    with fleet(kit("subscriptions", "list_changed"), tmp_path) as made, made.redis():
        changes_reach_every_session(made)


def changes_reach_every_session(made: Fleet) -> None:
    """A session behind the proxy gets one message for a change at each instance, and reads the new value."""
    heard_by_all(made)
    own = session(made.proxy)
    assert ask(made.proxy, own, "resources/subscribe", uri=STATUS).status == 200
    assert "example_list_changed" in ask(made.proxy, own, "tools/list").text
    with closing(http.client.HTTPConnection("127.0.0.1", made.proxy, timeout=CALL_S)) as connection:
        connection.request("GET", "/mcp", headers={"Accept": "text/event-stream", **own})
        stream = connection.getresponse()
        assert stream.status == 200
        for port in made.ports:
            other = session(port)
            assert 'isError":true' not in call(port, other, "example_subscriptions", text=f"by {port}").text
            assert next_method(stream) == "notifications/resources/updated"
            for asked in made.ports:
                assert f"by {port}" in ask(asked, own, "resources/read", uri=STATUS).text
                assert f"by {port}" in ask(asked, session(asked), "resources/read", uri=STATUS).text
            assert call(port, other, "example_list_changed").status == 200
            assert next_method(stream) == "notifications/tools/list_changed"


def heard_by_all(made: Fleet) -> None:
    number = f":{len(made.ports)}\r\n".encode()
    until("all listen to Redis", lambda: made.ask("PUBSUB", "NUMSUB", "mcp:demo:changes").endswith(number))


def ask(port: int, own: dict[str, str], method: str, **params: str) -> Answer:
    return send(port, {"jsonrpc": "2.0", "id": 9, "method": method, "params": params}, **own)


def next_method(stream: http.client.HTTPResponse) -> str:
    """The method of the next message on a stream."""
    while not (found := re.search(rb'"method": ?"([^"]+)"', line := stream.readline())):
        assert line, "the stream has ended"
    return found[1].decode()


def test_changes_reach_the_listeners_of_every_instance(kit: Callable[..., KitContext], tmp_path: Path) -> None:
    with fleet(kit("subscriptions", "list_changed"), tmp_path) as made, made.redis():
        heard_by_all(made)
        asyncio.run(told(*(f"http://127.0.0.1:{port}/mcp" for port in made.ports)))


async def told(listens: str, changes: str, reads: str) -> None:
    async with (
        Client(listens, mode="auto", read_timeout_seconds=CALL_S) as listener,
        Client(changes, mode="auto", read_timeout_seconds=CALL_S) as caller,
        Client(reads, mode="auto", read_timeout_seconds=CALL_S) as reader,
        listener.listen(tools_list_changed=True, resource_subscriptions=[STATUS]) as events,
    ):
        coming = aiter(events)
        for tool, kind in (("example_list_changed", "ToolsListChanged"), ("example_subscriptions", "ResourceUpdated")):
            await caller.call_tool(tool, {"text": "changed"})
            event = await asyncio.wait_for(anext(coming), CALL_S)
            assert type(event).__name__ == kind
        for session in (listener, caller, reader):
            (content,) = (await session.read_resource(STATUS)).contents
            assert isinstance(content, TextResourceContents)
            assert content.text == "changed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"MCP_INSTANCE_URL": ""}, "MCP_INSTANCE_URL is not set"),
        ({"MCP_INSTANCE_URL": "10.0.0.7:8000"}, "MCP_INSTANCE_URL='10.0.0.7:8000' is not an address such as"),
        ({"MCP_INSTANCE_URL": "http://10.0.0.7:8000/mcp"}, "is not an address such as http://10.0.0.7:8000"),
        ({"MCP_INSTANCE_URL": "http://10.0.0.7:port"}, "is not an address such as http://10.0.0.7:8000"),
        ({"MCP_REDIS_URL": "localhost:6379"}, "MCP_REDIS_URL is not an address such as redis://"),
        ({"MCP_REDIS_URL": ""}, "MCP_REDIS_URL is not set"),
        ({"MCP_REDIS_URL": "redis://redis:6379/0"}, "MCP_REDIS_URL contains no password"),
        ({"MCP_REDIS_URL": "rediss://user@10.0.0.9:6379/0"}, "MCP_REDIS_URL contains no password"),
        ({"MCP_FLEET_KEYS": ""}, "MCP_FLEET_KEYS is not set"),
        ({"MCP_FLEET_KEYS": f"{'f' * 32},short"}, "MCP_FLEET_KEYS: key 2 has fewer than 32 bytes"),
    ],
)
def test_the_server_does_not_start_without_the_settings_of_a_fleet(
    kit: Callable[..., KitContext], tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    for file in server.files(kit("progress")):
        path = tmp_path / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    good = {"MCP_INSTANCE_URL": "http://127.0.0.1:8000", "MCP_REDIS_URL": "redis://127.0.0.1/0"}
    values = {**good, "MCP_SEALING_KEYS": "k" * 32, "MCP_FLEET_KEYS": "f" * 32, **changes}
    command = [sys.executable, str(tmp_path / "server" / "server.py")]
    ended = subprocess.run(
        command, env={**os.environ, **values}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_one_process_needs_no_address(kit: Callable[..., KitContext], tmp_path: Path) -> None:
    made_for = kit("progress")
    edits = {
        "runtime/settings.py": {"instances=3": "instances=1"},
        "runtime/session_directory.py": {'MCP_INSTANCE_URL", ': 'UNSET", '},
    }
    with fleet(made_for, tmp_path, edits=edits) as made, made.redis():
        assert initialize(made.ports[0]).status == 200
