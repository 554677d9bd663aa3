"""A plain call: whether anything is answered at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.lab.clients.sdk_client import Heard
from advisor.lab.probes.cell import Probe, call, in_session
from advisor.lab.probes.observation import Observation, Verdict

if TYPE_CHECKING:
    from mcp import Client


async def observe(probe: Probe) -> Observation:
    """Call the tool, or list the tools where none is named."""

    async def steps(client: Client, heard: Heard) -> Verdict:
        if not probe.target.tool:
            return Verdict("works", f"{len((await client.list_tools()).tools)} tools listed")
        said, error = await call(client, probe.target)
        return Verdict("error", error) if error else Verdict("works", f"protocol {client.protocol_version}: {said:.80}")

    return await in_session(probe, steps)
