"""Observe the kit's own tools. The result text of a stub names the requests, the state and the replies of the call."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from advisor.knowledge.types import Era
from advisor.lab.chaos.state_handles import GIVEN, REMEMBERED
from advisor.lab.clients.sdk_client import ReceivedMessages
from advisor.lab.probes import ProbeTarget
from advisor.lab.probes.cell import Probe, ProbeSteps, call, in_session, text
from advisor.lab.probes.change_notifications import CHANGED, UPDATED, Listener, listening, subscribe
from advisor.lab.probes.observation import ProbeResult, Verdict
from advisor.lab.testserver.tool_catalogue import LabTool
from advisor.sentences import amount

if TYPE_CHECKING:
    from mcp import Client

STATUS = "status://current"
"""The resource of a generated server to which clients can subscribe."""

TEXT = "verification"
_REMEMBER = re.compile(r"^(handle|remembered): .*$", re.MULTILINE)
_KEPT = "kept"
_RECALLS = 24  # parallel calls, which are enough to reach each of a few processes
_ASKED = ("sampling", "elicitation", "roots")


async def observe_tool(feature: str, url: str, era: Era, tool: str, *, deadline_s: float = 5.0) -> ProbeResult:
    """Call a tool of the kit and judge the messages that reach the client.

    Args:
        feature: feature id, or plain; not resumability.
        url: URL of the endpoint.
        era: protocol era of the client.
        tool: name of a tool that needs the feature.
        deadline_s: deadline in seconds; a later answer is a `hang`.

    Returns:
        The observation. For session state, further calls check that the server still has the state.
    """
    probe = Probe(url, era, ProbeTarget(tool, {"text": TEXT}), deadline_s)
    if feature == "session_state":
        return await in_session(probe, _remembering(probe))
    return await in_session(probe, _calling(probe, feature))


async def observe_handle(url: str, era: Era, entry: LabTool, *, deadline_s: float = 5.0) -> ProbeResult:
    """Call the lab's tool with a state handle, and check whether all, some or no further calls find the state.

    Returns:
        The observation: `works` for all calls, `unreachable` for some calls, `dropped` for no call.
    """
    probe = Probe(url, era, ProbeTarget(entry.tool, {}, entry.call), deadline_s)

    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
        handle, error = await call(client, probe.target, step="keep")
        if error:
            return Verdict("error", error)

        async def found() -> tuple[bool, str]:
            said, wrong = await call(client, probe.target, step="recall", handle=handle)
            return said == _KEPT, wrong or said

        return await _recalled(found)

    return await in_session(probe, steps)


async def call_plainly(url: str, era: Era, tool: str, *, deadline_s: float = 5.0) -> ProbeResult:
    """Call a tool without a check of any feature.

    Returns:
        The observation: `works` if the tool returns a result.
    """
    probe = Probe(url, era, ProbeTarget(tool, {"text": TEXT}), deadline_s)
    return await in_session(probe, _calling(probe, "plain"))


def _remembering(probe: Probe) -> ProbeSteps:
    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
        said, error = await call(client, probe.target)
        given = GIVEN.search(said)
        if error or given is None:
            return Verdict("error", error or f"no state handle in the answer: {said[:80]}")
        handle = given[1]

        async def found() -> tuple[bool, str]:
            again, wrong = await call(client, probe.target, handle=handle)
            return REMEMBERED.search(again) is not None, wrong or again.replace("\n", "; ")

        return await _recalled(found)

    return steps


async def _recalled(found: Callable[[], Awaitable[tuple[bool, str]]]) -> Verdict:
    """Check whether all, some or none of several parallel calls find the stored state."""
    import anyio

    seen: list[tuple[bool, str]] = []

    async def recall() -> None:
        seen.append(await found())

    async with anyio.create_task_group() as group:
        for _ in range(_RECALLS):
            group.start_soon(recall)
    missed = [said for here, said in seen if not here]
    if not missed:
        return Verdict("works", f"{amount(len(seen), 'further call')} found the state")
    said = f"{len(missed)} of {len(seen)} further calls did not find the state: {missed[0][:120]}"
    return Verdict("dropped" if len(missed) == len(seen) else "unreachable", said)


def _calling(probe: Probe, feature: str) -> ProbeSteps:
    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
        # A random reply cannot be part of the tool's own text.
        heard.words = {feature: f"{feature}-{uuid.uuid4().hex}" for feature in _ASKED}
        async with AsyncExitStack() as stack:
            listener, remark = Listener(), ""
            if feature == "subscriptions":
                remark = await subscribe(client, [STATUS]) if probe.era == "legacy" else ""
                listener = await stack.enter_async_context(
                    listening(probe, client, heard, resource_subscriptions=[STATUS])
                )
            elif feature == "list_changed":
                listener = await stack.enter_async_context(listening(probe, client, heard, tools_list_changed=True))
            result = await client.call_tool(
                probe.target.tool, dict(probe.target.arguments), progress_callback=heard.on_progress
            )
            said = text(result)
            if result.is_error:
                return Verdict("error", said or "an error without a message")
            if feature in _ASKED and TEXT in said:
                return await _answer_used(probe, feature, said, client, heard)
            remarks = [said for said in (remark, listener.refusal) if said]
            return await _judged(probe, feature, said, heard, listener, remarks)

    return steps


async def _answer_used(probe: Probe, feature: str, said: str, client: Client, heard: ReceivedMessages) -> Verdict:
    """Check whether the tool asked the client, and whether its result depends on the client's reply."""
    tool = probe.target.tool
    if feature not in heard.asked:
        return Verdict("dropped", f"{tool} returned a result without asking the client")
    used, short = heard.words[feature] in said, " ".join(said.split())[:120]
    wrong = f"{tool} asked the client, but its result does not contain the client's reply: {short}"
    # A form can have no text field. Then a second call, in which the user declines, must have another result.
    if feature == "elicitation" and not used:
        heard.declines = True
        otherwise = text(await client.call_tool(tool, dict(probe.target.arguments)))
        used = _REMEMBER.sub("", otherwise) != _REMEMBER.sub("", said)
        wrong = f"{tool} asked the user, but returns the same result if the user accepts or declines: {short}"
    return Verdict("works", f"{tool} asked the client and used the reply") if used else Verdict("dropped", wrong)


async def _judged(
    probe: Probe, feature: str, said: str, heard: ReceivedMessages, listener: Listener, remarks: Sequence[str]
) -> Verdict:
    """The verdict on a call with the result text `said`."""
    if TEXT not in said:
        return Verdict("error", f"the answer does not belong to this call: {said[:120]}")
    if feature == "plain":
        return Verdict("works", f"{probe.target.tool} returned a result")

    def arrived() -> int:
        if feature in ("progress", "logging"):
            return len(heard.progress if feature == "progress" else heard.logs)
        wanted = UPDATED if feature == "subscriptions" else CHANGED
        return len(listener.heard) + sum(method == wanted for method, _ in heard.notes)

    await heard.until(lambda: arrived() > 0, probe.silence_s)
    tail = f" ({'; '.join(remarks)})" if remarks else ""
    if arrived():
        return Verdict("works", f"{probe.target.tool}: notifications that arrived: {arrived()}{tail}")
    return Verdict("dropped", f"{probe.target.tool} returned a result, but no notification arrived{tail}")
