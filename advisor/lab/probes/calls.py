"""Probes that judge a call by its answer: plain calls, requests to the client, kept state, the protocol agreed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.lab.clients.sdk_client import Heard
from advisor.lab.probes.cell import Probe, call, in_session
from advisor.lab.probes.observation import BehaviourRow, Observation, Verdict

if TYPE_CHECKING:
    from mcp import Client

BY_HANDLE = "handle argument"


async def plain(probe: Probe) -> Observation:
    """Call the tool, or list the tools where none is named: whether anything is answered at all."""

    async def steps(client: Client, heard: Heard) -> Verdict:
        if not probe.target.tool:
            return Verdict("works", f"{len((await client.list_tools()).tools)} tools listed")
        said, error = await call(client, probe.target)
        return Verdict("error", error) if error else Verdict("works", f"protocol {client.protocol_version}: {said:.80}")

    return await in_session(probe, steps)


async def asking(probe: Probe, what: str) -> Observation:
    """Call a tool that asks the client for `what` (`sampling`, `elicitation`, `roots`): it works if it was asked."""

    async def steps(client: Client, heard: Heard) -> Verdict:
        said, error = await call(client, probe.target)
        if error:
            return Verdict("error", error)
        if what not in heard.asked:
            return Verdict("dropped", f"the tool answered without asking the client: {said:.80}")
        return Verdict("works", f"asked and answered: {said:.80}")

    return await in_session(probe, steps)


async def session_state(probe: Probe) -> Observation:
    """Call the tool twice in the same session, with the steps `keep` and `recall`: whether the second finds it."""

    async def steps(client: Client, heard: Heard) -> Verdict:
        first, error = await call(client, probe.target, step="keep")
        if error:
            return Verdict("error", error)
        handle = {"handle": first} if probe.target.call == BY_HANDLE else {}
        second, error = await call(client, probe.target, step="recall", **handle)
        if error:
            return Verdict("error", error)
        found = second == "kept"
        return Verdict("works", "the next call found it") if found else Verdict("dropped", f"the next call: {second}")

    return await in_session(probe, steps)


async def negotiation(probe: Probe) -> list[BehaviourRow]:
    """Connect as a client that tries the modern way first and falls back to the handshake; needs no tool."""
    if probe.era == "modern":
        return []

    async def steps(client: Client, heard: Heard) -> Verdict:
        await client.list_tools()
        return Verdict("works", f"protocol {client.protocol_version}")

    return [BehaviourRow("client of both eras", await in_session(probe, steps, mode="auto"))]
