"""The proxies of the topology table: the kit's own configuration where a kit carries the way, else a template's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import example_requirements
from advisor.errors import KnowledgeError
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import proxy
from advisor.knowledge.topology import Way
from advisor.lab.fleet import front
from advisor.lab.process import ports, programs
from advisor.lab.process.run import Launch, Process, Run

_PEERS = "haproxy-peers.cfg.j2"  # the template whose proxies know each other

NAMES = ("proxy-1", "proxy-2")
"""The proxies of a run that has two; peers know each other by these names."""


def kit_of(way: Way, advisor: Advisor) -> KitContext | None:
    """The kit whose configuration is measured (behind a template's proxy: whose servers), or None where there is none.

    Raises:
        KnowledgeError: its requirements lead to another mechanism or another proxy than the row says.
    """
    if not way.requirements:
        return None
    kit = kit_context(advisor.decide(example_requirements(advisor, way.requirements)))
    found = kit.tiers[0].mechanism
    own = not way.template and kit.proxy != way.proxy
    if found != way.mechanism or own:
        place = f"rules/topology.yaml: {way.id}"
        raise KnowledgeError(f"{place}: its requirements lead to {found} on {kit.proxy or 'no proxy'}")
    return kit


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
        self._program = programs.program(way.program)
        self._carried = advisor.knowledge.kit_proxies[way.proxy]
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
        used = [program for program in (self._program, self._redis) if program is not None]
        return ", ".join([await programs.version(program) for program in used])

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
        return await run.start_on_port(f"{self._way.id}-{name}", build, port=port)

    def _launch(self, parent: Path, addresses: tuple[str, ...], name: str, port: int) -> Launch:
        folder = parent / f"{self._way.id}-{name}-{port}"
        self.write(folder, addresses, port)
        command = self._carried.command(str(self._program), str(folder), "lab")
        named = ["-L", name] if self.peered else []
        return Launch([*command, *named], ready=lambda: ports.answers(f"http://127.0.0.1:{port}/healthz"))

    def write(self, folder: Path, addresses: tuple[str, ...], port: int) -> None:
        """Write the configuration.

        Args:
            folder: where to; a template's program also writes there.
            addresses: host:port of each server.
            port: where to listen on loopback.
        """
        kit, way = self._kit, self._way
        if kit is None:
            suffix = ".".join(way.template.removesuffix(".j2").split(".")[1:])
            file = f"{way.proxy}.{suffix}"
            peers = self._peers if self.peered else {}
            front.write_template(way.template, folder, file, way=way, addresses=addresses, port=port, peers=peers)
            for other in self._carried.files:  # the command names every file of a kit; the template's has it all
                (folder / other).touch()
            return
        front.lay_out(proxy.files(kit), folder / "kit")
        wiring = front.own_wiring(kit, port, {kit.tiers[0].name: addresses}, ports.free_port())
        front.write_own(kit, folder / "kit", folder, wiring)
