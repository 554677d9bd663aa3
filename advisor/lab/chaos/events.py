"""How each event of rules/failures.yaml is made to happen to a running fleet, and what recovers the fleet."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Sequence

from advisor.errors import LabError
from advisor.lab.chaos.evidence import Happened
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.plan import FleetInstance
from advisor.lab.process.process import POLL_S, Process

DOWN_S = 2.0
"""How long what was killed stays away; longer than clients wait before they repeat a call."""
STALL_S = 3.0
"""How long what hangs hangs: shorter than every idle timeout."""
HANDS_ON_S = 11.0
"""How long a HAProxy has to run until it hands its table to the next process."""
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
"""Events with a single target; the others concern all instances."""


def name_of(instance: FleetInstance) -> str:
    """What an instance calls itself in the execution log."""
    return str(instance.port)


def met(event: str, members: Sequence[FleetInstance], target: FleetInstance) -> Happened:
    """An event that begins now.

    Args:
        event: its id in rules/failures.yaml.
        members: the instances of the tier.
        target: the instance to hit, where the event has a single target.
    """
    now = time.monotonic()
    targets = [target] if event in _OF_ONE else members
    return Happened(frozenset(map(name_of, targets)), now, now)


async def inject(
    event: str,
    fleet: Fleet,
    members: Sequence[FleetInstance],
    target: FleetInstance,
    settled: Callable[[float], Awaitable[None]],
) -> None:
    """Make an event happen and start again what it ended.

    Args:
        event: its id in rules/failures.yaml.
        fleet: where it happens.
        members: the instances of the tier.
        target: the instance to hit, where the event has a single target.
        settled: waits until every client was served since the time that it is given.

    Raises:
        LabError: something did not end, or did not come back.
    """
    match event:
        case "instance-killed":
            target.process.kill()
            await asyncio.sleep(DOWN_S)
            await fleet.restart(target)
        case "instance-stalled":
            await _stalled(target.process)
        case "instance-stopped":
            await _stop(target.process)
            await fleet.restart(target)
        case "instances-replaced":
            for instance in sorted(
                members, key=lambda instance: instance is not target
            ):  # the target first, where calls run
                await _stop(instance.process)
                await fleet.restart(instance)
                await settled(time.monotonic())
        case "proxy-reloaded":
            await _settled_in(fleet)
            await fleet.front.reload()
        case "redis-restarted":
            _redis(fleet).kill()
            await asyncio.sleep(STALL_S)
            await fleet.start_redis()
        case "redis-stalled":
            await _stalled(_redis(fleet))
        case _:
            raise LabError(f"The lab does not know how to make {event!r} happen.")


async def recover(fleet: Fleet, members: Sequence[FleetInstance]) -> bool:
    """Have what is down, or hangs, run again after an event that went wrong; all instances, where nothing is down.

    Returns:
        Whether everything runs.
    """
    for process in fleet.processes:
        process.resume()
    down = [instance for instance in fleet.instances if not instance.process.alive()]
    try:
        if fleet.redis is not None and not fleet.redis.alive():
            await fleet.start_redis()
            down = down or [*members]
        for instance in down or members:
            await fleet.restart(instance)
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
    while any(time.monotonic() - proxy.started < wait_s for proxy in fleet.front.proxies):
        await asyncio.sleep(POLL_S)


def _redis(fleet: Fleet) -> Process:
    if fleet.redis is None:
        raise LabError("There is no Redis in this fleet.")
    return fleet.redis
