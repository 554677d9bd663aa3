"""Real proxies in front of real upstream processes on loopback, for all proxy tests."""

from __future__ import annotations

import http.client
import importlib.util
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from running import until

from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts import proxy
from advisor.kit.upstreams import ProxyAddresses, production_addresses
from advisor.lab.process import programs
from advisor.lab.process.extra import EXTRA
from advisor.lab.process.ports import free_port

HERE = Path(__file__).parent


def answers(port: int, path: str, host: str = "127.0.0.1") -> bool:
    with (
        suppress(OSError, http.client.HTTPException),
        closing(http.client.HTTPConnection(host, port, timeout=2)) as c,
    ):
        c.request("GET", path)
        return c.getresponse().status == 200
    return False


@contextmanager
def process(command: Sequence[str], log: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a process group of its own. The block ends the process when it exits."""
    with log.open("wb") as out:
        started = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **env}, start_new_session=True)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


@dataclass
class Upstreams:
    """Instances of the toy server, by name."""

    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def kill(self, name: str) -> None:
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def stop(self, name: str) -> None:
        os.killpg(self.processes[name].pid, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        os.killpg(self.processes[name].pid, signal.SIGCONT)

    def addresses(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"127.0.0.1:{self.ports[name]}" for name in names)


@contextmanager
def upstreams(
    folder: Path,
    names: Sequence[str],
    stateless: Sequence[str] = (),
    app: str = "upstream:app",
    hosts: Mapping[str, str] | None = None,
) -> Iterator[Upstreams]:
    """Start the instances `names`. With `hosts`, they have one port, each at its own address of loopback."""
    assert importlib.util.find_spec("uvicorn"), f"uvicorn is missing: {EXTRA}"
    with ExitStack() as stack:
        fleet = Upstreams()
        common = free_port()
        for name in names:
            port = fleet.ports[name] = common if hosts else free_port()
            command = [sys.executable, "-m", "uvicorn", app, "--app-dir", str(HERE), "--port", str(port)]
            command += ["--host", hosts[name]] if hosts else []
            env = {"UPSTREAM_NAME": name, "UPSTREAM_STATELESS": str(int(name in stateless))}
            started = process([*command, "--log-level", "warning"], folder / f"{name}.log", **env)
            fleet.processes[name] = stack.enter_context(started)
        for name, port in fleet.ports.items():
            host = hosts[name] if hosts else "127.0.0.1"
            until(f"{name} answers", partial(answers, port, "/health", host))
        yield fleet


def write(folder: Path, files: Iterable[KitFile]) -> None:
    for file in files:
        (folder / Path(file.path).name).write_text(file.content)


def command(kit: KitContext, folder: Path, *, debian: bool = False, check: bool = False) -> list[str]:
    """The command that starts the proxy of the kit, or that checks its configuration."""
    binary = str(programs.program("nginx-debian" if debian and kit.proxy == "nginx" else kit.proxy))
    if not check:
        return kit.carried.command(binary, str(folder), "lab")
    return [binary, *(part.format(folder=folder) for part in kit.carried.validate)]


def accepted(kit: KitContext, folder: Path, *, debian: bool = False) -> None:
    """Whether the real program accepts the files in `folder`. Traefik has no check, so it starts with them."""
    if not kit.carried.validate:
        _starts(kit, folder)
        return
    asked = subprocess.run(command(kit, folder, debian=debian, check=True), capture_output=True, text=True, timeout=60)
    assert asked.returncode == 0, asked.stdout + asked.stderr
    talk = asked.stdout + asked.stderr
    assert "[warn]" not in talk, talk
    assert "[WARNING]" not in talk, talk


def _starts(kit: KitContext, folder: Path) -> None:
    """Whether Traefik serves the configuration without an error, at other addresses."""
    copy, port = folder.with_name(f"{folder.name}-copy"), free_port()
    shutil.copytree(folder, copy)
    main = copy / "traefik.yaml"
    text = re.sub(r'^(    address: ").*:\d+"', r'\g<1>127.0.0.1:0"', main.read_text(), flags=re.MULTILINE)
    text = text.replace('127.0.0.1:0"', f'127.0.0.1:{port}"', 1)
    main.write_text(re.sub(r"^    filename: .*", f'    filename: "{main}"', text, flags=re.MULTILINE))
    log = copy / "log.txt"
    with process(command(kit, copy), log) as started:
        until("traefik answers", lambda: started.poll() is not None or answers(port, "/healthz"))
        assert started.poll() is None, log.read_text()
    talk = [line for line in log.read_text().splitlines() if '"level":"error"' in line]
    assert talk == []


@contextmanager
def running(
    kit: KitContext,
    folder: Path,
    tiers: dict[str, tuple[str, ...]],
    *,
    debian: bool = False,
) -> Iterator[Client]:
    """Start the proxy of the kit and yield a client of it. Only the file with the addresses is changed."""
    folder.mkdir()
    port = free_port()
    write(folder, proxy.files(kit))
    peers = {name: f"127.0.0.1:{free_port()}" for name in production_addresses(kit).peers}
    addresses = ProxyAddresses(f"127.0.0.1:{port}", tiers, peers=peers, folder=str(folder))
    write(folder, proxy.address_files(kit, addresses))
    accepted(kit, folder, debian=debian)
    log = folder / "log.txt"
    with process(command(kit, folder, debian=debian), log) as started:
        until(f"{kit.proxy} answers", lambda: started.poll() is not None or answers(port, "/healthz"))
        assert started.poll() is None, log.read_text()
        yield Client(port, log, started.pid)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """A client that sends MCP requests to the proxy, each on a new connection."""

    port: int
    log: Path
    pid: int
    ids: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def send(
        self, method: str, path: str = "/mcp", body: bytes | None = None, /, **headers: str
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request; returns the response before its body is read."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            sent = {key.replace("_", "-"): value for key, value in headers.items() if value}
            with suppress(
                BrokenPipeError, ConnectionResetError
            ):  # the proxy refused before the request was sent completely
                connection.request(method, path, body, {"Content-Type": "application/json", **sent})
            with closing(connection.getresponse()) as response:
                yield response

    def request(self, method: str, path: str = "/mcp", body: bytes | None = None, /, **headers: str) -> Answer:
        with self.send(method, path, body, **headers) as response:
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def rpc(self, method: str, params: dict[str, Any] | None = None, path: str = "/mcp", **headers: str) -> Answer:
        message = {"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": params or {}}
        return self.request("POST", path, json.dumps(message).encode(), **headers)

    def initialize(self, path: str = "/mcp", **params: Any) -> tuple[str, str, dict[str, str]]:
        """Open a session: its id, the instance that created it, and the headers of all later requests."""
        answer = self.rpc("initialize", params, path)
        assert answer.status == 200, (answer.status, answer.body)
        sid = answer.headers.get("mcp-session-id", "")
        cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        headers = {"Mcp_Session_Id": sid, "MCP_Protocol_Version": "2025-11-25", "Cookie": cookie}
        return sid, answer.headers["x-served-by"], headers

    def call(self, headers: dict[str, str], path: str = "/mcp", name: str = "echo", **arguments: Any) -> Answer:
        return self.rpc("tools/call", {"name": name, **arguments}, path, **headers)

    def modern(self, tool: str, path: str = "/mcp", method: str = "tools/call", **arguments: Any) -> Answer:
        headers = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": method, "Mcp_Name": tool}
        return self.rpc(method, {"name": tool, **arguments}, path, **headers)
