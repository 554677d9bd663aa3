"""Per-session state: whether the second call of a client finds what the first call kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.lab.clients.sdk_client import Heard
from advisor.lab.probes.cell import Probe, call, in_session
from advisor.lab.probes.observation import Observation, Verdict

if TYPE_CHECKING:
    from mcp import Client

BY_HANDLE = "handle argument"


async def observe(probe: Probe) -> Observation:
    """Call the tool twice in the same session, with the steps `keep` and `recall`."""

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
