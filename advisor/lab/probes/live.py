"""What a call says while it runs: progress and log messages, whether they arrive, and live or only with the answer."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from advisor.lab.clients.sdk_client import Heard
from advisor.lab.probes.cell import Probe, ProbeTarget, call, in_session, text
from advisor.lab.probes.observation import BehaviourRow, Observation, Verdict

if TYPE_CHECKING:
    from mcp import Client

LEAD_S = 0.1
"""What arrives less than this before the answer was held back on the way; the lab's tools wait longer than this."""


async def progress(probe: Probe) -> Observation:
    """Call a tool that reports progress, with a progress token."""

    async def steps(client: Client, heard: Heard) -> Verdict:
        arguments = dict(probe.target.arguments)
        result = await client.call_tool(probe.target.tool, arguments, progress_callback=heard.on_progress)
        answered = monotonic()
        if result.is_error:
            return Verdict("error", text(result))
        await heard.until(lambda: bool(heard.progress) and missing(heard) is None, probe.silence_s)
        seen = arrival([came for came, _ in heard.progress], answered)
        lost = missing(heard)
        return Verdict("dropped", f"{seen.message}; {lost}") if lost and seen.outcome == "works" else seen

    return await in_session(probe, steps, silences=1)


async def logs(probe: Probe, *, log_level: str | None = "debug") -> Observation:
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


async def unasked(probe: Probe) -> list[BehaviourRow]:
    """Call the lab's tool `lab_log` without a log level; legacy clients have none to name."""
    if probe.era == "legacy":
        return []
    asked = replace(probe, target=ProbeTarget("lab_log", {}, "ctx.info"))
    return [BehaviourRow("log messages without a log level", await logs(asked, log_level=None))]


def missing(heard: Heard) -> str | None:
    """What was announced and did not arrive; None where all did, or nothing was announced."""
    values = [value for _, value in heard.progress]
    if heard.total is None or max(values) >= heard.total:
        return None
    return f"they end at {max(values):g} of {heard.total:g}"


def arrival(came: list[float], answered: float) -> Verdict:
    """The verdict over notices that came at these times, for a call that was answered then."""
    before = sum(moment <= answered for moment in came)
    if not came:
        return Verdict("dropped", "none arrived; the call succeeded")
    if not before:
        return Verdict("dropped", f"{len(came)} arrived, all after the answer")
    if answered - min(came) < LEAD_S:
        return Verdict("dropped", f"{before} arrived, but together with the answer: something on the way holds back")
    return Verdict("works", f"live: {before} before the answer")
