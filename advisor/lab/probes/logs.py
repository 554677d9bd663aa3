"""Log messages of a call: whether they arrive, and live."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from advisor.lab.clients.sdk_client import Heard
from advisor.lab.probes.cell import Probe, call, in_session
from advisor.lab.probes.observation import Observation, Verdict
from advisor.lab.probes.progress import arrival

if TYPE_CHECKING:
    from mcp import Client


async def observe(probe: Probe, *, log_level: str | None = "debug") -> Observation:
    """Call a tool that logs; modern clients ask for a level, unless `log_level` is None."""

    async def steps(client: Client, heard: Heard) -> Verdict:
        _, error = await call(client, probe.target)
        answered = monotonic()
        if error:
            return Verdict("error", error)
        if not heard.logs:
            await heard.until(lambda: bool(heard.logs), probe.silence_s)
        return arrival([came for came, _ in heard.logs], answered)

    return await in_session(probe, steps, log_level=log_level, silences=1)
