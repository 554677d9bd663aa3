"""Negotiation: what a client of both eras ends up with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.lab.clients.sdk_client import Heard
from advisor.lab.probes.cell import Probe, in_session
from advisor.lab.probes.observation import BehaviourRow, Verdict

if TYPE_CHECKING:
    from mcp import Client


async def observe(probe: Probe) -> list[BehaviourRow]:
    """Connect as a client that tries the modern way first and falls back to the handshake; needs no tool."""
    if probe.era == "modern":
        return []

    async def steps(client: Client, heard: Heard) -> Verdict:
        await client.list_tools()
        return Verdict("works", f"protocol {client.protocol_version}")

    return [BehaviourRow("client of both eras", await in_session(probe, steps, mode="auto"))]
