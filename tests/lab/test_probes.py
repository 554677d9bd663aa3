"""The probes against servers with known behaviour: a bare server of the installed SDK, and wrong servers."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from advisor.knowledge import Knowledge, load
from advisor.knowledge.types import ERAS, Era
from advisor.lab.clients.sdk_client import ReceivedMessages
from advisor.lab.probes import BEHAVIOURS, FEATURES, SLOW_BEHAVIOURS, ProbeTarget, behaviour, observe
from advisor.lab.probes.cell import Probe
from advisor.lab.probes.change_notifications import verdict
from advisor.lab.probes.live import arrival, missing
from advisor.lab.probes.observation import ProbeResult, worst
from advisor.lab.process.run import Run
from advisor.lab.process.sdk_under_test import serving
from advisor.lab.testserver.tool_catalogue import CATALOGUE, entries, find

retried = pytest.mark.retried("Each probe has a deadline, and an answer that is late is reported as lost.")


def test_every_feature_has_a_probe_and_every_call_has_a_tool(knowledge: Any) -> None:
    assert set(FEATURES) == set(knowledge.features)
    known = {(cell.feature, cell.call) for package in knowledge.capabilities for cell in package.cells}
    assert {(entry.feature, entry.call) for entry in CATALOGUE} == known
    for package in knowledge.capabilities:
        for line in package.lines:
            tools = entries(knowledge.sdks[line.id].apis)
            assert len({entry.tool for entry in tools}) == len(tools)
            assert all(entry.tool.startswith("lab_") for entry in tools)
            measured = {(cell.feature, cell.call) for cell in package.cells if cell.holds(line.newest)}
            assert {(entry.feature, entry.call) for entry in tools} == measured, line.id


def test_an_api_of_an_sdk_line_has_a_tool_that_not_every_line_has(knowledge: Knowledge) -> None:
    some = {entry.call for entry in CATALOGUE if not entry.everywhere}
    assert {api for sdk in knowledge.sdks.values() for api in sdk.apis} == some


async def bare(run: Run, flags: str) -> str:
    """Start a bare server of the installed SDK; returns its address without the name of the copy."""
    pair = (flags[0] == "1", flags[1] == "1")
    launch = serving(Path(sys.executable), "mcp-2", pair, "/main", "/store", "/listen")
    _, port = await run.start_on_port(f"bare-{flags}", launch)
    return f"http://127.0.0.1:{port}"


ASKED: list[tuple[str, str, Era, str, str]] = [
    # feature, call, era, copy, the outcomes in stateful+sse and stateless+json
    ("plain", "tools/call", "legacy", "main", "works works"),
    ("plain", "tools/call", "modern", "main", "works works"),
    ("sampling", "Resolve(Sample)", "modern", "main", "works works"),
    ("sampling", "Resolve(Sample)", "legacy", "main", "works error"),
    ("sampling", "ctx.session.create_message", "modern", "main", "error error"),
    ("elicitation", "ctx.elicit", "legacy", "main", "works error"),
    ("roots", "InputRequiredResult", "legacy", "main", "error error"),
    ("progress", "ctx.report_progress", "legacy", "main", "works dropped"),
    ("logging", "ctx.info", "modern", "main", "works dropped"),
    ("subscriptions", "session.send_resource_updated", "legacy", "main", "works dropped"),
    ("subscriptions", "ctx.notify_resource_updated", "modern", "main", "works works"),
    ("list_changed", "session.send_tool_list_changed", "legacy", "main", "works dropped"),
    ("list_changed", "ctx.notify_tools_changed", "modern", "listen", "works works"),
    ("session_state", "Mcp-Session-Id", "legacy", "main", "works dropped"),
    ("session_state", "handle argument", "modern", "main", "works works"),
    ("resumability", "EventStore", "legacy", "store", "works dropped"),
    ("resumability", "EventStore", "modern", "store", "unsupported unsupported"),
]


@retried
@pytest.mark.programs
def test_the_probes_find_the_known_outcomes_of_a_bare_server(temporary: Path) -> None:
    """A sample of cells: each feature on two flag pairs. The test of `capabilities measure` covers all cells."""

    async def main() -> dict[tuple[str, str, str, str], ProbeResult]:
        async with Run.open("probes") as run:
            urls = dict(zip(("00", "11"), await asyncio.gather(bare(run, "00"), bare(run, "11")), strict=True))

            gate = asyncio.Semaphore(8)

            async def probed(asked: tuple[str, str, Era, str, str], flags: str, deadline_s: float = 5.0) -> ProbeResult:
                feature, call, era, copy, _ = asked
                entry = find(load().sdks["mcp-2"].apis, feature, call)
                assert entry is not None
                url, target = f"{urls[flags]}/{copy}/mcp", ProbeTarget(entry.tool, {}, call)
                async with gate:
                    return await observe(feature, url, era, target, deadline_s=deadline_s)

            cells = [(asked, place, flags) for asked in ASKED for place, flags in enumerate(urls)]
            found = await asyncio.gather(*(probed(asked, flags) for asked, _, flags in cells))
            seen: dict[tuple[str, str, str, str], ProbeResult] = {}
            for (asked, place, flags), observation in zip(cells, found, strict=True):
                if (
                    observation.outcome != asked[4].split()[place]
                ):  # a second try, as in the product: on a busy machine deadlines pass too early
                    observation = await probed(asked, flags, 20.0)
                seen[asked[0], asked[1], asked[2], flags] = observation
            return seen

    seen = asyncio.run(main())
    outcomes = {
        (feature, call, era): " ".join(seen[feature, call, era, flags].outcome for flags in ("00", "11"))
        for feature, call, era, _, _ in ASKED
    }
    assert outcomes == {(feature, call, era): wanted for feature, call, era, _, wanted in ASKED}
    assert "has no back-channel" in seen["elicitation", "ctx.elicit", "legacy", "11"].message
    assert seen["progress", "ctx.report_progress", "legacy", "00"].message == "arrived before the answer: 2"


@pytest.mark.thorough  # waits for a ping, which comes every 15 s
@retried
def test_the_checks_find_the_known_behaviour_of_a_bare_server(temporary: Path) -> None:
    async def main() -> dict[tuple[str, str], str]:
        async with Run.open("probes") as run:
            url = f"{await bare(run, '10')}/main/mcp"
            asked = [(name, era) for name in (*BEHAVIOURS, *SLOW_BEHAVIOURS) for era in ERAS]
            rows = await asyncio.gather(*(behaviour(name, url, era) for name, era in asked))
            return {
                (row.name, era): f"{row.observation.outcome} {row.observation.message}"
                for (_, era), found in zip(asked, rows, strict=True)
                for row in found
            }

    seen = asyncio.run(main())
    assert seen["client of both eras", "legacy"] == "works protocol 2026-07-28"
    assert seen["GET without a session", "legacy"].startswith("hang HTTP 200 text/event-stream, an open stream")
    assert seen["GET without a session", "modern"] == "error HTTP 405"
    assert seen["DELETE", "legacy"].startswith("error HTTP 405")
    assert seen["call without initialize", "legacy"] == "works HTTP 200 text/event-stream"
    assert seen["Accept: application/json", "legacy"].startswith("error HTTP 406")
    assert seen["unknown session", "legacy"].startswith("works HTTP 200")
    assert seen["pings on a silent stream", "legacy"] == "works a ping every 15 s"
    assert seen["pings on a silent stream", "modern"] == "works a ping every 15 s"
    assert seen["foreign Host", "modern"].startswith("error HTTP 421")
    assert seen["foreign Origin", "modern"].startswith("error HTTP 403")
    assert seen["cancellation", "legacy"] == "dropped the tool ran to its end"
    assert seen["cancellation", "modern"] == "works the tool was stopped"
    assert seen["disconnect", "modern"] == "works the tool was stopped"
    assert seen["log messages without a log level", "modern"] == "dropped no message arrived; the call succeeded"


class Wrong(BaseHTTPRequestHandler):
    """An endpoint with a correct initialize handshake (except for /closed), then with the fault that its path names."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        method = message.get("method")
        if method == "initialize" and self.path == "/closed":
            self._answer(503, {"error": {"message": "no more sessions"}})
        elif method == "initialize":
            who = {"name": "wrong", "version": "0"}
            result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": who}
            self._answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": result}, "one")
        elif "id" not in message:
            self._answer(202, None)
        elif self.path == "/never":
            self.server.stopping.wait(30)  # type: ignore[attr-defined]
        else:
            code, text = {"/elsewhere": (404, "Session not found"), "/busy": (500, "out of memory")}.get(
                self.path, (400, "Unsupported protocol version: 2026-07-28")
            )
            self._answer(code, {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32600, "message": text}})

    def do_GET(self) -> None:
        self._answer(405, None)

    def do_DELETE(self) -> None:
        self._answer(200, None)

    def _answer(self, status: int, body: Any, session: str = "") -> None:
        content = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        if session:
            self.send_header("mcp-session-id", session)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def wrong() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Wrong)
    server.stopping = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.stopping.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


