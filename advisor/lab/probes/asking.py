"""Sampling, elicitation and roots: requests from the server to the client. The tool decides how it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.lab.clients.sdk_client import Heard
from advisor.lab.probes.cell import Probe, call, in_session
from advisor.lab.probes.observation import Observation, Verdict

if TYPE_CHECKING:
    from mcp import Client


async def observe(probe: Probe, what: str) -> Observation:
    """Call a tool that asks the client for `what` (`sampling`, `elicitation`, `roots`): it works if it was asked."""

    async def steps(client: Client, heard: Heard) -> Verdict:
        said, error = await call(client, probe.target)
        if error:
            return Verdict("error", error)
        if what not in heard.asked:
            return Verdict("dropped", f"the tool answered without asking the client: {said:.80}")
        return Verdict("works", f"asked and answered: {said:.80}")

    return await in_session(probe, steps)
