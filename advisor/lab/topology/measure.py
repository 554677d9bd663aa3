"""Measures the load-balancing strategies in rules/topology.yaml with real servers and real clients of both eras."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata

import advisor
from advisor.decision.advisor import Advisor
from advisor.knowledge.topology import (
    KINDS,
    BalancingRun,
    BalancingStrategy,
    Conditions,
    Figures,
    MeasuredOn,
    SessionKind,
    Share,
)
from advisor.lab.process.run import Run
from advisor.lab.process.steps import Steps, Watcher
from advisor.lab.topology import window as topology_window
from advisor.lab.topology.balancer import NAMES, Balancer
from advisor.lab.topology.rates import Rates, RoutedClient, rates
from advisor.lab.topology.routes import ClientRoute, route_of
from advisor.lab.topology.test_servers import COUNT, STEPS, Addresses, kit_servers, names, servers
from advisor.lab.topology.visits import Visit, problems, visits

SEED = 4
_WARM_S = 8.0  # the threads of Envoy learn one after another which instances are healthy


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of a measurement.

    Attributes:
        sessions: the number of raw clients.
        calls: the number of calls of each raw client.
        visitors: the number of SDK clients.
        openings: the number of sessions for the measurement of two proxies that share a table.
        restarts: the number of restarts of the second of these proxies. Each restart takes a few seconds.
    """

    sessions: int = 40
    calls: int = 3
    visitors: int = 12
    openings: int = 200
    restarts: int = 5


async def measure(
    strategies: Iterable[BalancingStrategy], knowing: Advisor, scale: Scale, watcher: Watcher | None = None
) -> list[BalancingStrategy]:
    """Measure load-balancing strategies.

    Args:
        strategies: the strategies; their runs have the conditions.
        knowing: decides the kits whose configurations are measured.
        scale: the number of clients and calls.
        watcher: shows the steps.

    Returns:
        The strategies with new figures, evidence and dates, in the same order. Other fields do not change.

    Raises:
        EnvironmentLacksError: a program is missing.
        LabError: a measurement failed.
    """
    balancers = [
        (strategy, Balancer(strategy, knowing)) for strategy in strategies
    ]  # reports missing programs before a process starts
    async with Run.open("topology") as run:
        steps = Steps(watcher)
        fleet: Addresses = {}
        if any(balancer.servers is None for _, balancer in balancers):
            with steps.step("servers"):
                fleet = await servers(run)
        return [await _on_servers(run, fleet, strategy, balancer, scale, steps) for strategy, balancer in balancers]


async def _on_servers(
    run: Run, fleet: Addresses, strategy: BalancingStrategy, balancer: Balancer, scale: Scale, steps: Steps
) -> BalancingStrategy:
    """Measure a strategy. If the servers of a kit route the requests, measure with the servers of this kit."""
    if balancer.servers is None:
        return await _measured(run, fleet, strategy, balancer, scale, steps)
    async with AsyncExitStack() as running:
        with steps.step(f"{strategy.id} servers"):
            own = await running.enter_async_context(kit_servers(run, strategy.id, balancer.servers))
        return await _measured(run, own, strategy, balancer, scale, steps)


async def _measured(
    run: Run, fleet: Addresses, strategy: BalancingStrategy, balancer: Balancer, scale: Scale, steps: Steps
) -> BalancingStrategy:
    found, failures = [], Counter[str]()
    for passage in strategy.runs:
        under = " ".join(passage.under.unusual.values())
        figures: dict[SessionKind, Figures] = {}
        with steps.step(f"{strategy.id} {under}".rstrip(), len(KINDS)) as step:
            for server, addresses in fleet.items():
                peered = balancer.peered and server == "stateful"
                async with proxies_of(run, addresses, balancer, passage.under, peered=peered) as listening:
                    for kind in (kind for kind in KINDS if kind.startswith(f"{server}+")):
                        fleet_of = partial(_fleet, run, balancer, addresses, passage.under, listening)
                        taken, seen = await _passage(kind, passage.under, listening, scale, fleet_of)
                        figures[kind] = _figures(taken, seen, names(addresses))
                        failed = taken.problems + Counter(
                            {f"SDK client: {problem}": number for problem, number in problems(seen).items()}
                        )
                        failures += failed if kind == "stateful+legacy" else Counter()
                        step.advance()
            step.note = f"{figures['stateful+legacy'].whole} sessions kept"
        found.append(BalancingRun(passage.under, figures))
    window = None
    if balancer.peered:
        with steps.step(f"{strategy.id} window") as step:
            window = await topology_window.measure(
                run, fleet["stateful"], balancer, names(fleet["stateful"]), scale.openings, scale.restarts
            )
            step.note = f"{window.at_once} known immediately"
    return replace(strategy, runs=found, window=window, evidence=_evidence(failures), measured=await _stamp(balancer))


