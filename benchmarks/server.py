"""The cost of health checks, metrics, tokens and the rest of a generated server: `python -m benchmarks server`."""

import contextlib
import itertools
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.parts import server
from advisor.knowledge import load
from advisor.lab.load.client import processor_s
from advisor.lab.process.ports import free_port
from advisor.requirements.reader import SourceDocument
from advisor.requirements.validate import validate
from benchmarks.rig import HELLO, connect, send, start, until
from benchmarks.tokens import issuer

ROUNDS = 15
CALLS = 400

Rounds = list[float]
"""Seconds of each round."""

BARE = """
import sys

import uvicorn
from mcp.server.mcpserver import MCPServer

mcp = MCPServer("demo")


@mcp.tool(name="echo")
async def echo(text: str = "") -> str:
    "The stub of the kit."
    lines = [text]
    return "\\n".join(lines)


app = mcp.streamable_http_app(stateless_http=sys.argv[2] == "True", json_response=sys.argv[3] == "True")
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, timeout_keep_alive=75)
"""


@dataclass(frozen=True)
class Served:
    """A running server.

    Attributes:
        port: its port.
        pid: its process.
        token: the access token of its clients, or "".
    """

    port: int
    pid: int
    token: str = ""

    def opens(self) -> bool:
        """Whether the server opens a session."""
        with contextlib.suppress(OSError):
            return send(connect(self.port), "initialize", HELLO, token=self.token)[0] == 200
        return False


def generated() -> None:
    """Alternate calls of a tool in two servers, with and without sessions, with SSE streams and with JSON.

    First, a bare server of the SDK and the generated server without tokens. The result is the throughput of the
    generated server divided by that of the bare server. Second, the generated server without and with tokens (JWT).
    The result is the time that a token adds to a call. Each result has a value for wall time, and a value for the CPU
    time of the server process. The CPU time is reliable on a busy machine too.
    """
    for stateless, json_response in itertools.product((False, True), (False, True)):
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            work = Path(folder)
            issued = stack.enter_context(issuer())
            flags = (str(stateless), str(json_response))
            bare = _bare(stack, work, flags)
            off = _kit(stack, work / "off", flags, {})
            checks = _kit(stack, work / "jwt", flags, {**issued.settings}, issued.token)
            for served in (bare, off, checks):
                until(served.opens)
            print(f"  {'stateless' if stateless else 'with a session'}, {'JSON' if json_response else 'SSE'}:")
            print(f"    auth off, throughput against a bare server: {_ratios(*_compare(bare, off))}   (aim: 0.95)")
            print(f"    JWT against auth off: {_added(*_compare(off, checks))}", flush=True)


def _bare(stack: contextlib.ExitStack, work: Path, flags: tuple[str, str]) -> Served:
    (work / "bare.py").write_text(BARE)
    port = free_port()
    command = [sys.executable, str(work / "bare.py"), str(port), *flags]
    return Served(port, start(stack, work / "bare.log", command).pid)


def _kit(
    stack: contextlib.ExitStack, folder: Path, flags: tuple[str, str], settings: dict[str, str], token: str = ""
) -> Served:
    """Start the server of a kit. With a token, the kit is made for clients with tokens."""
    advisor = Advisor(load())
    auth = {"environment": {"auth": "bearer"}} if token else {}
    facts = {"version": 1, "service": "demo", "scale": {"instances": 1}, **auth}
    kit = kit_context(advisor.decide(validate(SourceDocument("demo", facts, {}), advisor.space)))
    for file in server.files(kit):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    port = free_port()
    named = dict(zip(("MCP_STATELESS", "MCP_JSON_RESPONSE"), flags, strict=True))
    env = {**named, "MCP_INSTANCES": "1", "MCP_PORT": str(port), **settings}
    command = [sys.executable, str(folder / "server" / "server.py")]
    return Served(port, start(stack, folder / "log", command, env).pid, token)


def _compare(first: Served, second: Served) -> tuple[list[Rounds], ...]:
    """The seconds of each round by the clock and by processor time, for both servers."""
    both = (first, second)
    sessions = [
        send(connect(served.port), "initialize", HELLO, token=served.token)[1].get("mcp-session-id", "")
        for served in both
    ]
    clock: list[Rounds] = [[], []]
    processor: list[Rounds] = [[], []]
    for number in itertools.chain([-1], range(ROUNDS)):  # one round to warm up
        for which in (0, 1) if number % 2 else (1, 0):
            served = both[which]
            connection = connect(served.port)  # the server can have closed the connection of an earlier round
            began, spent = time.perf_counter(), processor_s(served.pid)
            for _ in range(CALLS):
                status, _ = send(connection, "tools/call", _ECHO, sessions[which], served.token)
                assert status == 200, status
            if number >= 0:
                clock[which].append(time.perf_counter() - began)
                processor[which].append(processor_s(served.pid) - spent)
    return clock, processor


def _ratios(clock: list[Rounds], processor: list[Rounds]) -> str:
    shown = []
    for name, (first, second) in (("by the clock", clock), ("by processor time", processor)):
        ratios = sorted(a / b for a, b in zip(first, second, strict=True))
        each = statistics.median(second) / CALLS * 1e6
        shown.append(
            f"{name} {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}; {each:.0f} µs a call)"
        )
    return ", ".join(shown)


def _added(clock: list[Rounds], processor: list[Rounds]) -> str:
    shown = []
    for name, (first, second) in (("by the clock", clock), ("by processor time", processor)):
        more = sorted((b - a) / CALLS * 1e6 for a, b in zip(first, second, strict=True))
        shown.append(f"{name} {statistics.median(more):.0f} µs more for each call ({more[0]:.0f} to {more[-1]:.0f})")
    return ", ".join(shown)


_ECHO = {"name": "echo", "arguments": {"text": "hello"}}


if __name__ == "__main__":
    generated()
