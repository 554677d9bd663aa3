"""The proxies of a running fleet, and the TCP load balancer in front of several proxies."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from advisor.errors import LabError
from advisor.lab.fleet import front
from advisor.lab.fleet.plan import FleetPlan
from advisor.lab.fleet.proxy_program import ProxyProgram, healthy
from advisor.lab.process import ports, programs
from advisor.lab.process.run import Launch, Process, Run

_START_S = 20.0
_SPLITTER = Path(__file__).with_name("splitter.py")

_T = TypeVar("_T")


class Proxies:
    """The proxies of a fleet. `start` starts the processes.

    Attributes:
        proxies: the kit's own proxies, or a stand-in for another load balancer.
        doors: the port of each of the proxies.
        before: the process in front of the proxies: a TCP load balancer or a proxy that buffers streams; None for none.
        behind: TCP load balancers between the proxies and the instances, for platforms with one address for a tier.
        port: the port to which clients connect; 0 without a proxy.
        label: the proxies in words, with the version.
    """

    def __init__(self, run: Run, plan: FleetPlan, name: str = "proxy") -> None:
        """Prepare the proxies without starting a process.

        Args:
            run: owns the processes.
            plan: the plan of the fleet.
            name: the name of the proxies, which no other proxy of the run has.
        """
        self._name = name
        self._run = run
        self._plan = plan
        self.proxies: list[Process] = []
        self.doors: list[int] = []
        self.before: Process | None = None
        self.behind: list[Process] = []
        self.port = 0
        self.label = "none"
        self._addresses: Mapping[str, tuple[str, ...]] = {}

    @property
    def processes(self) -> list[Process]:
        """All processes of the proxies and load balancers."""
        return [*self.proxies, *self.behind, *([] if self.before is None else [self.before])]

    async def start(self, addresses: Mapping[str, tuple[str, ...]]) -> None:
        """Start all proxies and load balancers.

        Args:
            addresses: host:port of each instance, by name of the tier.

        Raises:
            LabError: a process did not start; the error has the end of its log.
            UsageError: the kit's files cannot be used.
        """
        chosen = self._plan.front
        if chosen.program is None:
            return
        version = asyncio.ensure_future(programs.version(programs.program(chosen.program)))
        try:
            await self._start(addresses)
            self.label = chosen.label(await version)
        finally:
            version.cancel()

    async def _start(self, addresses: Mapping[str, tuple[str, ...]]) -> None:
        chosen = self._plan.front
        if not chosen.own:
            flat = [address for some in addresses.values() for address in some]
            process, self.port = await self._stand_in("proxy", flat)
            self.proxies, self.doors = [process], [self.port]
            return
        await self._start_own(await self._as_production_has(addresses))
        behind = [f"127.0.0.1:{port}" for port in self.doors]
        if chosen.holds:
            self.before, self.port = await self._stand_in("holding", behind)
        elif len(behind) > 1:
            self.before, self.port = await self._balancer(behind)
        else:
            self.port = self.doors[0]

    async def _as_production_has(self, addresses: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        """The addresses for the proxy's configuration. A serverless platform gives a tier a single address."""
        kit = self._plan.kit
        if not kit.carried.fixed_entries or kit.platform != "serverless":
            return addresses
        found = {}
        for tier, instances in addresses.items():
            process, port = await self._balancer(instances, f"platform-{tier}")
            self.behind.append(process)
            found[tier] = (f"127.0.0.1:{port}",)
        return found

    async def _start_own(self, addresses: Mapping[str, tuple[str, ...]]) -> None:
        self._addresses = addresses
        for process, port in await together(self._own(number) for number in range(self._plan.front.many)):
            self.proxies.append(process)
            self.doors.append(port)

    async def _own(self, number: int, port: int = 0) -> tuple[Process, int]:
        """Start one of the kit's own proxies on its earlier port, or on a free port for 0."""
        kit, addresses = self._plan.kit, self._addresses
        name = f"{self._name}-{number + 1}" if self._plan.front.many > 1 else self._name
        folder = self._run.folder / name

        def write(port: int) -> Path:
            proxy_addresses = front.own_addresses(kit, port, addresses, ports.free_port())
            front.write_own(kit, self._plan.kit_dir, folder, proxy_addresses)
            return folder

        program, count = ProxyProgram(kit.proxy, kit.carried), sum(map(len, addresses.values()))
        return await program.start(self._run, name, write, count, port=port)

    async def restart_ended(self) -> None:
        """Start each of the kit's own proxies that has ended again, on its port.

        Raises:
            LabError: a proxy is not ready in time.
        """
        for number, (process, port) in enumerate(zip(self.proxies, self.doors, strict=True)):
            if self._plan.front.own and not process.alive():
                self.proxies[number], _ = await self._own(number, port)

    async def _stand_in(self, name: str, addresses: Sequence[str]) -> tuple[Process, int]:
        chosen, folder = self._plan.front, self._run.folder / "stand-in"

        def write(port: int) -> Path:
            way, holds, source = chosen.way, chosen.holds, front.PROXY_SOURCE
            front.write_template(
                "stand_in.conf.j2", folder, way=way, holds=holds, port=port, addresses=addresses, source=source
            )
            return folder

        program = ProxyProgram(front.STAND_IN, self._plan.kit.knowledge.kit_proxies[front.STAND_IN])
        return await program.start(self._run, name, write, len(addresses))

    async def _balancer(self, addresses: Sequence[str], name: str = "balancer") -> tuple[Process, int]:
        """Start a TCP load balancer, which uses round robin for connections."""

        def launch(port: int) -> Launch:
            return Launch([sys.executable, "-I", _SPLITTER, str(port), *addresses], ready=lambda: healthy(port))

        return await self._run.start_on_port(name, launch, deadline_s=_START_S)

    async def reload(self) -> None:
        """Reload the configuration of the kit's own proxies, one after another, as an operator does.

        The method returns when each proxy uses its new configuration.

        Raises:
            LabError: the proxies are not the kit's own, cannot reload, or did not reload in time.
        """
        kit = self._plan.kit
        if not (self._plan.front.own and kit.carried.reload):
            raise LabError("The proxy of this fleet does not reload its configuration.")
        program, count = ProxyProgram(kit.proxy, kit.carried), sum(self._plan.instances.values())
        for process, port in zip(self.proxies, self.doors, strict=True):
            await program.reload(process, self._run.folder / process.name, port, count)


async def together(work: Iterable[Awaitable[_T]]) -> list[_T]:
    """Run several tasks in parallel. An error in one task cancels the others."""
    tasks = [asyncio.ensure_future(task) for task in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
