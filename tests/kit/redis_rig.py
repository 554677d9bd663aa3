"""Three instances of the generated server that share a real Redis, behind a proxy without session affinity."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from proxy_rig import answers, process
from running import until

from advisor.kit.model import KitContext
from advisor.kit.parts import server
from advisor.lab.process import programs
from advisor.lab.process.ports import free_port

LEGACY = "2025-06-18"
CALL_S = 30
FLEET_KEY = "f" * 32
SHARED = {
    "service": "demo",
    "environment.hosts": ["research.example.com"],
    "scale.instances": 3,
    "scale.affinity": "unavailable",
    "operations.shared_store": "redis",
}
"""The facts of a fleet that shares its sessions."""
UNKNOWN = {"Mcp-Session-Id": "0123456789abcdef", "MCP-Protocol-Version": LEGACY}
"""The headers of a session that no instance opened."""
REPORT = "        await ctx.report_progress("


@contextmanager
def listening(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """Accept connections on a free port, one after the other, and give each of them to `handle`. Yields the port."""

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                handle(connection)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def redis_server(port: int) -> list[str]:
    """The command of a Redis that writes nothing to the disk."""
    return [str(programs.program("redis-server")), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]


@dataclass
class Fleet:
    """The instances, their proxy and their Redis."""

    folder: Path
    proxy: int
    redis_port: int
    ports: list[int]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.proxy}"

    @contextmanager
    def redis(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run an empty Redis while the block lasts. The block starts when every instance is connected to it."""
        command = redis_server(self.redis_port)
        with process([*command, "--dir", str(self.folder)], self.folder / "redis.log") as started:
            until("Redis answers", lambda: self.ask("PING") == b"+PONG\r\n")
            until("the instances have found Redis", lambda: all(initialize(port).status == 200 for port in self.ports))
            yield started

    def ask(self, *words: str) -> bytes:
        """Send a command to Redis; returns the raw answer, empty if Redis does not run."""
        line = b"".join(
            b"$%d\r\n%s\r\n" % (len(word), word) for word in (text.encode("utf-8", "surrogateescape") for text in words)
        )
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.redis_port), timeout=1) as connection:
            connection.sendall(b"*%d\r\n" % len(words) + line)
            return connection.recv(65536)
        return b""

    def kill(self, number: int) -> None:
        self.signal(number, signal.SIGKILL)
        self.processes[number].wait()

    def signal(self, number: int, what: signal.Signals) -> None:
        os.killpg(self.processes[number].pid, what)


@contextmanager
def fleet(
    kit: KitContext,
    folder: Path,
    python: str = sys.executable,
    edits: Mapping[str, Mapping[str, str]] | None = None,
    envs: Sequence[Mapping[str, str]] = ({}, {}, {}),
) -> Iterator[Fleet]:
    """A fleet without Redis. The test starts Redis.

    Args:
        kit: the kit to generate.
        folder: the folder for the files.
        python: the interpreter of an environment with the requirements of the kit.
        edits: file of the server → text that occurs in it once → text that replaces it.
        envs: additional environment variables of each instance.
    """
    for file in server.files(kit):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    _gate(folder)
    for name, changes in (edits or {}).items():
        path = folder / "server" / name
        text = path.read_text()
        for old, new in changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path.write_text(text)
    made = Fleet(folder, free_port(), free_port(), [free_port() for _ in range(3)])
    with ExitStack() as stack:
        for port, env in zip(made.ports, envs, strict=True):
            values = {
                "MCP_PORT": str(port),
                "MCP_INSTANCE_URL": f"http://127.0.0.1:{port}",
                "MCP_REDIS_URL": f"redis://127.0.0.1:{made.redis_port}/0",
                "MCP_SEALING_KEYS": "k" * 32,
                "MCP_FLEET_KEYS": FLEET_KEY,
                **env,
            }
            command = [python, str(folder / "server" / "server.py")]
            made.processes.append(stack.enter_context(process(command, folder / f"server-{port}.log", **values)))
        for port in made.ports:
            until(f"{port} answers", partial(answers, port, "/health"))
        config = folder / "nginx.conf"
        config.write_text(_nginx(folder, made))
        command = [str(programs.program("nginx")), "-p", str(folder), "-c", str(config), "-g", "daemon off;"]
        proxy = stack.enter_context(process(command, folder / "nginx.log"))
        until("nginx answers", lambda: proxy.poll() is not None or answers(made.proxy, "/health"))
        assert proxy.poll() is None, (folder / "nginx.log").read_text()
        yield made