async def _stamp(balancer: Balancer) -> MeasuredOn:
    sdk = f"mcp {metadata.version('mcp')}"
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    return MeasuredOn(await balancer.version(), sdk, f"mcp-advisor {advisor.__version__}", today)


@asynccontextmanager
async def proxies_of(
    run: Run, addresses: Sequence[str], balancer: Balancer, under: Conditions, *, peered: bool
) -> AsyncIterator[tuple[int, ...]]:
    """Start the proxies of the conditions and return their ports. If they are `peered`, they are already connected."""
    started = [await balancer.start(run, addresses, name=name) for name in NAMES[: under.proxies]]
    listening = tuple(port for _, port in started)
    try:
        if balancer.warms_up:
            await asyncio.gather(*(_warm(port, names(addresses)) for port in listening))
        if peered and under.proxies > 1:  # the window measures the time before they are connected
            await topology_window.settled(*listening)
        yield listening
    finally:
        for process, _ in started:
            await process.terminate()


async def _warm(port: int, instances: Sequence[str]) -> None:
    """Send requests until every instance has answered three requests, or until `_WARM_S` has passed."""
    seen, end = Counter[str](), time.monotonic() + _WARM_S
    while time.monotonic() < end and any(seen[name] < 3 for name in instances):
        seen[(await RoutedClient(ClientRoute(("127.0.0.1",), (port,)), legacy=False).call()).served_by] += 1


async def _passage(
    kind: SessionKind,
    under: Conditions,
    listening: tuple[int, ...],
    scale: Scale,
    fleet_of: Callable[[int], Awaitable[None]],
) -> tuple[Rates, list[Visit]]:
    """The results of raw clients and of SDK clients for a kind of server and client.

    If an instance is added, it is added after all clients have connected: first the raw clients, then the SDK clients.
    """
    routes = [route_of(under, listening, number) for number in range(scale.sessions)]
    if under.instances == "same":
        return await rates(kind, routes, scale.calls, SEED), await visits(kind, routes[: scale.visitors])
    grow = partial(fleet_of, COUNT)
    await fleet_of(COUNT - 1)
    taken = await rates(kind, routes, scale.calls, SEED, grow)
    await fleet_of(COUNT - 1)
    return taken, await visits(kind, routes[: scale.visitors], grow)


async def _fleet(
    run: Run, balancer: Balancer, addresses: Sequence[str], under: Conditions, listening: tuple[int, ...], count: int
) -> None:
    """Let every proxy use the first `count` servers."""
    for name, port in zip(NAMES[: under.proxies], listening, strict=True):
        await balancer.change(run, addresses[:count], name=name, port=port)


def _figures(taken: Rates, seen: list[Visit], instances: Sequence[str]) -> Figures:
    over_get = [visit.over_get for visit in seen if visit.over_get is not None]
    crossed = [visit.crossed for visit in seen if visit.crossed is not None]
    spread = sorted((taken.spread[name] for name in instances), reverse=True)
    return Figures(
        whole=Share(taken.whole, taken.clients),
        answered=Share(taken.answered, taken.calls),
        wrong=Share(taken.wrong, taken.calls),
        sampling=Share(sum(visit.sampled for visit in seen), len(seen)),
        progress=Share(sum(visit.progress for visit in seen), STEPS * len(seen)),
        spread=spread,
        over_get=Share(sum(over_get), len(over_get)) if over_get else None,
        crossed=Share(sum(crossed), len(crossed)) if crossed else None,
    )


def _evidence(failures: Counter[str]) -> str:
    """The errors of legacy clients with sessions and the number of each error, most frequent first."""
    ordered = sorted(failures.items(), key=lambda failure: (-failure[1], failure[0]))
    return "; ".join(f"{text} ({number})" for text, number in ordered)
