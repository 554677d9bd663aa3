"""The programs that the lab runs as proxies: how a proxy starts, and how it reads a changed configuration."""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from advisor.errors import LabError
from advisor.knowledge.kits import KitProxy, WatchingProxy
from advisor.lab.process import ports, programs
from advisor.lab.process.process import POLL_S
from advisor.lab.process.run import Launch, Process, Run

_START_S = 30.0
_RELOAD_S = 15.0
_READ_S = 20.0  # seconds until a program that watches its configuration must have read a change


class ProxyProgram:
    """A program that runs as a proxy.

    Attributes:
        path: the path of the program.
        kit_proxy: its entry in `kit_proxies` of rules/kit_proxies.yaml; None if it does not run as in a kit.
    """

    def __init__(self, name: str, kit_proxy: KitProxy | None, watching: WatchingProxy | None = None) -> None:
        """Find the program.

        Args:
            name: the name of the program.
            kit_proxy: the entry of the program, or of the same proxy in another release; None if no kit contains it.
            watching: the entry of the program if it watches its configuration; None if the configuration is the
                configuration of a kit, or has the same form.

        Raises:
            EnvironmentLacksError: the program is not installed.
        """
        self._name = name
        self.path = programs.program(name)
        self._watching = watching
        self.kit_proxy = kit_proxy if watching is None else None

    @property
    def file(self) -> str:
        """The name of the configuration file that a program without an entry reads; "" for the others."""
        return self._watching.file if self._watching is not None else ""

    def command(self, folder: Path, port: int, *, validate: bool = False) -> list[str]:
        """The command that starts the program, or that checks its configuration; [] if the program has no check.

        Args:
            folder: the folder of the configuration.
            port: the port on loopback on which the proxy listens.
            validate: whether to check the configuration and exit.
        """
        if self.kit_proxy is not None and not validate:
            return self.kit_proxy.command(str(self.path), str(folder), "lab")
        if self.kit_proxy is not None:
            words: Sequence[str] = self.kit_proxy.validate
        else:
            assert self._watching is not None
            words = self._watching.validate if validate else self._watching.arguments
        return [str(self.path), *(word.format(folder=folder, port=port) for word in words)] if words else []

    async def start(
        self,
        run: Run,
        name: str,
        write: Callable[[int], Path],
        count: int,
        *,
        port: int = 0,
        arguments: Sequence[str] = (),
    ) -> tuple[Process, int]:
        """Start a proxy. Returns its process and its port.

        Args:
            run: stops the proxy at its end.
            name: the name of the process.
            write: writes the configuration for a port on loopback, and returns the folder of the configuration.
            count: the number of servers.
            port: the port of an earlier process, which is needed again; 0 for a free port.
            arguments: further arguments of the command.

        Raises:
            LabError: the proxy rejects its configuration, or is not ready in time.
        """

        def launch(port: int) -> Launch:
            command = [*self.command(write(port), port), *arguments]
            return Launch(command, ready=lambda: self._ready(port, count))

        return await run.start_on_port(name, launch, port=port, deadline_s=_START_S)

    async def _ready(self, port: int, count: int) -> bool:
        """Whether the proxy uses `count` servers. Traefik answers 404 before it has read its configuration."""
        if self.kit_proxy is not None and self.kit_proxy.early_404:
            return await ports.succeeds(_health(port))
        if self.kit_proxy is not None:
            return await healthy(port)
        return await ports.header(_health(port), "x-instances") == str(count)

    async def reload(self, process: Process, folder: Path, port: int, count: int) -> None:
        """Wait until a proxy uses its changed configuration. A proxy of a kit gets the signal for a reload.

        Args:
            process: the proxy.
            folder: the folder of its configuration.
            port: its port.
            count: the number of servers in the changed configuration.

        Raises:
            LabError: the proxy did not read its configuration in time.
        """
        if self.kit_proxy is not None:
            await self._signal(process, self.kit_proxy, folder, port)
            return
        end = time.monotonic() + _READ_S
        while not await self._ready(port, count):
            if time.monotonic() > end:
                raise LabError(f"{self._name} did not read its new configuration within {_READ_S:g} s.")
            await asyncio.sleep(POLL_S)

    async def _signal(self, process: Process, kit_proxy: KitProxy, folder: Path, port: int) -> None:
        before, said = set(process.members()), process.said(kit_proxy.reloaded)
        marked = _mark(kit_proxy, folder) if kit_proxy.mark else ""

        async def reloaded() -> bool:
            if marked:
                return str(await ports.status(f"http://127.0.0.1:{port}{marked}")) == kit_proxy.mark["status"]
            if kit_proxy.reloaded:
                return process.said(kit_proxy.reloaded) > said
            return not set(process.members()) <= before

        process.signal(signal.Signals[kit_proxy.reload])
        end = time.monotonic() + _RELOAD_S
        while not await reloaded():
            if time.monotonic() > end or not process.alive():
                lines = process.tail()
                raise LabError(f"{process.name} did not reload within {_RELOAD_S:g} s.", lines=lines, log=process.log)
            await asyncio.sleep(POLL_S)


def _mark(kit_proxy: KitProxy, folder: Path) -> str:
    """Add a line to the configuration that no earlier one has. Returns the path whose status the line changes.

    Raises:
        LabError: a user removed the line after which the mark belongs.
    """
    mark, id = kit_proxy.mark, secrets.token_hex(4)
    file = folder / mark["file"]
    before, after, rest = file.read_text().partition(f"\n{mark['after']}\n")
    if not after:
        line = mark["after"].strip()
        raise LabError(f"{file.name} has no line `{line}` of its own, so the lab cannot see its reload.")
    file.write_text(f"{before}{after}{mark['line'].format(id=id)}\n{rest}")
    return mark["path"].format(id=id)


async def healthy(port: int) -> bool:
    """Whether the proxy on a port of loopback answers."""
    return await ports.answers(_health(port))


def _health(port: int) -> str:
    return f"http://127.0.0.1:{port}/healthz"
