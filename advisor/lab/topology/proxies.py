"""The proxies of the topology table: the kit's own configuration where a kit carries the way, else a template's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import example_requirements
from advisor.errors import EnvironmentLacksError, KnowledgeError
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import proxy
from advisor.kit.upstreams import Wiring, production_wiring
from advisor.knowledge.paths import templates_dir
from advisor.knowledge.topology import Way
from advisor.lab.process import ports, programs
from advisor.lab.process.run import Launch, Process, Run

_PEERS = "haproxy-peers.cfg.j2"  # the template whose proxies know each other
_TEMPORARY = "/tmp/mcp-proxy"  # where the kit's nginx keeps its pid and its temporary files

NAMES = ("proxy-1", "proxy-2")
"""The proxies of a run that has two; peers know each other by these names."""


def kit_of(way: Way, advisor: Advisor) -> KitContext | None:
    """The kit whose configuration is measured (behind a template's proxy: whose servers), or None where there is none.

    Raises:
        KnowledgeError: its requirements lead to another mechanism or another proxy than the row says.
    """
    if not way.requirements:
        return None
    kit = kit_context(advisor.decide(example_requirements(advisor, way.requirements)), advisor)
    found = kit.tiers[0].mechanism
    own = not way.template and kit.proxy != way.program.removesuffix("-debian")
    if found != way.mechanism or own:
        place = f"rules/topology.yaml: {way.id}"
        raise KnowledgeError(f"{place}: its requirements lead to {found} on {kit.proxy or 'no proxy'}")
    return kit


def binary(way: Way) -> Path:
    """The program that balances.

    Raises:
        EnvironmentLacksError: it is not installed.
    """
    if way.program != "nginx-debian":
        return programs.program(way.program)
    found = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if found is None:
        raise EnvironmentLacksError("Debian's nginx is not installed. Install it with: apt-get install nginx-light")
    return Path(found)


class Balancer:
    """One way of balancing as proxies that can be started in front of servers.

    Attributes:
        servers: the kit whose servers do the work that other ways leave to the proxy; None for any servers.
    """

    def __init__(self, way: Way, advisor: Advisor) -> None:
        """Decide the kit, if a kit carries the way, and find the program.

        Raises:
            EnvironmentLacksError: the program is not installed.
            KnowledgeError: the row does not fit the rules.
        """
        self._way = way
        kit = kit_of(way, advisor)
        self._kit = None if way.template else kit
        self.servers = kit if way.template else None
        self._program = binary(way)
        self._redis = programs.program("redis-server") if self.servers is not None else None
        self._peers = {name: f"127.0.0.1:{ports.free_port()}" for name in NAMES}

    @property
    def warms_up(self) -> bool:
        """Whether it learns bit by bit after its start who is there."""
        return self._way.program == "envoy"

    @property
    def peered(self) -> bool:
        """Whether two of them share a table over the network."""
        return self._way.template == _PEERS

    async def version(self) -> str:
        """What the programs say that they are, such as `nginx 1.31.3`."""
        used = [one for one in (self._program, self._redis) if one is not None]
        return ", ".join([await programs.version(one) for one in used])

    async def start(
        self, run: Run, addresses: Sequence[str], *, name: str = NAMES[0], port: int = 0
    ) -> tuple[Process, int]:
        """Start a proxy in front of servers at these addresses.

        Args:
            run: that ends it.
            addresses: host:port of each server.
            name: the proxy's among its peers.
            port: where it listens; 0 for a free port.

        Raises:
            LabError: it does not take its configuration, or was not ready in time.
        """
        build = partial(self._launch, run.folder, tuple(addresses), name)
        log = f"{self._way.id}-{name}"
        if not port:
            return await run.start_on_port(log, build)
        launch = build(port)
        return await run.start(log, launch.command, ready=launch.ready), port

    def _launch(self, parent: Path, addresses: tuple[str, ...], name: str, port: int) -> Launch:
        folder = parent / f"{self._way.id}-{name}-{port}"
        folder.mkdir(exist_ok=True)
        for file, text in self.files(folder, addresses, port).items():
            (folder / file).write_text(text, encoding="utf-8")
        command = _COMMANDS[self._way.program.removesuffix("-debian")](self._program, folder, name, self._kit)
        return Launch(command, ready=lambda: ports.answers(f"http://127.0.0.1:{port}/healthz"))

    def files(self, folder: Path, addresses: tuple[str, ...], port: int) -> Mapping[str, str]:
        """The configuration: file names and contents.

        Args:
            folder: where a template's program may write.
            addresses: host:port of each server.
            port: where to listen on loopback.
        """
        if self._kit is None:
            suffix = ".".join(self._way.template.removesuffix(".j2").split(".")[1:])
            peers = self._peers if self.peered else {}
            text = _from_template(self._way, folder, addresses, port, peers)
            return {f"{self._way.program.removesuffix('-debian')}.{suffix}": text}
        peers = {name: f"127.0.0.1:{ports.free_port()}" for name in production_wiring(self._kit).peers}
        wiring = Wiring(f"127.0.0.1:{port}", {self._kit.tiers[0].name: addresses}, peers=peers)
        written = [*proxy.files(self._kit), *proxy.wiring_files(self._kit, wiring)]
        # Proxies of several kits on one machine would share their pid file and leave temporary folders behind.
        own = str(folder / "tmp")
        return {Path(file.path).name: file.content.replace(_TEMPORARY, own) for file in written}


def _from_template(way: Way, folder: Path, addresses: tuple[str, ...], port: int, peers: Mapping[str, str]) -> str:
    from jinja2 import FileSystemLoader

    from advisor.kit.templating import environment

    made = environment().overlay(loader=FileSystemLoader(templates_dir() / "lab"))
    text = made.get_template(way.template).render(way=way, folder=folder, addresses=addresses, port=port, peers=peers)
    return text.rstrip("\n") + "\n"


_Command = Callable[[Path, Path, str, "KitContext | None"], list[str]]


def _nginx(program: Path, folder: Path, name: str, kit: KitContext | None) -> list[str]:
    return [str(program), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]


def _haproxy(program: Path, folder: Path, name: str, kit: KitContext | None) -> list[str]:
    # The kit's is two files, in this order, and names itself; a template's proxies get the names of their peers.
    files = ["upstreams.cfg", "haproxy.cfg"] if kit else ["haproxy.cfg"]
    named = [] if kit else ["-L", name]
    return [str(program), "-db", *(part for file in files for part in ("-f", str(folder / file))), *named]


def _envoy(program: Path, folder: Path, name: str, kit: KitContext | None) -> list[str]:
    # Several Envoys share a machine, so none may claim the shared memory of the first.
    return [str(program), "-c", str(folder / "envoy.yaml"), "--concurrency", "2", "--use-dynamic-base-id"]


_COMMANDS: Mapping[str, _Command] = {"nginx": _nginx, "haproxy": _haproxy, "envoy": _envoy}
