"""Probes of change notifications: whether they reach the client when the tool list or a subscribed resource changes."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from advisor.lab.clients.sdk_client import ReceivedMessages
from advisor.lab.probes.cell import Probe, call, in_session
from advisor.lab.probes.observation import ProbeResult, Verdict, describe

if TYPE_CHECKING:
    from mcp import Client

CHANGED = "notifications/tools/list_changed"
UPDATED = "notifications/resources/updated"
MOMENTS = ("in the call", "after the call", "to subscribers")
"""The moments at which a server can send a notification through its session object. They are the values of the argument
`moment` of a tool. A change of the tool list has no subscribers, so it has only the first two moments."""

_LIST_BY_SESSION = "session.send_tool_list_changed"
_RESOURCE_BY_SESSION = "session.send_resource_updated"


class Listener:
    """The events of a `subscriptions/listen` stream.

    Attributes:
        refusal: the exact error if the server refused the stream, else "".
        heard: the received events, as text.
    """

    def __init__(self) -> None:
        self.refusal = ""
        self.heard: list[str] = []


@asynccontextmanager
async def listening(probe: Probe, client: Client, heard: ReceivedMessages, **what: Any) -> AsyncIterator[Listener]:
    """Open a `subscriptions/listen` stream, as modern clients do.

    The listener receives no event if the client is legacy or the server does not support `subscriptions/listen`.

    Args:
        probe: has the protocol era of the client.
        client: a connected client.
        heard: wakes up at each event.
        what: the arguments of `Client.listen`.
    """
    listener = Listener()
    if probe.era == "legacy":
        yield listener
        return
    acknowledged = anyio.Event()

    async def follow() -> None:
        try:
            async with client.listen(**what) as stream:
                acknowledged.set()
                async for event in stream:
                    listener.heard.append(str(event))
                    heard.tell()
        except Exception as error:
            listener.refusal = describe(error)
            acknowledged.set()

    async with anyio.create_task_group() as group:
        group.start_soon(follow)
        await acknowledged.wait()
        yield listener
        group.cancel_scope.cancel()


def verdict(got: Sequence[str], moments: Sequence[str], error: str, said: Sequence[str]) -> Verdict:
    """The verdict of a probe. The outcome is `works` only if a notification arrived for every moment.

    Args:
        got: the moments whose notification arrived.
        moments: the moments at which the server sent a notification.
        error: the error of the call, or "".
        said: remarks that the message ends with; empty remarks are left out.
    """
    remarks = "; ".join(remark for remark in said if remark)
    tail = f" ({remarks})" if remarks else ""
    if error:
        return Verdict("error", error + tail)
    if not got:
        return Verdict("dropped", f"no message arrived; the call succeeded{tail}")
    if len(got) < len(moments):
        missing = ", ".join(moment for moment in moments if moment not in got)
        return Verdict("dropped", f"arrived {', '.join(got)}, but not {missing}{tail}")
    return Verdict("works", f"arrived {', '.join(got)}".rstrip() + tail)


async def list_changed(probe: Probe) -> ProbeResult:
    """Listen as clients of the protocol era do, and call a tool that reports a change of the tool list.

    The notification does not name its cause. So two of these probes must not run on the same server at the same time.
    """
    moments = MOMENTS[:2] if probe.target.call == _LIST_BY_SESSION else ("",)

    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
        async with listening(probe, client, heard, tools_list_changed=True) as listener:

            def arrived() -> int:
                return len(listener.heard) + heard.notes.count((CHANGED, ""))

            got: list[str] = []
            for moment in moments:  # one after another, because the notification does not name its moment
                before, error = arrived(), (await call(client, probe.target, **_at(moment)))[1]
                if error:
                    break
                if await heard.until(lambda known=before: arrived() > known, probe.silence_s):  # type: ignore[misc]
                    got.append(moment)
        said = f"subscriptions/listen: {listener.refusal}" if listener.refusal else ""
        return verdict(got, moments, error, [said])

    return await in_session(probe, steps, silences=len(moments))


async def subscriptions(probe: Probe) -> ProbeResult:
    """Subscribe to resources, and call a tool that reports a change of each resource.

    The resources belong to this probe only, so several of these probes can run on the same server at the same time.
    """
    moments = MOMENTS if probe.target.call == _RESOURCE_BY_SESSION else ("",)
    uris = {moment: f"lab://item/{uuid.uuid4().hex}" for moment in moments}

    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
        said = [await subscribe(client, list(uris.values()))]
        async with listening(probe, client, heard, resource_subscriptions=list(uris.values())) as listener:

            def got() -> list[str]:
                return [
                    moment
                    for moment, uri in uris.items()
                    if (UPDATED, uri) in heard.notes or any(uri in event for event in listener.heard)
                ]

            for moment, uri in uris.items():
                _, error = await call(client, probe.target, uri=uri, **_at(moment))
                if error:
                    return verdict([], moments, error, said)
            await heard.until(lambda: len(got()) == len(uris), probe.silence_s)
        said.append(f"subscriptions/listen: {listener.refusal}" if listener.refusal else "")
        return verdict(got(), moments, "", said)

    return await in_session(probe, steps, silences=1)


async def subscribe(client: Client, uris: Sequence[str]) -> str:
    """Subscribe to resources with `resources/subscribe`, as legacy clients do. Returns the error, or ""."""
    import mcp_types as types

    try:
        for uri in uris:  # the method of the client warns that protocol 2026-07-28 has no such request
            request = types.SubscribeRequest(params=types.SubscribeRequestParams(uri=uri))
            await client.session.send_request(request, types.EmptyResult)
    except Exception as error:
        return f"resources/subscribe: {describe(error)}"
    return ""


def _at(moment: str) -> dict[str, str]:
    return {"moment": moment} if moment else {}
