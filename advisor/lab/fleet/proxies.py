"""What stands in front of a running fleet: proxies, and what gives them the connections where there are several."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from advisor.errors import LabError
from advisor.lab.fleet import front
from advisor.lab.fleet.plan import FleetPlan
from advisor.lab.process import ports, programs
from advisor.lab.process.process import POLL_S
from advisor.lab.process.run import Launch, Process, Run

_START_S = 20.0
_RELOAD_S = 15.0
_SPLITTER = Path(__file__).with_name("splitter.py")

_T = TypeVar("_T")


class Proxies:
    """The proxies of a fleet; nothing runs before `start`.

    Attributes:
        proxies: what gives requests to the instances: the kit's own, or what stands in for another.
        doors: the port of each of them.
        before: what stands before them: it shares connections out, or holds streams back; None for nothing.
        behind: what stands between them and the instances, where a platform has a single address for them all.
        port: where clients connect; 0 without a proxy.
        label: what stands in front, with its version.
    """

    def __init__(self, run: Run, plan: FleetPlan) -> None:
        self._run = run
        self._plan = plan
        self.proxies: list[Process] = []
        self.doors: list[int] = []
        self.before: Process | None = None
        self.behind: list[Process] = []
        self.port = 0
        self.label = "none"

    @property
    def processes(self) -> list[Process]:
        """Everything that runs."""
        return [*self.proxies, *self.behind, *([] if self.before is None else [self.before])]

    async def start(self, addresses: Mapping[str, tuple[str, ...]]) -> None:
        """Start everything.

        Args:
            addresses: host:port of each instance, by tier name.

        Raises:
            LabError: something did not start; with the end of its log.
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
        """The addresses that a HAProxy has room for: a serverless platform gives a tier a single address."""
        kit = self._plan.kit
        if kit.proxy != "haproxy" or kit.platform != "serverless":
            return addresses
        found = {}
        for tier, instances in addresses.items():
            process, port = await self._balancer(instances, f"platform-{tier}")
            self.behind.append(process)
            found[tier] = (f"127.0.0.1:{port}",)
        return found

    async def _start_own(self, addresses: Mapping[str, tuple[str, ...]]) -> None:
        kit, many = self._plan.kit, self._plan.front.many
        binary = programs.program(self._plan.front.program or "nginx")

        async def started(number: int) -> tuple[Process, int]:
            name = f"proxy-{number}" if many > 1 else "proxy"
            folder = self._run.folder / name

            def launch(port: int) -> Launch:
                wiring = front.own_wiring(kit, port, addresses, ports.free_port())
                front.write_own(kit, self._plan.kit_dir, folder, wiring)
                return Launch(kit.carried.command(str(binary), str(folder), "lab"), ready=lambda: _healthy(port))

            return await self._run.start_on_port(name, launch, deadline_s=_START_S)

        for process, port in await together(started(number + 1) for number in range(many)):
            self.proxies.append(process)
            self.doors.append(port)

    async def _stand_in(self, name: str, addresses: Sequence[str]) -> tuple[Process, int]:
        chosen, folder = self._plan.front, self._run.folder / "stand-in"
        binary = programs.program("nginx")

        def launch(port: int) -> Launch:
            path = front.write_template(
                "stand_in.conf.j2", folder, way=chosen.way, holds=chosen.holds, port=port, addresses=addresses
            )
            return Launch([binary, "-c", path, "-g", "daemon off;"], ready=lambda: _healthy(port))

        return await self._run.start_on_port(name, launch, deadline_s=_START_S)

    async def _balancer(self, addresses: Sequence[str], name: str = "balancer") -> tuple[Process, int]:
        """Something that knows no HTTP and gives each address a connection in turn."""

        def launch(port: int) -> Launch:
            return Launch([sys.executable, "-I", _SPLITTER, str(port), *addresses], ready=lambda: _healthy(port))

        return await self._run.start_on_port(name, launch, deadline_s=_START_S)

    async def reload(self) -> None:
        """Have the kit's own proxies read their files again while they run, in sequence, as operators do.

        Returns when each has made new processes for what it has read.

        Raises:
            LabError: they are not the kit's, cannot, or did not.
        """
        name = self._plan.kit.carried.reload if self._plan.front.own else ""
        if not name:
            raise LabError("What stands in front does not reload its configuration.")
        for process in self.proxies:
            before = set(process.members())
            process.signal(signal.Signals[name])
            end = time.monotonic() + _RELOAD_S
            while set(process.members()) <= before:
                if time.monotonic() > end or not process.alive():
                    lines = process.tail()
                    raise LabError(
                        f"{process.name} did not reload within {_RELOAD_S:g} s.", lines=lines, log=process.log
                    )
                await asyncio.sleep(POLL_S)


async def together(work: Iterable[Awaitable[_T]]) -> list[_T]:
    """Do several things side by side; a failure cancels the others before it is raised."""
    tasks = [asyncio.ensure_future(task) for task in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _healthy(port: int) -> bool:
    return await ports.answers(f"http://127.0.0.1:{port}/healthz")
