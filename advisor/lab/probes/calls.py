"""Probes that check the answer of a call: plain calls, requests to the client, session state, protocol negotiation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.lab.clients.sdk_client import ReceivedMessages
from advisor.lab.probes.cell import Probe, call, in_session
from advisor.lab.probes.observation import BehaviourRow, ProbeResult, Verdict
from advisor.sentences import amount

if TYPE_CHECKING:
    from mcp import Client

BY_HANDLE = "handle argument"


async def plain(probe: Probe) -> ProbeResult:
    """Call the tool, or list the tools if the target names no tool. The feature works if the server answers."""

    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
        if not probe.target.tool:
            return Verdict("works", f"{amount(len((await client.list_tools()).tools), 'tool')} listed")
        said, error = await call(client, probe.target)
        return Verdict("error", error) if error else Verdict("works", f"protocol {client.protocol_version}: {said:.80}")

    return await in_session(probe, steps)


async def asking(probe: Probe, what: str) -> ProbeResult:
    """Call a tool that sends the client a request for `what`: `sampling`, `elicitation` or `roots`.

    The feature works if the client got the request and the tool returned a result.
    """

    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
        said, error = await call(client, probe.target)
        if error:
            return Verdict("error", error)
        if what not in heard.asked:
            return Verdict("dropped", f"the tool returned a result without a request to the client: {said:.80}")
        return Verdict("works", f"the client answered the request: {said:.80}")

    return await in_session(probe, steps)


async def session_state(probe: Probe) -> ProbeResult:
    """Call the tool twice in the same session: the call `recall` must find the state that the call `keep` stored."""

    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
        first, error = await call(client, probe.target, step="keep")
        if error:
            return Verdict("error", error)
        handle = {"handle": first} if probe.target.call == BY_HANDLE else {}
        second, error = await call(client, probe.target, step="recall", **handle)
        if error:
            return Verdict("error", error)
        found = second == "kept"
        if found:
            return Verdict("works", "the next call found the state")
        return Verdict("dropped", f"the next call returned: {second}")

    return await in_session(probe, steps)


async def negotiation(probe: Probe) -> list[BehaviourRow]:
    """Connect as a client that tries the modern protocol first and falls back to `initialize`. Needs no tool."""
    if probe.era == "modern":
        return []

    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
        await client.list_tools()
        return Verdict("works", f"protocol {client.protocol_version}")

    return [BehaviourRow("client of both eras", await in_session(probe, steps, mode="auto"))]
