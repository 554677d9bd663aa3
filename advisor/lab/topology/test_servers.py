"""The servers of the topology measurement: test servers, or the servers of a kit that route requests to the owner."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path

from advisor.kit.model import KitContext
from advisor.kit.parts import server as kit_server
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.front import Front, lay_out
from advisor.lab.fleet.plan import FleetPlan
from advisor.lab.process.run import Run
from advisor.lab.process.sdk_under_test import line_of, serving

TOOL = "lab_plain"
"""A tool that answers immediately."""
ASK = "lab_resolve_sample"
"""A tool that requests sampling: on the stream of its call (legacy), or in the answer of its call (modern). A modern
client then sends a second request."""
ASK_OVER_GET = "lab_sample"
"""A tool that requests sampling on the stream that a legacy client opens with GET."""
WORK = "lab_progress"
"""A tool that reports progress."""
STEPS = 2
"""The number of progress notifications of a call of `WORK`."""

COUNT = 3
"""The number of servers of each kind."""
_KINDS = {"stateful": False, "stateless": True}
_START_S = 60.0
_SIGNED = {"LAB_SIGNED": "1"}

Addresses = Mapping[str, tuple[str, ...]]
"""host:port of each server, by `stateful` and `stateless`."""


def names(addresses: Sequence[str]) -> list[str]:
    """The names of the servers at these addresses, as in the header X-Served-By: their ports."""
    return [address.rpartition(":")[2] for address in addresses]


async def servers(run: Run) -> Addresses:
    """Start three servers with sessions and three servers without sessions. The run stops them at its end.

    Raises:
        LabError: a server did not start.
    """
    line = line_of("mcp", metadata.version("mcp"))

    async def start(kind: str, number: int) -> str:
        # The instances share a sealing key, so that every instance accepts the second request of a modern client.
        launch = serving(Path(sys.executable), line, (_KINDS[kind], False), "lab", env={**_SIGNED, "LAB_KEY": "k" * 32})
        _, port = await run.start_on_port(f"{kind}-{number + 1}", launch, deadline_s=_START_S)
        return f"127.0.0.1:{port}"

    found = await asyncio.gather(*(start(kind, number) for kind in _KINDS for number in range(COUNT)))
    return {"stateful": tuple(found[:COUNT]), "stateless": tuple(found[COUNT:])}


@asynccontextmanager
async def kit_servers(run: Run, name: str, kit: KitContext) -> AsyncIterator[Addresses]:
    """Start the servers of a kit, as `generate` writes them, and their shared Redis. The context manager stops them.

    Args:
        run: owns the processes.
        name: the beginning of the name of the kit's folder.
        kit: a kit with a single tier.

    Raises:
        LabError: a server did not start.
    """
    folder = run.folder / f"{name}-kit"
    lay_out(kit_server.files(kit), folder)
    fleets = {
        kind: Fleet(
            run,
            FleetPlan(
                folder,
                kit,
                Path(sys.executable),
                Front(own=False, program=None),
                {kit.tiers[0].name: COUNT},
                env={**_SIGNED, "MCP_STATELESS": str(stateless).lower()},
            ),
        )
        for kind, stateless in _KINDS.items()
    }
    try:
        for fleet in fleets.values():
            await fleet.start_servers()
        yield {
            kind: tuple(f"127.0.0.1:{instance.port}" for instance in fleet.instances) for kind, fleet in fleets.items()
        }
    finally:
        for fleet in fleets.values():
            for process in reversed(fleet.processes):
                await process.terminate()
