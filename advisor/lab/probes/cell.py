"""The common part of all probes: a client, a deadline and a verdict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

import anyio

from advisor.knowledge.types import Era
from advisor.lab.clients.raw_client import Endpoint, endpoint
from advisor.lab.clients.sdk_client import Mode, ReceivedMessages, connect
from advisor.lab.probes.observation import ProbeResult, Verdict, describe

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult

_OVERHEAD_S = 4.0  # for connecting and closing, in addition to the deadline of the steps


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """The tool of the server that uses the feature.

    Attributes:
        tool: the name of the tool; "" if the probe needs no tool.
        arguments: the arguments of the tool.
        call: the API that server code uses for the feature; "" if the API is unknown.
    """

    tool: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    call: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """The parameters of a probe.

    Attributes:
        url: the endpoint.
        era: the protocol era of the client.
        target: the tool.
        deadline_s: seconds; an answer that takes longer is a `hang`.
        headers: sent with every request.
    """

    url: str
    era: Era
    target: ProbeTarget
    deadline_s: float
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def silence_s(self) -> float:
        """Seconds to wait, after the answer of a call, for a notification that might not arrive."""
        return self.deadline_s * 0.3


ProbeSteps: TypeAlias = Callable[["Client", ReceivedMessages], Awaitable[Verdict]]
RawSteps: TypeAlias = Callable[[Probe, Endpoint], Awaitable[Verdict]]


async def in_session(
    probe: Probe,
    steps: ProbeSteps,
    *,
    log_level: str | None = "debug",
    mode: Mode | None = None,
    silences: int = 0,
) -> ProbeResult:
    """Run the steps of a probe with a new client.

    Args:
        probe: the endpoint and the protocol era.
        steps: gets the connected client and a record of the messages that the client receives. If `steps` raises an
            exception, the outcome is `error`.
        log_level: the log level that a modern client requests; None requests no log messages.
        mode: how the client connects; the default is the mode of its protocol era.
        silences: how often the steps wait for messages that might not arrive. This waiting time extends the deadline.
    """
    heard, began, connected = ReceivedMessages(), monotonic(), False
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
        # An error while the connection closes does not change an existing verdict.
        verdict = verdict or Verdict("error", describe(error))
    if verdict is None:
        what = "answer" if connected else "connection"
        verdict = Verdict("hang", f"no {what} within {allowed_s + _OVERHEAD_S:g} s")
    return ProbeResult(*_judged(verdict, heard), seconds=round(monotonic() - began, 2))


async def timed(probe: Probe, steps: RawSteps) -> ProbeResult:
    """Run the steps of a probe that uses the raw client."""
    began = monotonic()
    verdict = Verdict("hang", f"no answer within {probe.deadline_s * 2:g} s")
    try:
        with anyio.move_on_after(probe.deadline_s * 2):
            async with endpoint(probe.url, probe.era, probe.headers) as raw:
                verdict = await steps(probe, raw)
    except Exception as error:
        verdict = Verdict("error", describe(error))
    return ProbeResult(*verdict, seconds=round(monotonic() - began, 2))


async def _stepped(steps: ProbeSteps, client: Client, heard: ReceivedMessages) -> Verdict:
    try:
        return await steps(client, heard)
    except Exception as error:
        return Verdict("error", describe(error))


async def _refused(client: Client, heard: ReceivedMessages) -> Verdict | None:
    """The verdict `unsupported` if the server refuses all requests of modern clients (400), else None."""
    if not any(reply.modern and reply.status == 400 for reply in heard.replies):
        return None
    try:
        await client.list_tools()
    except Exception as error:
        return Verdict("unsupported", f"HTTP 400: {describe(error)}")
    return None


def _judged(verdict: Verdict, heard: ReceivedMessages) -> Verdict:
    """The verdict; `unreachable` if an HTTP answer shows that the instance does not know the session."""
    if verdict.outcome == "works":
        return verdict
    if heard.lost_session():
        return Verdict("unreachable", f"404 for a session that another instance owns: {verdict.message}")
    return verdict


def _was_asked(heard: ReceivedMessages) -> str:
    return f"the client got requests: {', '.join(heard.asked)}" if heard.asked else "the client got no request"


def text(result: CallToolResult) -> str:
    """The text of a tool's result."""
    return " ".join(getattr(block, "text", "") for block in result.content)


async def call(client: Client, target: ProbeTarget, **more: object) -> tuple[str, str]:
    """Call the tool. Returns the text of the result, and the error ("" if the call succeeded)."""
    result = await client.call_tool(target.tool, {**target.arguments, **more})
    said = text(result)
    return said, (said or "an error without text") if result.is_error else ""
