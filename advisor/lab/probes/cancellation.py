"""Cancellation: whether a call that the client gives up stops on the server."""

from __future__ import annotations

import uuid
from time import monotonic
from typing import TYPE_CHECKING

import anyio

from advisor.lab.clients import Heard
from advisor.lab.observation import Row, Verdict
from advisor.lab.probes.cell import Probe, in_session
from advisor.lab.raw import Endpoint

if TYPE_CHECKING:
    from mcp import Client

WORK_S = 2.0
"""Seconds that the tool `lab_wait` works, unless it is stopped."""

_POLL_S = 0.1


async def observe(probe: Probe) -> list[Row]:
    """Give up a running call as the era does: by a notification, or by closing its stream.

    Needs the lab's tools `lab_wait` and `lab_told`.
    """
    token = uuid.uuid4().hex

    async def steps(client: Client, heard: Heard) -> Verdict:
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                await client.call_tool("lab_wait", {"token": token, "seconds": WORK_S})

            group.start_soon(wait)
            await _until(client, token, ("running",), probe.deadline_s)
            group.cancel_scope.cancel()
        ended = await _until(client, token, ("cancelled", "finished"), WORK_S + 1.0)
        if ended == "cancelled":
            return Verdict("works", "the tool was stopped")
        return Verdict("dropped", "the tool ran to its end" if ended == "finished" else f"the tool is {ended}")

    return [Row("cancellation", await in_session(probe, steps))]


async def _until(client: Client, token: str, words: tuple[str, ...], seconds: float) -> str:
    """Ask how the call goes until it is one of these, at most so long; what was said last."""
    said, end = "unknown", monotonic() + seconds
    while said not in words and monotonic() < end:
        result = await client.call_tool("lab_told", {"token": token})
        said = " ".join(getattr(block, "text", "") for block in result.content)
        await anyio.sleep(_POLL_S)
    return said


async def told(raw: Endpoint, token: str, words: tuple[str, ...], seconds: float) -> str:
    """The same over plain HTTP."""
    said, end = "unknown", monotonic() + seconds
    while said not in words and monotonic() < end:
        said = await raw.call("lab_told", {"token": token})
        await anyio.sleep(_POLL_S)
    return said
