"""Resource subscriptions: by resources/subscribe and the GET stream, or by subscriptions/listen."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from advisor.lab.clients.sdk_client import Heard
from advisor.lab.probes.cell import Probe, call, in_session
from advisor.lab.probes.notices import listening, verdict
from advisor.lab.probes.observation import Observation, Verdict, describe

if TYPE_CHECKING:
    from mcp import Client

UPDATED = "notifications/resources/updated"
MOMENTS = ("in the call", "after the call", "to subscribers")
"""When a server that holds the session can send; a tool for this way takes them as its argument `moment`."""

BY_SESSION = "session.send_resource_updated"


async def observe(probe: Probe) -> Observation:
    """Follow resources of this probe only, so that probes side by side do not hear each other, and have them change."""
    moments = MOMENTS if probe.target.call == BY_SESSION else ("",)
    uris = {moment: f"lab://item/{uuid.uuid4().hex}" for moment in moments}

    async def steps(client: Client, heard: Heard) -> Verdict:
        said = [await _subscribe(client, list(uris.values()))]
        async with listening(probe, client, heard, resource_subscriptions=list(uris.values())) as listener:

            def got() -> list[str]:
                return [
                    moment
                    for moment, uri in uris.items()
                    if (UPDATED, uri) in heard.notes or any(uri in event for event in listener.heard)
                ]

            for moment, uri in uris.items():
                _, error = await call(client, probe.target, uri=uri, **({"moment": moment} if moment else {}))
                if error:
                    return verdict([], moments, error, said)
            await heard.until(lambda: len(got()) == len(uris), probe.silence_s)
        said.append(f"subscriptions/listen: {listener.refusal}" if listener.refusal else "")
        return verdict(got(), moments, "", said)

    return await in_session(probe, steps, silences=1)


async def _subscribe(client: Client, uris: Sequence[str]) -> str:
    """Subscribe as legacy clients do; what that was refused with, or ""."""
    import mcp_types as types

    try:
        for uri in uris:  # the client's own method warns that 2026-07-28 has it no more
            request = types.SubscribeRequest(params=types.SubscribeRequestParams(uri=uri))
            await client.session.send_request(request, types.EmptyResult)
    except Exception as error:
        return f"resources/subscribe: {describe(error)}"
    return ""