@retried
def test_each_wrong_server_gets_its_own_outcome(wrong: str) -> None:
    async def main() -> list[ProbeResult]:
        asked: list[tuple[str, Era, str, float]] = [
            ("plain", "legacy", "/elsewhere", 10.0),
            ("session_state", "legacy", "/elsewhere", 10.0),
            ("resumability", "legacy", "/elsewhere", 10.0),
            ("plain", "legacy", "/busy", 10.0),
            ("plain", "modern", "/old", 10.0),
            ("sampling", "modern", "/old", 10.0),
            ("plain", "legacy", "/never", 0.5),
        ]
        target = ProbeTarget("lab_plain")
        return list(
            await asyncio.gather(
                *(observe(feature, wrong + path, era, target, deadline_s=s) for feature, era, path, s in asked)
            )
        )

    seen = asyncio.run(main())
    assert [observation.outcome for observation in seen] == [
        *("unreachable", "unreachable", "unreachable"),
        *("error", "unsupported", "unsupported", "hang"),
    ]
    assert "Session not found" in seen[0].message
    assert seen[3].message == "-32600 out of memory"
    assert "Unsupported protocol version: 2026-07-28" in seen[4].message
    assert seen[6].message == "no answer within 0.5 s; the client got no request"


@retried
def test_a_check_without_its_session_is_an_error(wrong: str) -> None:
    """Without a session, the answers to DELETE or to a foreign Host header prove nothing about these requests."""
    found = asyncio.run(behaviour("http", f"{wrong}/closed", "legacy"))
    rows = {row.name: row.observation for row in found}
    without = {"GET without a session", "call without initialize", "unknown session"}
    assert {name for name, seen in rows.items() if not seen.message.startswith("initialize: ")} == without
    assert {seen.outcome for name, seen in rows.items() if name not in without} == {"error"}
    assert rows["DELETE"].message == "initialize: HTTP 503: no more sessions"
    assert rows["foreign Host"].message == "initialize: HTTP 503: no more sessions"


