"""Cancellation: whether a call that the client gives up stops on the server."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from itertools import chain, repeat
from time import monotonic
from typing import TYPE_CHECKING

import anyio

from advisor.lab.clients.raw_client import Endpoint
from advisor.lab.clients.sdk_client import Heard
from advisor.lab.probes.cell import Probe, in_session
from advisor.lab.probes.observation import BehaviourRow, Verdict

if TYPE_CHECKING:
    from mcp import Client

WORDS = {"cancelled": "the tool was stopped", "finished": "the tool ran to its end"}
"""How a call can end, as the server notes it and as it is reported."""

_POLL_S = 0.1
_MARGIN_S = 1.0  # from the end of the work to the word that it has ended


def work_s(probe: Probe) -> float:
    """Seconds that the tool `lab_wait` works, unless it is stopped."""
    return probe.deadline_s * 0.4


async def observe(probe: Probe) -> list[BehaviourRow]:
    """Give up a running call as the era does: by a notification, or by closing its stream.

    Needs the lab's tools `lab_wait` and `lab_told`.
    """
    token = uuid.uuid4().hex

    async def steps(client: Client, heard: Heard) -> Verdict:
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                await client.call_tool("lab_wait", {"token": token, "seconds": work_s(probe)})

            group.start_soon(wait)
            with anyio.move_on_after(probe.deadline_s):
                while await _asked(client, token) != "running":
                    await anyio.sleep(_POLL_S)
            group.cancel_scope.cancel()
        ended = await _ended(lambda: _asked(client, token), work_s(probe))
        if ended not in WORDS:
            return Verdict("error", f"the server does not say how the call ended: {ended:.80}")
        return Verdict("works" if ended == "cancelled" else "dropped", WORDS[ended])

    return [BehaviourRow("cancellation", await in_session(probe, steps))]


async def _asked(client: Client, token: str) -> str:
    result = await client.call_tool("lab_told", {"token": token})
    return " ".join(getattr(block, "text", "") for block in result.content)


async def told(raw: Endpoint, token: str, seconds: float) -> str:
    """How a call of `lab_wait` that works so many seconds ended, asked over plain HTTP; else the last word."""
    return await _ended(lambda: raw.call("lab_told", {"token": token}), seconds)


async def _ended(ask: Callable[[], Awaitable[str]], seconds: float) -> str:
    """Ask until the call has ended; soon, and then not before the work is over: every question costs a request."""
    said, began = "unknown", monotonic()
    pauses = chain([_POLL_S, 2 * _POLL_S, max(_POLL_S, seconds - 3 * _POLL_S)], repeat(_POLL_S))
    while monotonic() < began + seconds + _MARGIN_S:
        said = await ask()
        if said in WORDS:
            break
        await anyio.sleep(next(pauses))
    return said
