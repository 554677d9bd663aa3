"""What the probes of all features have in common: a client, a deadline, a verdict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

import anyio

from advisor.knowledge.types import Era
from advisor.lab.clients.raw_client import Endpoint, endpoint
from advisor.lab.clients.sdk_client import Heard, Mode, connect
from advisor.lab.probes.observation import Observation, Verdict, describe

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult

_OVERHEAD_S = 4.0  # for connecting and closing, besides the deadline of the steps


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """Which tool of the server makes the feature happen.

    Attributes:
        tool: its name; "" where the probe needs none.
        arguments: what to call it with.
        call: the way of asking, as written in server code; "" where it is not known.
    """

    tool: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    call: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe: where, as whom, by which tool, and how long an answer may take.

    Attributes:
        url: the endpoint.
        era: the era of the client.
        target: the tool.
        deadline_s: an answer that takes longer is a `hang`.
        headers: sent with every request.
    """

    url: str
    era: Era
    target: ProbeTarget
    deadline_s: float
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def silence_s(self) -> float:
        """How long to wait for a notification that may never come, after the answer of its call."""
        return self.deadline_s * 0.3


Steps: TypeAlias = Callable[["Client", Heard], Awaitable[Verdict]]
RawSteps: TypeAlias = Callable[[Probe, Endpoint], Awaitable[Verdict]]


async def in_session(
    probe: Probe,
    steps: Steps,
    *,
    log_level: str | None = "debug",
    mode: Mode | None = None,
    silences: int = 0,
) -> Observation:
    """Run the steps of a probe with a client of their own.

    Args:
        probe: where and as whom.
        steps: gets the connected client and what it hears; its exceptions become the outcome `error`.
        log_level: the level of log messages that a modern client asks for; None for none.
        mode: how the client connects; by default as its era does.
        silences: how often the steps wait for what may never come; that is not counted as waiting for an answer.
    """
    heard, began, connected = Heard(), monotonic(), False
    allowed_s = probe.deadline_s + silences * probe.silence_s
    verdict: Verdict | None = None
    try:
        with anyio.move_on_after(allowed_s + _OVERHEAD_S):
            connection = connect(probe.url, mode or probe.era, heard, log_level=log_level, headers=probe.headers)
            async with connection as client:
                connected = True
                with anyio.move_on_after(allowed_s):
                    verdict = await _stepped(steps, client, heard)
                verdict = verdict or Verdict("hang", f"no answer within {probe.deadline_s:g} s; {_was_asked(heard)}")
                if verdict.outcome == "error" and probe.era == "modern":
                    verdict = await _refused(client, heard) or verdict
    except Exception as error:
        # Once there is a verdict, trouble with closing changes nothing.
        verdict = verdict or Verdict("error", describe(error))
    if verdict is None:
        what = "answer" if connected else "connection"
        verdict = Verdict("hang", f"no {what} within {allowed_s + _OVERHEAD_S:g} s")
    return Observation(*_judged(probe, verdict, heard), seconds=round(monotonic() - began, 2))


async def timed(probe: Probe, steps: RawSteps) -> Observation:
    """Run the steps of a raw probe."""
    began = monotonic()
    verdict = Verdict("hang", f"no answer within {probe.deadline_s * 2:g} s")
    try:
        with anyio.move_on_after(probe.deadline_s * 2):
            async with endpoint(probe.url, probe.era, probe.headers) as raw:
                verdict = await steps(probe, raw)
    except Exception as error:
        verdict = Verdict("error", describe(error))
    return Observation(*verdict, seconds=round(monotonic() - began, 2))


async def _stepped(steps: Steps, client: Client, heard: Heard) -> Verdict:
    try:
        return await steps(client, heard)
    except Exception as error:
        return Verdict("error", describe(error))


async def _refused(client: Client, heard: Heard) -> Verdict | None:
    """`unsupported` where a server refuses modern clients as such (400), and not just this call."""
    if not any(reply.modern and reply.status == 400 for reply in heard.replies):
        return None
    try:
        await client.list_tools()
    except Exception as error:
        return Verdict("unsupported", f"HTTP 400: {describe(error)}")
    return None


def _judged(probe: Probe, verdict: Verdict, heard: Heard) -> Verdict:
    """The verdict, unless the HTTP answers tell more than the client does."""
    if verdict.outcome == "works":
        return verdict
    if heard.lost_session():
        return Verdict("unreachable", f"404 for a session that another instance owns: {verdict.message}")
    return verdict


def _was_asked(heard: Heard) -> str:
    return f"the client was asked: {', '.join(heard.asked)}" if heard.asked else "the client was asked nothing"


def text(result: CallToolResult) -> str:
    """The text of a tool's result."""
    return " ".join(getattr(block, "text", "") for block in result.content)


async def call(client: Client, target: ProbeTarget, **more: object) -> tuple[str, str]:
    """Call the tool: its text and, if it failed, the error ("" if not)."""
    result = await client.call_tool(target.tool, {**target.arguments, **more})
    said = text(result)
    return said, (said or "an error without words") if result.is_error else ""
