"""Several proxies of a kit, the balancer in front of them, and their reload, as real processes."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import pytest
from running import refused, until

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.errors import LabError
from advisor.kit.context import kit_context
from advisor.kit.parts import proxy
from advisor.lab.fleet import proxies, proxy_program
from advisor.lab.fleet.front import front_of
from advisor.lab.fleet.plan import FleetPlan
from advisor.lab.fleet.proxies import Proxies
from advisor.lab.fleet.proxy_program import healthy
from advisor.lab.process import ports
from advisor.lab.process.run import Run
from advisor.lab.topology.balancer import NAMES, Balancer

pytestmark = pytest.mark.retried(
    "The processes of a run share the processors, and their start, their answers and their end have deadlines."
)

STICKY = {
    "service": "demo",
    "clients.protocol": "mixed",
    "scale.instances": 2,
    "scale.affinity": "available",
    "environment.platform": "systemd",
    "environment.proxy.replicas": 2,
    "needs.sampling": "required",
}
Balanced: TypeAlias = Callable[[Callable[[int], None], Sequence[int]], None]

KINDS: dict[str, dict[str, Any]] = {
    "nginx": {"environment.proxy.kind": "nginx", "environment.proxy.version": "1.31"},
    "haproxy": {"environment.proxy.kind": "haproxy"},
    "caddy": {"environment.proxy.kind": "caddy"},
    "traefik": {"environment.proxy.kind": "traefik", "clients.keep_cookies": True},
    "envoy": {"environment.proxy.kind": "envoy"},
}


class Echo(BaseHTTPRequestHandler):
    """Answers with the address of the client and the name of the server."""

    protocol_version = "HTTP/1.1"

    server: ThreadingHTTPServer

    def do_GET(self) -> None:
        said = {"server": self.server.server_port, "peer": self.client_address[0], "line": self.client_address[1]}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def echoes(many: int) -> Iterator[list[int]]:
    """The ports of several servers."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Echo) for _ in range(many)]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield [server.server_port for server in servers]
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def asked(port: int, path: str = "/", *, times: int = 1, source: str | None = None) -> list[dict[str, Any]]:
    """The answers to requests on one connection."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(source, 0) if source else None)
    found = []
    for _ in range(times):
        link.request("GET", path)
        found.append(json.loads(link.getresponse().read()))
    link.close()
    return found


@pytest.fixture
def balanced(temporary: Path) -> Balanced:
    """A function that runs a check against the balancer in front of several servers."""

    def run(check: Callable[[int], None], behind: Sequence[int]) -> None:
        async def work() -> None:
            async with Run.open("balanced") as run:
                no_plan: Any = None  # the balancer does not read the plan
                front = Proxies(run, no_plan)
                _, port = await front._balancer([f"127.0.0.1:{upstream}" for upstream in behind])
                await asyncio.to_thread(check, port)
            assert refused(port)

        asyncio.run(asyncio.wait_for(work(), 60))

    return run


def test_connections_rotate_and_requests_of_one_connection_stay_together(balanced: Balanced) -> None:
    def check(port: int) -> None:
        seen = [[answer["server"] for answer in asked(port, times=3)] for _ in range(6)]
        assert all(len(set(names)) == 1 for names in seen), seen
        order = [names[0] for names in seen]
        assert order[0] != order[1]
        assert order == order[:2] * 3

    with echoes(2) as behind:
        balanced(check, behind)


@pytest.mark.skipif(sys.platform != "linux", reason="one address on loopback")
def test_the_proxies_see_the_address_of_the_client(balanced: Balanced) -> None:
    def check(port: int) -> None:
        for source in ("127.0.3.1", "127.0.9.7"):
            assert [answer["peer"] for answer in asked(port, source=source)] == [source]

    with echoes(2) as behind:
        balanced(check, behind)


def test_a_server_that_is_gone_is_skipped(balanced: Balanced) -> None:
    def check(port: int) -> None:
        assert {asked(port)[0]["server"] for _ in range(6)} == {alive}

    with echoes(1) as (alive,):
        balanced(check, [ports.free_port(), alive])


def test_a_closed_client_connection_is_closed_to_the_server_too(balanced: Balanced) -> None:
    """A proxy must notice that the client cancelled a call."""

    class Held(Echo):
        def do_GET(self) -> None:
            if self.path == "/healthz":
                return super().do_GET()
            began.set()
            ended.append(self.rfile.read(1))  # the next byte is the end of the connection
            return None

    def check(port: int) -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        link.request("GET", "/")
        assert began.wait(10)
        link.close()
        until("the connection behind has ended", lambda: ended == [b""])

    began = threading.Event()
    ended: list[bytes] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Held) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        balanced(check, [server.server_port])
        server.shutdown()


def open_proxies(
    check: Callable[[Proxies], Awaitable[None]],
    advisor: Advisor,
    decide: Callable[..., Decision],
    folder: Path,
    facts: Mapping[str, Any],
    *,
    holds: bool = False,
) -> None:
    """Run the proxies of a kit in front of servers of the test."""
    kit = kit_context(decide({**STICKY, **facts}))
    for file in proxy.files(kit):
        path = folder / "kit" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)

    async def work(behind: Sequence[int]) -> None:
        chosen = front_of(kit, kind=kit.proxy, holds=holds, processes=2, straight=False)
        async with Run.open("proxies") as run:
            found = Proxies(run, FleetPlan(folder / "kit", kit, folder, chosen, {"main": 2}))
            await found.start({"main": tuple(f"127.0.0.1:{upstream}" for upstream in behind)})
            await check(found)
        assert all(refused(port) for port in (found.port, *found.doors))

    with echoes(2) as behind:
        asyncio.run(asyncio.wait_for(work(behind), 120))


def pids(found: Proxies) -> list[set[int]]:
    return [set(entry.members()) for entry in found.proxies]


@pytest.mark.programs
@pytest.mark.parametrize("kind", ["nginx", "haproxy", "caddy", "traefik"])
def test_two_proxies_of_the_kit_serve_and_reload_one_after_another(
    advisor: Advisor, decide: Callable[..., Decision], tmp_path: Path, temporary: Path, kind: str
) -> None:
    async def check(found: Proxies) -> None:
        assert found.before is not None
        assert [entry.name for entry in found.proxies] == ["proxy-1", "proxy-2"]
        assert found.label.startswith(kind)
        assert found.label.endswith("2 proxies")
        assert len({found.port, *found.doors}) == 3
        for port in (found.port, *found.doors):
            assert await healthy(port)
        before, above = pids(found), found.before.members()
        await found.reload()
        if kind == "caddy":  # Caddy reloads without a new process
            assert [process.said("successfully reloaded") for process in found.proxies] == [1, 1]
        elif kind == "traefik":  # Traefik reloads without a new process, and logs nothing
            assert pids(found) == before
            for process, port in zip(found.proxies, found.doors, strict=True):
                text = (tmp_path / "temporary" / found._run.folder.name / process.name / "traefik.yaml").read_text()
                (id,) = re.findall(r"loaded-(\w+):", text)
                assert await ports.status(f"http://127.0.0.1:{port}/healthz?loaded={id}") == 418
        else:
            assert all(now - old for now, old in zip(pids(found), before, strict=True))
        assert found.before.members() == above
        assert await healthy(found.port)

    open_proxies(check, advisor, decide, tmp_path, KINDS[kind])


@pytest.mark.programs
@pytest.mark.skipif(sys.platform != "linux", reason="one address on loopback")
@pytest.mark.parametrize(
    "strategy", ["traefik-sticky-cookie", "traefik-hrw", "traefik-cookie", "caddy-session-envelope"]
)
def test_a_proxy_uses_a_changed_number_of_servers_immediately(advisor: Advisor, temporary: Path, strategy: str) -> None:
    """No request after the change reaches a server that was taken out, and a server that was added gets requests."""
    balancer = Balancer(advisor.knowledge.topology[strategy], advisor)
    sources = [f"127.0.{number}.1" for number in range(1, 41)]

    def reached(port: int) -> set[int]:
        return {asked(port, "/mcp", source=source)[0]["server"] for source in sources}

    async def work(behind: Sequence[int]) -> None:
        addresses = [f"127.0.0.1:{server}" for server in behind]
        async with Run.open("balancer") as run:
            _, port = await balancer.start(run, addresses)
            for count in (2, 3, 2):
                await balancer.change(run, addresses[:count], name=NAMES[0], port=port)
                assert await asyncio.to_thread(reached, port) == set(behind[:count])

    with echoes(3) as behind:
        asyncio.run(asyncio.wait_for(work(behind), 120))


@pytest.mark.programs
def test_a_buffering_proxy_is_never_reloaded(
    advisor: Advisor, decide: Callable[..., Decision], tmp_path: Path, temporary: Path
) -> None:
    async def check(found: Proxies) -> None:
        assert found.before is not None
        assert found.before.name == "holding"
        before, above = pids(found), found.before.members()
        await found.reload()
        assert all(now - old for now, old in zip(pids(found), before, strict=True))
        assert found.before.members() == above

    open_proxies(check, advisor, decide, tmp_path, {**KINDS["nginx"], "needs.sampling": "none"}, holds=True)


@pytest.mark.programs
def test_envoy_does_not_reload(
    advisor: Advisor, decide: Callable[..., Decision], tmp_path: Path, temporary: Path
) -> None:
    async def check(found: Proxies) -> None:
        assert len(found.proxies) == 2
        with pytest.raises(LabError, match="does not reload"):
            await found.reload()

    open_proxies(check, advisor, decide, tmp_path, KINDS["envoy"])


@pytest.mark.programs
@pytest.mark.parametrize(
    ("kind", "file", "said"),
    [
        ("nginx", "nginx.conf", "emerg"),
        ("caddy", "Caddyfile", "failed to reload"),
        ("traefik", "traefik.yaml", "could not find expected"),
    ],
)
def test_a_reload_without_effect_is_reported(
    advisor: Advisor,
    decide: Callable[..., Decision],
    tmp_path: Path,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    file: str,
    said: str,
) -> None:
    """nginx keeps its old workers, and the others keep their old configuration, if they cannot read the new one."""
    monkeypatch.setattr(proxy_program, "_RELOAD_S", 5.0)  # Traefik applies a change up to two seconds later

    async def check(found: Proxies) -> None:
        second = tmp_path / "temporary" / found._run.folder.name / "proxy-2" / file
        second.write_text(f"{second.read_text()}\nno configuration {{")
        with pytest.raises(LabError, match="proxy-2 did not reload") as caught:
            await found.reload()
        assert any(said in line for line in caught.value.lines), caught.value.lines

    open_proxies(check, advisor, decide, tmp_path, KINDS[kind])


@pytest.mark.programs
def test_a_configuration_without_a_place_for_the_mark_is_reported(
    advisor: Advisor, decide: Callable[..., Decision], tmp_path: Path, temporary: Path
) -> None:
    async def check(found: Proxies) -> None:
        first = tmp_path / "temporary" / found._run.folder.name / "proxy-1" / "traefik.yaml"
        first.write_text(first.read_text().replace("  routers:\n", "  routers:  # all\n"))
        with pytest.raises(LabError, match=r"traefik\.yaml has no line `routers:` of its own"):
            await found.reload()

    open_proxies(check, advisor, decide, tmp_path, KINDS["traefik"])


def test_a_stand_in_proxy_is_not_reloaded(advisor: Advisor, decide: Callable[..., Decision], tmp_path: Path) -> None:
    kit = kit_context(decide({**STICKY, "environment.proxy.kind": "alb", "clients.keep_cookies": True}))
    chosen = front_of(kit, kind="alb", holds=False, processes=2, straight=False)

    async def work() -> None:
        async with Run.open("proxies") as run:
            with pytest.raises(LabError, match="does not reload"):
                await Proxies(run, FleetPlan(tmp_path, kit, tmp_path, chosen, {"main": 2})).reload()

    asyncio.run(work())


def test_when_one_proxy_fails_the_others_are_stopped() -> None:
    ended: Counter[str] = Counter()

    async def fails() -> NoReturn:
        await asyncio.sleep(0)
        raise LabError("no")

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended["waits"] += 1

    with pytest.raises(LabError, match="no"):
        asyncio.run(asyncio.wait_for(proxies.together([waits(), fails(), waits()]), 10))
    assert ended["waits"] == 2
