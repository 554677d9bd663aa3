"""Probes of progress and log messages: whether they arrive, and whether they arrive while the call runs."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from advisor.lab.clients.sdk_client import ReceivedMessages
from advisor.lab.probes.cell import Probe, ProbeTarget, call, in_session, text
from advisor.lab.probes.observation import BehaviourRow, ProbeResult, Verdict

if TYPE_CHECKING:
    from mcp import Client

LEAD_S = 0.1
"""Seconds. A message that arrives less than this time before the answer was buffered on the way: the tools of the test
server wait longer between a message and their result."""


async def progress(probe: Probe) -> ProbeResult:
    """Call a tool that reports progress. The call has a progress token."""

    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
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


async def logs(probe: Probe, *, log_level: str | None = "debug") -> ProbeResult:
    """Call a tool that sends a log message. A modern client requests the log level, unless `log_level` is None."""

    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
        _, error = await call(client, probe.target)
        answered = monotonic()
        if error:
            return Verdict("error", error)
        if not heard.logs:
            await heard.until(lambda: bool(heard.logs), probe.silence_s)
        return arrival([came for came, _ in heard.logs], answered)

    return await in_session(probe, steps, log_level=log_level, silences=1)


async def unasked(probe: Probe) -> list[BehaviourRow]:
    """Call the tool `lab_log` without a log level. Only modern clients can send a log level with a call."""
    if probe.era == "legacy":
        return []
    asked = replace(probe, target=ProbeTarget("lab_log", {}, "ctx.info"))
    return [BehaviourRow("log messages without a log level", await logs(asked, log_level=None))]


def missing(heard: ReceivedMessages) -> str | None:
    """A message that says which progress is missing. None if all progress arrived or the tool announced no total."""
    values = [value for _, value in heard.progress]
    if heard.total is None or max(values) >= heard.total:
        return None
    return f"the last progress value is {max(values):g} of {heard.total:g}"


def arrival(came: list[float], answered: float) -> Verdict:
    """The verdict on the messages of a call.

    Args:
        came: when each message arrived (monotonic clock).
        answered: when the answer of the call arrived.
    """
    before = sum(moment <= answered for moment in came)
    if not came:
        return Verdict("dropped", "no message arrived; the call succeeded")
    if not before:
        return Verdict("dropped", f"arrived only after the answer: {len(came)}")
    if answered - min(came) < LEAD_S:
        return Verdict("dropped", f"arrived together with the answer, because the stream was buffered: {before}")
    return Verdict("works", f"arrived before the answer: {before}")
