"""Notifications of change, in the call that causes them, after it, and on the stream of a listener."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from advisor.lab.clients.sdk_client import Heard
from advisor.lab.probes.cell import Probe
from advisor.lab.probes.observation import Verdict, describe

if TYPE_CHECKING:
    from mcp import Client


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
