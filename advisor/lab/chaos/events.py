"""How each event of rules/failures.yaml is made to happen to a running fleet, and mended again."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Sequence

from advisor.errors import LabError
from advisor.lab.chaos.evidence import Happened
from advisor.lab.fleet.fleet import Fleet, FleetInstance
from advisor.lab.process.process import POLL_S, Process

DOWN_S = 2.0
"""How long what was killed stays away; longer than clients wait before they repeat a call."""
STALL_S = 3.0
"""How long what hangs hangs: shorter than every idle timeout."""
HANDS_ON_S = 11.0
"""How long a HAProxy has to run until it hands its table to the next one."""
STOP_S = 60.0
"""How long an instance may take to end after SIGTERM."""

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

_OF_ONE = frozenset({"instance-killed", "instance-stalled", "instance-stopped"})
"""Events that strike one instance; the others concern all of them."""


def name_of(instance: FleetInstance) -> str:
    """What an instance calls itself in the ledger."""
    return str(instance.port)


def met(event: str, members: Sequence[FleetInstance], victim: FleetInstance) -> Happened:
    """An event that begins now.

    Args:
        event: its id in rules/failures.yaml.
        members: the instances of the tier.
        victim: the one of them to strike, where one is struck.
    """
    now = time.monotonic()
    struck = [victim] if event in _OF_ONE else members
    return Happened(frozenset(map(name_of, struck)), now, now)


async def strike(
    event: str,
    fleet: Fleet,
    members: Sequence[FleetInstance],
    victim: FleetInstance,
    settled: Callable[[float], Awaitable[None]],
) -> None:
    """Make an event happen and mend what it broke.

    Args:
        event: its id in rules/failures.yaml.
        fleet: where it happens.
        members: the instances of the tier.
        victim: the one of them to strike, where one is struck.
        settled: waits until every client was served since the time that it is given.

    Raises:
        LabError: something did not end, or did not come back.
    """
    match event:
        case "instance-killed":
            victim.process.kill()
            await asyncio.sleep(DOWN_S)
            await fleet.restart(victim)
        case "instance-stalled":
            await _stalled(victim.process)
        case "instance-stopped":
            await _stop(victim.process)
            await fleet.restart(victim)
        case "instances-replaced":
            for one in sorted(members, key=lambda one: one is not victim):  # the victim first, where calls run
                await _stop(one.process)
                await fleet.restart(one)
                await settled(time.monotonic())
        case "proxy-reloaded":
            await _settled_in(fleet)
            await fleet.reload_proxies()
        case "redis-restarted":
            _redis(fleet).kill()
            await asyncio.sleep(STALL_S)
            await fleet.start_redis()
        case "redis-stalled":
            await _stalled(_redis(fleet))
        case _:
            raise LabError(f"The lab does not know how to make {event!r} happen.")


async def mend(fleet: Fleet, members: Sequence[FleetInstance]) -> bool:
    """Have what is down, or hangs, run again after an event that went wrong; all instances, where nothing is down.

    Returns:
        Whether everything runs.
    """
    for process in fleet.processes:
        process.resume()
    down = [one for one in fleet.instances if not one.process.alive()]
    try:
        if fleet.redis is not None and not fleet.redis.alive():
            await fleet.start_redis()
            down = down or [*members]
        for one in down or members:
            await fleet.restart(one)
    except LabError:
        return False
    return all(process.alive() for process in fleet.processes)


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


async def _settled_in(fleet: Fleet) -> None:
    """A HAProxy that has just been started hands no table on; rules/failures.yaml says so too."""
    wait_s = HANDS_ON_S if fleet.plan.front.program == "haproxy" else 0.0
    while any(time.monotonic() - one.started < wait_s for one in fleet.proxies):
        await asyncio.sleep(POLL_S)


def _redis(fleet: Fleet) -> Process:
    if fleet.redis is None:
        raise LabError("There is no Redis in this fleet.")
    return fleet.redis
