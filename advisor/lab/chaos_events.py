"""How each event of rules/failures.yaml is made to happen to a running fleet, and mended again."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Sequence

from advisor.errors import LabError
from advisor.lab.chaos_evidence import Happened
from advisor.lab.fleet import Fleet, Instance
from advisor.lab.process import POLL_S, Process

DOWN_S = 2.0
"""How long what was killed stays away; longer than clients wait before they repeat a call."""
STALL_S = 3.0
"""How long what hangs hangs: shorter than every idle timeout."""
STOP_S = 60.0
"""How long an instance may take to end after SIGTERM."""
RELOAD_S = 15.0

EVENTS = (
    "instance-killed",
    "instance-stalled",
    "instance-stopped",
    "instances-replaced",
    "proxy-reloaded",
    "redis-restarted",
    "redis-stalled",
)
"""The events that this module knows; rules/failures.yaml names the same ones."""

_LETHAL = frozenset({"instance-killed", "instance-stopped", "instances-replaced"})


def name_of(instance: Instance) -> str:
    """What an instance calls itself in the ledger."""
    return str(instance.port)


async def strike(
    event: str,
    fleet: Fleet,
    members: Sequence[Instance],
    victim: Instance,
    settled: Callable[[float], Awaitable[None]],
) -> Happened:
    """Make an event happen and mend what it broke.

    Args:
        event: its id in rules/failures.yaml.
        fleet: where it happens.
        members: the instances of the tier.
        victim: the one of them to strike, where one is struck.
        settled: waits until every client was served since the time that it is given.

    Returns:
        When it was, and whom it struck.

    Raises:
        LabError: something did not end, or did not come back.
    """
    began = time.monotonic()
    struck = frozenset(map(name_of, members))
    match event:
        case "instance-killed":
            struck = frozenset({name_of(victim)})
            victim.process.kill()
            await asyncio.sleep(DOWN_S)
            await fleet.restart(victim)
        case "instance-stalled":
            struck = frozenset({name_of(victim)})
            await _stalled(victim.process)
        case "instance-stopped":
            struck = frozenset({name_of(victim)})
            await _stop(victim.process)
            await fleet.restart(victim)
        case "instances-replaced":
            for one in sorted(members, key=lambda one: one is not victim):  # the victim first, where calls run
                await _stop(one.process)
                await fleet.restart(one)
                await settled(time.monotonic())
        case "proxy-reloaded":
            await _reloaded(fleet)
        case "redis-restarted":
            _redis(fleet).kill()
            await asyncio.sleep(STALL_S)
            await fleet.start_redis()
        case "redis-stalled":
            await _stalled(_redis(fleet))
        case _:
            raise LabError(f"The lab does not know how to make {event!r} happen.")
    return Happened(struck, began, time.monotonic(), event in _LETHAL)


async def _stalled(process: Process) -> None:
    process.stall()
    try:
        await asyncio.sleep(STALL_S)
    finally:
        process.resume()


async def _stop(process: Process) -> None:
    """SIGTERM, as a service manager sends it, and the time that the instance needs to end by itself."""
    process.signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except asyncio.TimeoutError:
        raise LabError(f"{process.name} did not end within {STOP_S:g} s of SIGTERM.", log=process.log) from None


async def _reloaded(fleet: Fleet) -> None:
    """Reload, and wait until the proxy has made new processes for the new configuration."""
    before = set(fleet.proxy.members()) if fleet.proxy else set()
    if fleet.proxy is None or not fleet.reload():
        raise LabError("This proxy does not reload its configuration.")
    end = time.monotonic() + RELOAD_S
    while set(fleet.proxy.members()) <= before:
        if time.monotonic() > end or not fleet.proxy.alive():
            lines = fleet.proxy.tail()
            raise LabError(f"The proxy did not reload within {RELOAD_S:g} s.", lines=lines, log=fleet.proxy.log)
        await asyncio.sleep(POLL_S)


def _redis(fleet: Fleet) -> Process:
    if fleet.redis is None:
        raise LabError("There is no Redis in this fleet.")
    return fleet.redis
