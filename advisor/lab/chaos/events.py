"""Inject each event of rules/failures.yaml into a running fleet, and recover the fleet."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from advisor.errors import LabError
from advisor.knowledge.failures import FailureEvent
from advisor.lab.chaos.evidence import InjectedEvent
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
STOP_S = 60.0
"""The longest time, in seconds, that an instance can take to end after SIGTERM."""


def name_of(instance: FleetInstance) -> str:
    """The name of an instance in the execution log."""
    return str(instance.port)


def met(event: FailureEvent, members: Sequence[FleetInstance], target: FleetInstance) -> InjectedEvent:
    """Describe an event that begins now.

    Args:
        event: the event.
        members: the instances of the tier.
        target: the target of an event with a single target.
    """
    now = time.monotonic()
    targets = [target] if event.single else members
    return InjectedEvent(frozenset(map(name_of, targets)), now, now)


@dataclass(frozen=True, slots=True)
class EventContext:
    """What an event needs.

    Attributes:
        fleet: the running fleet.
        members: the instances of the tier.
        target: the target of an event with a single target.
        settled: waits until every client has been served since a time on the monotonic clock.
    """

    fleet: Fleet
    members: Sequence[FleetInstance]
    target: FleetInstance
    settled: Callable[[float], Awaitable[None]]


async def inject(event: FailureEvent, context: EventContext) -> None:
    """Inject an event, and start the stopped processes again.

    Raises:
        LabError: a process did not end or did not start again.
    """
    await INJECTIONS[event.id](context)


async def recover(fleet: Fleet, members: Sequence[FleetInstance]) -> bool:
    """Recover a fleet: resume processes that hang, and start stopped processes. Otherwise, restart all instances.

    Returns:
        Whether all processes run.
    """
    for process in fleet.processes:
        process.resume()
    down = [instance for instance in fleet.instances if not instance.process.alive()]
    try:
        await fleet.front.restart_ended()
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
    """Wait until the proxy of a kit can pass its session table to a new process (see rules/failures.yaml)."""
    wait_s = fleet.plan.kit.carried.settles_s if fleet.plan.front.own else 0.0
    while any(time.monotonic() - proxy.started < wait_s for proxy in fleet.front.proxies):
        await asyncio.sleep(POLL_S)


def _redis(fleet: Fleet) -> Process:
    if fleet.redis is None:
        raise LabError("There is no Redis in this fleet.")
    return fleet.redis


async def _kill(context: EventContext) -> None:
    context.target.process.kill()
    await asyncio.sleep(DOWN_S)
    await context.fleet.restart(context.target)


async def _vanish(context: EventContext) -> None:
    context.target.process.kill()
    async with swallowing(context.target.port):
        await asyncio.sleep(GONE_S)
    await context.fleet.restart(context.target)


async def _stall(context: EventContext) -> None:
    await _stalled(context.target.process)


async def _terminate(context: EventContext) -> None:
    await _stop(context.target.process)
    await context.fleet.restart(context.target)


async def _replace(context: EventContext) -> None:
    # Calls run on the target, so the target is replaced first.
    for instance in sorted(context.members, key=lambda instance: instance is not context.target):
        await _stop(instance.process)
        await context.fleet.restart(instance)
        await context.settled(time.monotonic())


async def _reload_proxy(context: EventContext) -> None:
    await _settled_in(context.fleet)
    await context.fleet.front.reload()


async def _kill_proxy(context: EventContext) -> None:
    front = context.fleet.front
    front.proxies[0].kill()
    await asyncio.sleep(DOWN_S)
    await front.restart_ended()


async def _restart_redis(context: EventContext) -> None:
    _redis(context.fleet).kill()
    await asyncio.sleep(STALL_S)
    await context.fleet.start_redis()


async def _stall_redis(context: EventContext) -> None:
    await _stalled(_redis(context.fleet))


INJECTIONS: Mapping[str, Callable[[EventContext], Awaitable[None]]] = {
    "instance-killed": _kill,
    "instance-vanished": _vanish,
    "instance-stalled": _stall,
    "instance-stopped": _terminate,
    "instances-replaced": _replace,
    "proxy-reloaded": _reload_proxy,
    "proxy-killed": _kill_proxy,
    "redis-restarted": _restart_redis,
    "redis-stalled": _stall_redis,
}
"""How the lab injects each event, by the id in rules/failures.yaml."""