def test_an_unreachable_server_is_an_error() -> None:
    seen = asyncio.run(observe("plain", "http://127.0.0.1:1/mcp", "legacy", ProbeTarget("lab_plain")))
    assert seen.outcome == "error"
    assert "connect" in seen.message.lower()


@pytest.mark.parametrize(
    ("came", "outcome", "said"),
    [
        ([9.5, 9.8], "works", "arrived before the answer: 2"),
        ([], "dropped", "no message arrived"),
        ([9.99, 9.99], "dropped", "together with the answer"),
        ([10.2], "dropped", "only after the answer"),
    ],
)
def test_a_late_message_is_not_live(came: list[float], outcome: str, said: str) -> None:
    found = arrival(came, 10.0)
    assert found.outcome == outcome
    assert said in found.message


@pytest.mark.parametrize(
    ("values", "total", "said"),
    [
        ([1, 2], 2, None),
        ([1], 2, "the last progress value is 1 of 2"),
        ([1], None, None),
        ([2, 1], 2, None),
        ([], None, None),
    ],
)
def test_progress_that_stops_half_way_is_lost(values: list[float], total: float | None, said: str | None) -> None:
    heard = ReceivedMessages()
    for value in values:
        asyncio.run(heard.on_progress(value, total, None))
    assert missing(heard) == said


def test_a_notification_that_arrives_only_sometimes_does_not_work() -> None:
    moments = ("in the call", "after the call")
    assert verdict(moments, moments, "", []).outcome == "works"
    partial = verdict(moments[:1], moments, "", [""])
    assert (partial.outcome, partial.message) == ("dropped", "arrived in the call, but not after the call")
    assert verdict((), ("",), "", ["why"]).message == "no message arrived; the call succeeded (why)"
    assert verdict((), ("",), "-1 no", []).outcome == "error"


def test_the_worst_observation_is_the_result() -> None:
    seen = [ProbeResult("works", "a"), ProbeResult("hang", "b"), ProbeResult("hang", "c"), ProbeResult("error", "d")]
    assert worst(seen) == ProbeResult("hang", "b (2 of 4)")
    assert worst(seen[:1]) == seen[0]


def test_the_wait_for_silence_depends_on_the_deadline() -> None:
    assert Probe("", "legacy", ProbeTarget(), 5.0).silence_s == pytest.approx(1.5)
