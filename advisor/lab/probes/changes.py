"""Notifications of change: whether a client hears that the list of tools, or a resource it follows, has changed."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from advisor.lab.clients.sdk_client import Heard
from advisor.lab.probes.cell import Probe, call, in_session
from advisor.lab.probes.observation import Observation, Verdict, describe

if TYPE_CHECKING:
    from mcp import Client

CHANGED = "notifications/tools/list_changed"
UPDATED = "notifications/resources/updated"
MOMENTS = ("in the call", "after the call", "to subscribers")
"""When a server that holds the session can send (a list has no subscribers); a tool for this way takes them as its
argument `moment`."""

_LIST_BY_SESSION = "session.send_tool_list_changed"
_RESOURCE_BY_SESSION = "session.send_resource_updated"


class Listener:
    """What an open `subscriptions/listen` carried.

    Attributes:
        refusal: why there is none, with the exact error; "" while it is open.
        heard: the events, as text.
    """

    def __init__(self) -> None:
        self.refusal = ""
        self.heard: list[str] = []


@asynccontextmanager
async def listening(probe: Probe, client: Client, heard: Heard, **what: Any) -> AsyncIterator[Listener]:
    """Listen as modern clients do; legacy ones, and servers that do not know it, leave the listener deaf.

    Args:
        probe: as whom.
        client: a connected client.
        heard: is told of every event.
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
    """What it comes to: a notification that arrives at some moments only does not work."""
    remarks = "; ".join(remark for remark in said if remark)
    tail = f" ({remarks})" if remarks else ""
    if error:
        return Verdict("error", error + tail)
    if not got:
        return Verdict("dropped", f"none arrived; the call succeeded{tail}")
    if len(got) < len(moments):
        missing = ", ".join(moment for moment in moments if moment not in got)
        return Verdict("dropped", f"arrived {', '.join(got)}, but not {missing}{tail}")
    return Verdict("works", f"arrived {', '.join(got)}".rstrip() + tail)


async def list_changed(probe: Probe) -> Observation:
    """Listen as the era does, and have a tool say that the list changed.

    The notification names nothing, so two of these probes on the same server might hear each other.
    """
    moments = MOMENTS[:2] if probe.target.call == _LIST_BY_SESSION else ("",)

    async def steps(client: Client, heard: Heard) -> Verdict:
        async with listening(probe, client, heard, tools_list_changed=True) as listener:

            def arrived() -> int:
                return len(listener.heard) + heard.notes.count((CHANGED, ""))

            got: list[str] = []
            for moment in moments:  # in sequence: the notification does not say which it is
                before, error = arrived(), (await call(client, probe.target, **_at(moment)))[1]
                if error:
                    break
                if await heard.until(lambda known=before: arrived() > known, probe.silence_s):  # type: ignore[misc]
                    got.append(moment)
        said = f"subscriptions/listen: {listener.refusal}" if listener.refusal else ""
        return verdict(got, moments, error, [said])

    return await in_session(probe, steps, silences=len(moments))


async def subscriptions(probe: Probe) -> Observation:
    """Follow resources of this probe only, so that probes side by side do not hear each other, and have them change."""
    moments = MOMENTS if probe.target.call == _RESOURCE_BY_SESSION else ("",)
    uris = {moment: f"lab://item/{uuid.uuid4().hex}" for moment in moments}

    async def steps(client: Client, heard: Heard) -> Verdict:
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
    """Subscribe as legacy clients do; what that was refused with, or ""."""
    import mcp_types as types

    try:
        for uri in uris:  # the client's own method warns that 2026-07-28 has it no more
            request = types.SubscribeRequest(params=types.SubscribeRequestParams(uri=uri))
            await client.session.send_request(request, types.EmptyResult)
    except Exception as error:
        return f"resources/subscribe: {describe(error)}"
    return ""


def _at(moment: str) -> dict[str, str]:
    return {"moment": moment} if moment else {}
