"""Measures the topology truth table: each way of balancing before real servers, with real clients of both eras."""

from __future__ import annotations

import asyncio
import datetime
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import advisor
from advisor.decision.advisor import Advisor
from advisor.knowledge.topology import KINDS, Conditions, Figures, Kind, Measured, Share, Way
from advisor.knowledge.topology import Run as Passage
from advisor.lab import ports, topology_window
from advisor.lab.run import Launch, Process, Run
from advisor.lab.steps import Steps, Watcher
from advisor.lab.topology_proxies import NAMES, Balancer
from advisor.lab.topology_raw import Rates, RawClient, rates
from advisor.lab.topology_roads import Road, road
from advisor.lab.topology_sdk import Visit, problems, visits
from advisor.lab.topology_subject import STEPS

INSTANCES = ("one", "two", "three")
SEED = 4
_WARM_S = 8.0  # Envoy's threads learn one after the other which instances are healthy


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured.

    Attributes:
        sessions: cheap clients.
        calls: calls of each.
        visitors: clients of the SDK.
        openings: sessions for the window between two proxies that share a table.
        restarts: restarts of the second of them, each a few seconds long.
    """

    sessions: int = 40
    calls: int = 3
    visitors: int = 12
    openings: int = 200
    restarts: int = 5


async def servers(run: Run) -> dict[str, tuple[str, ...]]:
    """Three servers with sessions and three without, for all ways; the run ends them.

    Returns:
        host:port of each, by `stateful` and `stateless`, in the order of `INSTANCES`.
    """
    names = [(kind, name) for kind in ("stateful", "stateless") for name in INSTANCES]
    found = await asyncio.gather(*(_server(run, kind, name) for kind, name in names))
    addresses = [f"127.0.0.1:{port}" for _, port in found]
    return {"stateful": tuple(addresses[: len(INSTANCES)]), "stateless": tuple(addresses[len(INSTANCES) :])}


async def _server(run: Run, kind: str, name: str) -> tuple[Process, int]:
    def build(port: int) -> Launch:
        env = {
            "LAB_NAME": name,
            "LAB_STATELESS": str(int(kind == "stateless")),
            "PYTHONPATH": str(Path(advisor.__file__).parents[1]),
        }
        command = [sys.executable, "-m", "uvicorn", "advisor.lab.topology_subject:app", "--port", str(port)]
        ready = f"http://127.0.0.1:{port}/health"
        return Launch([*command, "--log-level", "warning"], env=env, ready=lambda: ports.answers(ready))

    return await run.start_on_port(f"{kind}-{name}", build, deadline_s=60)


async def measure(ways: Iterable[Way], knowing: Advisor, scale: Scale, watcher: Watcher | None = None) -> list[Way]:
    """Measure rows of the table.

    Args:
        ways: the rows; their runs say under which conditions.
        knowing: decides the kits whose configurations are measured.
        scale: how much.
        watcher: shows the steps.

    Returns:
        The rows with new figures, evidence and stamps, in the same order; what was written by hand is untouched.

    Raises:
        EnvironmentLacksError: a program is missing.
        LabError: one of them failed.
    """
    balancers = [(way, Balancer(way, knowing)) for way in ways]  # whatever is missing is said before anything starts
    async with Run.open("topology") as run:
        steps = Steps(watcher)
        with steps.step("servers"):
            fleet = await servers(run)
        return [await _way(run, fleet, way, balancer, scale, steps) for way, balancer in balancers]


async def _way(
    run: Run, fleet: Mapping[str, Sequence[str]], way: Way, balancer: Balancer, scale: Scale, steps: Steps
) -> Way:
    found, failures = [], Counter[str]()
    for passage in way.runs:
        under = " ".join(passage.under.unusual.values())
        figures: dict[Kind, Figures] = {}
        with steps.step(f"{way.id} {under}".rstrip(), len(KINDS)) as step:
            for server, addresses in fleet.items():
                peered = balancer.peered and server == "stateful"
                async with _proxies(run, addresses, balancer, passage.under, peered=peered) as listening:
                    for kind in (one for one in KINDS if one.startswith(f"{server}+")):
                        figures[kind], failed = await _passage(kind, passage.under, listening, scale)
                        failures += failed if kind == "stateful+legacy" else Counter()
                        step.advance()
            step.note = f"{figures['stateful+legacy'].whole} sessions whole"
        found.append(Passage(passage.under, figures))
    window = None
    if balancer.peered:
        with steps.step(f"{way.id} window") as step:
            window = await topology_window.measure(
                run, fleet["stateful"], balancer, INSTANCES, scale.openings, scale.restarts
            )
            step.note = f"{window.at_once} known at once"
    return replace(way, runs=found, window=window, evidence=_evidence(failures), measured=await _stamp(balancer))


async def _stamp(balancer: Balancer) -> Measured:
    sdk = f"mcp {metadata.version('mcp')}"
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    return Measured(await balancer.version(), sdk, f"mcp-advisor {advisor.__version__}", today)


@asynccontextmanager
async def _proxies(
    run: Run, addresses: Sequence[str], balancer: Balancer, under: Conditions, *, peered: bool
) -> AsyncIterator[tuple[int, ...]]:
    """As many proxies as the conditions say, and the ports that they listen on; `peered` ones have met already."""
    names = NAMES[: under.proxies]
    started = [await balancer.start(run, addresses, name=name) for name in names]
    listening = tuple(port for _, port in started)
    try:
        if balancer.warms_up:
            await asyncio.gather(*(asyncio.to_thread(_warm, port) for port in listening))
        if peered and under.proxies > 1:  # what happens before they have met is the window's
            await asyncio.to_thread(topology_window.settled, *listening)
        yield listening
    finally:
        for process, _ in started:
            await process.terminate()


def _warm(port: int) -> None:
    """Send requests until every instance has served some."""
    seen, end = Counter[str](), time.monotonic() + _WARM_S
    while time.monotonic() < end and any(seen[name] < 3 for name in INSTANCES):
        seen[RawClient(Road(("127.0.0.1",), (port,)), legacy=False).call().served_by] += 1


async def _passage(
    kind: Kind, under: Conditions, listening: tuple[int, ...], scale: Scale
) -> tuple[Figures, Counter[str]]:
    """The figures of servers of a kind with clients of an era, and how requests failed."""
    roads = [road(under, listening, number) for number in range(scale.sessions)]
    taken = await asyncio.to_thread(rates, kind, roads, scale.calls, SEED)
    seen = await visits(kind, roads[: scale.visitors])
    said = Counter({f"SDK client: {problem}": number for problem, number in problems(seen).items()})
    return _figures(taken, seen), taken.problems + said


def _figures(taken: Rates, seen: list[Visit]) -> Figures:
    over_get = [visit.over_get for visit in seen if visit.over_get is not None]
    crossed = [visit.crossed for visit in seen if visit.crossed is not None]
    spread = sorted((taken.spread[name] for name in INSTANCES), reverse=True)
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
    """How the requests of legacy clients with sessions failed, most frequent first."""
    ordered = sorted(failures.items(), key=lambda one: (-one[1], one[0]))
    return "; ".join(f"{text} ({number})" for text, number in ordered)
