"""Inject each event of rules/failures.yaml into a running fleet, and recover the fleet."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Sequence

from advisor.errors import LabError
from advisor.lab.chaos.evidence import Happened
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.plan import FleetInstance
from advisor.lab.process.ports import swallowing
from advisor.lab.process.process import POLL_S, Process

DOWN_S = 2.0
"""Seconds for which a killed process stays down. Clients retry sooner."""
GONE_S = 8.0
"""Seconds for which packets to an instance vanish. A proxy waits a shorter time for a connection."""
STALL_S = 3.0
"""Seconds for which a stalled process hangs. Every idle timeout is longer."""
HANDS_ON_S = 11.0
"""Seconds that a HAProxy process must run before it can pass its stick table to the next process."""
STOP_S = 60.0
"""The longest time, in seconds, that an instance can take to end after SIGTERM."""

EVENTS = (
    "instance-killed",
    "instance-vanished",
    "instance-stalled",
    "instance-stopped",
    "instances-replaced",
    "proxy-reloaded",
    "redis-restarted",
    "redis-stalled",
)
"""The ids of the events that this module can inject. rules/failures.yaml has the same list."""

_OF_ONE = frozenset({"instance-killed", "instance-vanished", "instance-stalled", "instance-stopped"})
"""Events with a single target. All other events have all instances as targets."""


def name_of(instance: FleetInstance) -> str:
    """The name of an instance in the execution log."""
    return str(instance.port)


def met(event: str, members: Sequence[FleetInstance], target: FleetInstance) -> Happened:
    """Describe an event that begins now.

    Args:
        event: id of the event in rules/failures.yaml.
        members: the instances of the tier.
        target: the target of an event with a single target.
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
    """Inject an event, and start the stopped processes again.

    Args:
        event: id of the event in rules/failures.yaml.
        fleet: the running fleet.
        members: the instances of the tier.
        target: the target of an event with a single target.
        settled: waits until every client has been served since a time on the monotonic clock.

    Raises:
        LabError: a process did not end or did not start again.
    """
    match event:
        case "instance-killed":
            target.process.kill()
            await asyncio.sleep(DOWN_S)
            await fleet.restart(target)
        case "instance-vanished":
            target.process.kill()
            async with swallowing(target.port):
                await asyncio.sleep(GONE_S)
            await fleet.restart(target)
        case "instance-stalled":
            await _stalled(target.process)
        case "instance-stopped":
            await _stop(target.process)
            await fleet.restart(target)
        case "instances-replaced":
            # Calls run on the target, so the target is replaced first.
            for instance in sorted(members, key=lambda instance: instance is not target):
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
            raise LabError(f"The lab cannot inject the event {event!r}.")


async def recover(fleet: Fleet, members: Sequence[FleetInstance]) -> bool:
    """Recover a fleet: resume processes that hang, and start stopped processes. Without these, restart all instances.

    Returns:
        Whether all processes run.
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
    """Send SIGTERM, as a service manager does, and wait until the instance has ended."""
    process.signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except asyncio.TimeoutError:
        raise LabError(f"{process.name} did not end within {STOP_S:g} s of SIGTERM.", log=process.log) from None


async def _settled_in(fleet: Fleet) -> None:
    """Wait until HAProxy can pass its stick table to a new process (see rules/failures.yaml)."""
    wait_s = HANDS_ON_S if fleet.plan.front.program == "haproxy" else 0.0
    while any(time.monotonic() - proxy.started < wait_s for proxy in fleet.front.proxies):
        await asyncio.sleep(POLL_S)


def _redis(fleet: Fleet) -> Process:
    if fleet.redis is None:
        raise LabError("There is no Redis in this fleet.")
    return fleet.redis