def _gate(folder: Path) -> None:
    """Make a call that reports progress for "gate-…" continue only after the client has its first report.

    If a report is buffered until the result comes, the call never ends.
    """
    path = folder / "server" / "tools.py"
    text = path.read_text()
    wait = f"""        while step > 1 and text.startswith("gate-") and not Path({str(folder)!r}, text).exists():
            await asyncio.sleep(0.01)
"""
    docstring, _, code = text.replace(REPORT, f"{wait}{REPORT}").partition('"""\n\n')
    path.write_text(f'{docstring}"""\n\nimport asyncio\nfrom pathlib import Path\n{code}')


def _nginx(folder: Path, made: Fleet) -> str:
    """Plain round robin without retries, so that the test notices a dead instance."""
    servers = "".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=60s;" for port in made.ports)
    paths = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; {paths}
  upstream fleet {{ {servers} }}
  server {{
    listen 127.0.0.1:{made.proxy};
    location / {{
      proxy_pass http://fleet; proxy_http_version 1.1; proxy_set_header Host research.example.com;
      proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 60s;
      proxy_next_upstream error; proxy_set_header Connection "";
    }}
  }}
}}
"""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def error(self) -> str:
        return str(json.loads(self.text)["error"]["message"])


def send(port: int, body: dict[str, Any] | None = None, method: str = "POST", **headers: str) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    named = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json", **_headers(headers)}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/mcp", data, named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=CALL_S) as answer:
            return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read().decode())


def entry(own: Mapping[str, str]) -> str:
    """The name of the Redis entry of a session."""
    return f"mcp:demo:session:{hashlib.sha256(own['Mcp-Session-Id'].encode()).hexdigest()}"


def signed(name: str, value: str, key: str = FLEET_KEY) -> str:
    """The text of a Redis entry with the signature of a fleet key."""
    return f"{hmac.new(key.encode(), f'{len(name)}:{name}{value}'.encode(), 'sha256').hexdigest()} {value}"


def _headers(named: Mapping[str, str]) -> dict[str, str]:
    return {key.replace("_", "-"): value for key, value in named.items()}


def initialize(port: int) -> Answer:
    client = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}
    return send(port, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client})


def session(port: int) -> dict[str, str]:
    """Open a session on one instance; returns the headers of its requests."""
    opened = initialize(port)
    assert opened.status == 200, opened
    own = {"Mcp-Session-Id": opened.headers["mcp-session-id"], "MCP-Protocol-Version": LEGACY}
    assert send(port, {"jsonrpc": "2.0", "method": "notifications/initialized"}, **own).status == 202
    return own


def call(port: int, own: dict[str, str], tool: str = "echo", text: str = "hello", number: int = 7) -> Answer:
    params = {"name": tool, "arguments": {"text": text}, "_meta": {"progressToken": 1}}
    return send(port, {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}, **own)


def replayed(port: int, own: dict[str, str], last: str, wanted: str = "") -> str:
    """The text after a GET with Last-Event-ID, until `wanted` arrives, the stream ends or is silent for two seconds."""

    async def read() -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        headers = {"Host": "localhost", "Accept": "text/event-stream", "Last-Event-ID": last, **own}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"GET /mcp HTTP/1.1\r\n{lines}\r\n".encode())
        came = b""
        with suppress(asyncio.TimeoutError):
            while not (wanted and wanted.encode() in came):
                piece = await asyncio.wait_for(reader.read(65536), CALL_S if wanted else 2)
                if not piece:
                    break
                came += piece
        writer.close()
        return came.decode()

    return asyncio.run(read())
