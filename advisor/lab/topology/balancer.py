"""The proxies of the topology measurement. Their configuration comes from a kit or from a template."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import example_requirements
from advisor.errors import KnowledgeError
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import proxy
from advisor.knowledge.topology import BalancingStrategy
from advisor.lab.fleet import front
from advisor.lab.fleet.proxy_program import ProxyProgram
from advisor.lab.process import ports, programs
from advisor.lab.process.run import Process, Run

_PEERS = "haproxy-peers.cfg.j2"  # the template for proxies that share a table


NAMES = ("proxy-1", "proxy-2")
"""The names of the proxies of a run. Proxies that share a table find each other by these names."""


def kit_of(strategy: BalancingStrategy, advisor: Advisor) -> KitContext | None:
    """The kit whose proxy configuration is measured, or None if the strategy has no requirements.

    If the strategy also has a template, only the servers of the kit are measured, behind the proxy of the template.

    Raises:
        KnowledgeError: the decision for the requirements has another mechanism or another proxy than the strategy.
    """
    if not strategy.requirements:
        return None
    kit = kit_context(advisor.decide(example_requirements(advisor, strategy.requirements)))
    found = kit.tiers[0].mechanism
    own = not strategy.template and kit.proxy != strategy.proxy
    if found != strategy.mechanism or own:
        place = f"rules/topology.yaml: {strategy.id}"
        raise KnowledgeError(f"{place}: the decision for its requirements is {found} on {kit.proxy or 'no proxy'}")
    return kit


class Balancer:
    """One load-balancing strategy. Starts its proxies in front of servers.

    Attributes:
        servers: the kit whose servers route the requests; None if the proxy routes the requests.
    """

    def __init__(self, strategy: BalancingStrategy, advisor: Advisor) -> None:
        """Decide the kit, if the strategy has requirements, and find the program.

        Raises:
            EnvironmentLacksError: the program is not installed.
            KnowledgeError: the strategy in rules/topology.yaml contradicts the decision for its requirements.
        """
        self._strategy = strategy
        kit = kit_of(strategy, advisor)
        self._kit = None if strategy.template else kit
        self.servers = kit if strategy.template else None
        watching = advisor.knowledge.watching_proxies.get(strategy.program) if strategy.template else None
        self._program = ProxyProgram(strategy.program, advisor.knowledge.kit_proxies.get(strategy.proxy), watching)
        self._redis = programs.program("redis-server") if self.servers is not None else None
        self._processes: dict[str, Process] = {}
        self._peers = {name: f"127.0.0.1:{ports.free_port()}" for name in NAMES}

    @property
    def warms_up(self) -> bool:
        """Whether the proxy needs some time after its start to find the healthy instances."""
        kit_proxy = self._program.kit_proxy
        return kit_proxy is not None and kit_proxy.checks_at_start

    @property
    def peered(self) -> bool:
        """Whether two proxies share a table over the network."""
        return self._strategy.template == _PEERS

    async def version(self) -> str:
        """The names and versions of the programs, such as `nginx 1.31.3`."""
        used = [program for program in (self._program.path, self._redis) if program is not None]
        return ", ".join([await programs.version(program) for program in used])

    async def start(
        self, run: Run, addresses: Sequence[str], *, name: str = NAMES[0], port: int = 0
    ) -> tuple[Process, int]:
        """Start a proxy in front of servers. Returns its process and its port.

        Args:
            run: stops the proxy at its end.
            addresses: host:port of each server.
            name: the name of the proxy, one of `NAMES`.
            port: the port of the proxy; 0 means a free port.

        Raises:
            LabError: the proxy rejects its configuration, or is not ready in time.
        """

        def write(port: int) -> Path:
            folder = self._folder(run.folder, name, port)
            self.write(folder, tuple(addresses), port)
            return folder

        process, port = await self._program.start(
            run, f"{self._strategy.id}-{name}", write, len(addresses), port=port, arguments=self._named(name)
        )
        self._processes[name] = process
        return process, port

    def _folder(self, parent: Path, name: str, port: int) -> Path:
        return parent / f"{self._strategy.id}-{name}-{port}"

    def _named(self, name: str) -> list[str]:
        return ["-L", name] if self.peered else []

    def command(self, folder: Path, name: str, port: int, *, validate: bool = False) -> list[str]:
        """The command that starts a proxy, or that checks its configuration; [] if the program has no check."""
        command = self._program.command(folder, port, validate=validate)
        return [*command, *self._named(name)] if command else []

    async def change(self, run: Run, addresses: Sequence[str], *, name: str, port: int) -> None:
        """Give a running proxy other servers, and wait until it uses them.

        Raises:
            LabError: the proxy did not read its new configuration in time.
        """
        folder = self._folder(run.folder, name, port)
        new = folder / "new"
        self.write(new, tuple(addresses), port)
        changed = self._file()
        (new / changed).replace(folder / changed)  # the program must never read a part of the file
        await self._program.reload(self._processes[name], folder, port, len(addresses))

    def write(self, folder: Path, addresses: tuple[str, ...], port: int) -> None:
        """Write the configuration.

        Args:
            folder: the folder for the configuration and for the files that the program writes.
            addresses: host:port of each server.
            port: the port on loopback on which the proxy listens.
        """
        kit, strategy = self._kit, self._strategy
        if kit is None:
            file = self._file()
            peers = self._peers if self.peered else {}
            front.write_template(
                strategy.template, folder, file, strategy=strategy, addresses=addresses, port=port, peers=peers
            )
            # The command needs every file that a kit has. The configuration is in `file`; the other files are empty.
            for other in self._program.kit_proxy.files if self._program.kit_proxy else ():
                (folder / other).touch()
            return
        front.lay_out(proxy.files(kit), folder / "kit")
        proxy_addresses = front.own_addresses(kit, port, {kit.tiers[0].name: addresses}, ports.free_port())
        front.write_own(kit, folder / "kit", folder, proxy_addresses)

    def _file(self) -> str:
        """The name of the configuration file with the addresses."""
        if self._kit is not None:
            return self._kit.carried.files[0]
        ending = ".".join(self._strategy.template.removesuffix(".j2").split(".")[1:])
        return self._program.file or f"{self._strategy.proxy}.{ending}"
