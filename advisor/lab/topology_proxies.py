"""The proxies of the topology table: the kit's own configuration where a kit carries the way, else a template's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from advisor.decision.advisor import Advisor
from advisor.decision.proof import example_requirements
from advisor.errors import EnvironmentLacksError, KnowledgeError
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import proxy
from advisor.kit.wiring import Wiring
from advisor.knowledge.paths import templates_dir
from advisor.knowledge.topology import Way
from advisor.lab import ports, programs
from advisor.lab.run import Launch, Process, Run

NAMES = ("proxy-1", "proxy-2")
"""The proxies of a run that has two; peers know each other by these names."""


def kit_of(way: Way, advisor: Advisor) -> KitContext | None:
    """The kit whose configuration is measured, or None where a template is.

    Raises:
        KnowledgeError: its requirements lead to another mechanism or another proxy than the row says.
    """
    if not way.requirements:
        return None
    kit = kit_context(advisor.decide(example_requirements(advisor, way.requirements)), advisor)
    found = kit.tiers[0].mechanism
    if found != way.mechanism or kit.proxy != way.program.removesuffix("-debian"):
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
    """One way of balancing as proxies that can be started in front of servers."""

    def __init__(self, way: Way, advisor: Advisor) -> None:
        """Decide the kit, if a kit carries the way, and find the program.

        Raises:
            EnvironmentLacksError: the program is not installed.
            KnowledgeError: the row does not fit the rules.
        """
        self._way = way
        self._kit = kit_of(way, advisor)
        self._program = binary(way)
        self._peers = {name: f"127.0.0.1:{ports.free_port()}" for name in NAMES}

    @property
    def warms_up(self) -> bool:
        """Whether it learns bit by bit after its start who is there."""
        return self._way.program == "envoy"

    @property
    def peered(self) -> bool:
        """Whether two of them share a table over the network."""
        return self._kit is not None and self._kit.proxy == "haproxy" and self._kit.proxy_replicas > 1

    async def version(self) -> str:
        """What the program says that it is, such as `nginx 1.31.3`."""
        return await programs.version(self._program)

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
            text = _from_template(self._way, folder, addresses, port)
            return {f"{self._way.program.removesuffix('-debian')}.{suffix}": text}
        wiring = Wiring(f"127.0.0.1:{port}", {self._kit.tiers[0].name: addresses}, peers=self._peers)
        written = [*proxy.files(self._kit), *proxy.wiring_files(self._kit, wiring)]
        return {Path(file.path).name: file.content for file in written}


def _from_template(way: Way, folder: Path, addresses: tuple[str, ...], port: int) -> str:
    from jinja2 import FileSystemLoader

    from advisor.kit.templating import environment

    made = environment().overlay(loader=FileSystemLoader(templates_dir() / "lab"))
    text = made.get_template(way.template).render(way=way, folder=folder, addresses=addresses, port=port)
    return text.rstrip("\n") + "\n"


_Command = Callable[[Path, Path, str, "KitContext | None"], list[str]]


def _nginx(program: Path, folder: Path, name: str, kit: KitContext | None) -> list[str]:
    return [str(program), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]


def _haproxy(program: Path, folder: Path, name: str, kit: KitContext | None) -> list[str]:
    # The kit's is two files, in this order.
    files = ["upstreams.cfg", "haproxy.cfg"] if kit else ["haproxy.cfg"]
    return [str(program), "-db", *(part for file in files for part in ("-f", str(folder / file))), "-L", name]


def _envoy(program: Path, folder: Path, name: str, kit: KitContext | None) -> list[str]:
    # Several Envoys share a machine, so none may claim the shared memory of the first.
    return [str(program), "-c", str(folder / "envoy.yaml"), "--concurrency", "2", "--use-dynamic-base-id"]


_COMMANDS: Mapping[str, _Command] = {"nginx": _nginx, "haproxy": _haproxy, "envoy": _envoy}
