"""The raw clients: which answers they read and when they continue. They import no other package of the lab."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from contextlib import suppress
from itertools import repeat
from pathlib import Path

import pytest

import advisor
from advisor.endpoint import protocol
from advisor.lab.clients.socket_client import SocketClient

ROOT = Path(advisor.__file__).parent
ALLOWED = ("advisor.endpoint", "advisor.knowledge", "advisor.lab.clients", "advisor.lab.probes", "advisor.sentences")


def imported(path: Path) -> set[str]:
    """The modules of this program that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name.startswith("advisor")}


@pytest.mark.parametrize("package", ["clients", "probes"])
def test_clients_and_probes_import_nothing_else_of_the_lab(package: str) -> None:
    """Clients and probes work with any URL, without a fleet, a run or a process of the lab."""
    for path in (ROOT / "lab" / package).glob("*.py"):
        assert {name for name in imported(path) if not name.startswith(ALLOWED)} == set(), path.name


def test_the_client_of_load_runs_without_installed_packages() -> None:
    command = [sys.executable, "-S", "-s", "-c", "import advisor.lab.load.client"]
    subprocess.run(command, env={"PYTHONPATH": str(ROOT.parent)}, check=True, timeout=60)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('{"jsonrpc":"2.0","id":2,"result":{}}', True),
        ('data: {"method":"notifications/progress"}\n\ndata: {"id":2,"result":{"a":1}}\n\n', True),
        ('data: {"id":2,"res', False),
        ('{"id":1,"result":{}}', False),
        ('{"id":null,"error":{"message":"no"}}', True),
        ("", False),
    ],
)
def test_an_answer_is_matched_by_its_id(body: str, found: bool) -> None:
    assert (protocol.reply_to(2, body) is not None) == found


def chunk(text: str) -> bytes:
    return f"{len(text):x}\r\n{text}\r\n".encode()


async def requests_to(*, keeps_alive: bool = False, keeps_cookies: bool = False) -> list[str]:
    """The (connection, method, cookie, session) of each request of a client that initializes, confirms and calls."""
    held, heads = asyncio.Event(), list[str]()
    connections: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.ensure_future(serve(len(connections) + 1, reader, writer)))

    async def serve(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                message = json.loads(await reader.readexactly(length))
                heads.append(f"{number} {message['method']} {'cookie: route=1' in head} {'mcp-session-id: s' in head}")
                headers = "transfer-encoding: chunked\r\nset-cookie: route=1; Path=/\r\nmcp-session-id: s\r\n"
                reply = json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": {}})
                writer.write(f"HTTP/1.1 200 OK\r\n{headers}\r\n".encode() + chunk(f"data: {reply}\n\n"))
                if not keeps_alive and "id" in message:
                    await held.wait()
                writer.write(b"0\r\n\r\n")
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client = SocketClient(
            repeat(("127.0.0.1", port)),
            modern=False,
            answer_s=10.0,
            keeps_alive=keeps_alive,
            keeps_cookies=keeps_cookies,
        )
        await client.initialize()
        await client.confirm()
        answer = await client.call("add", {"a": 1})
        assert answer.reply()["result"] == {}
        client.close()
        held.set()
        await asyncio.wait_for(asyncio.gather(*connections), 10)
    return heads


def test_a_client_continues_before_the_stream_of_an_answer_ends() -> None:
    assert asyncio.run(requests_to(keeps_cookies=True)) == [
        "1 initialize False False",
        "2 notifications/initialized True True",
        "3 tools/call True True",
    ]


def test_a_connection_is_kept_alive_on_request() -> None:
    assert asyncio.run(requests_to(keeps_alive=True)) == [
        "1 initialize False False",
        "1 notifications/initialized False True",
        "1 tools/call False True",
    ]
