"""The cost of health checks, metrics and the other parts of a generated server: `python -m benchmarks server`."""

import contextlib
import itertools
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.parts import server
from advisor.knowledge import load
from advisor.lab.load.client import processor_s
from advisor.requirements.reader import SourceDocument
from advisor.requirements.validate import validate
from benchmarks.rig import HELLO, connect, free_port, send, start, until

ROUNDS = 15
CALLS = 400
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


app = mcp.streamable_http_app(stateless_http=sys.argv[2] == "True")
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, timeout_keep_alive=75)
"""


def generated() -> None:
    """Alternate calls of one tool in a bare server of the SDK and in the generated server, with and without sessions.

    Prints the throughput of the generated server divided by that of the bare server, for wall time and for the CPU time
    of the server process. The CPU time is reliable on a busy machine too.
    """
    for stateless in (False, True):
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            work = Path(folder)
            ports = [free_port(), free_port()]
            pids = _servers(stack, work, ports, stateless)
            until(partial(_all_open, ports))
            print(f"  {'stateless' if stateless else 'with a session'}: {_compare(ports, pids)}", flush=True)


def _all_open(ports: list[int]) -> bool:
    return all(_opens(port) for port in ports)


def _servers(stack: contextlib.ExitStack, work: Path, ports: list[int], stateless: bool) -> list[int]:
    advisor = Advisor(load())
    facts = {"version": 1, "service": "demo", "scale": {"instances": 1}}
    kit = kit_context(advisor.decide(validate(SourceDocument("demo", facts, {}), advisor.space)))
    for file in server.files(kit):
        path = work / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    (work / "bare.py").write_text(BARE)
    flags = {"MCP_STATELESS": str(stateless), "MCP_JSON_RESPONSE": "false", "MCP_INSTANCES": "1"}
    bare = start(stack, work / "bare.log", [sys.executable, str(work / "bare.py"), str(ports[0]), str(stateless)])
    kits = [sys.executable, str(work / "server" / "server.py")]
    return [bare.pid, start(stack, work / "kit.log", kits, {**flags, "MCP_PORT": str(ports[1])}).pid]


def _opens(port: int) -> bool:
    with contextlib.suppress(OSError):
        return send(connect(port), "initialize", HELLO)[0] == 200
    return False


def _compare(ports: list[int], pids: list[int]) -> str:
    connections = [connect(port) for port in ports]
    sessions = [send(connection, "initialize", HELLO)[1].get("mcp-session-id", "") for connection in connections]
    clock: list[list[float]] = [[], []]
    processor: list[list[float]] = [[], []]
    for number in itertools.chain([-1], range(ROUNDS)):  # one round to warm up
        for which in (0, 1) if number % 2 else (1, 0):
            began, spent = time.perf_counter(), processor_s(pids[which])
            for _ in range(CALLS):
                status, _ = send(connections[which], "tools/call", _ECHO, sessions[which])
                assert status == 200, status
            if number >= 0:
                clock[which].append(time.perf_counter() - began)
                processor[which].append(processor_s(pids[which]) - spent)
    shown = []
    for name, (bare, kit) in (("by the clock", clock), ("by processor time", processor)):
        ratios = sorted(a / b for a, b in zip(bare, kit, strict=True))
        each = statistics.median(kit) / CALLS * 1e6
        shown.append(
            f"{name} {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}; {each:.0f} µs a call)"
        )
    return "throughput against a bare server: " + ", ".join(shown)


_ECHO = {"name": "echo", "arguments": {"text": "hello"}}


if __name__ == "__main__":
    generated()
