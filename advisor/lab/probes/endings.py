"""Probes of interrupted calls: whether the tool stops when the client cancels the call or the connection breaks."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from itertools import chain, repeat
from time import monotonic
from typing import TYPE_CHECKING

import anyio

from advisor.lab.clients.raw_client import Endpoint, events
from advisor.lab.clients.sdk_client import ReceivedMessages
from advisor.lab.probes.cell import Probe, in_session, text, timed
from advisor.lab.probes.observation import BehaviourRow, Verdict

if TYPE_CHECKING:
    from mcp import Client

_WORDS = {"cancelled": "the tool was stopped", "finished": "the tool ran to its end"}
"""How a call can end: the word that the test server writes, and the message of the measurement."""

_POLL_S = 0.1
_CUT_SHARE = 0.25  # of the working time; the probe breaks the connection then, or earlier at the first message
_MARGIN_S = 1.0  # from the end of the working time to the note that the call ended


def _work_s(probe: Probe) -> float:
    """Seconds that the tool `lab_wait` runs if nothing stops the tool."""
    return probe.deadline_s * 0.4


async def cancellation(probe: Probe) -> list[BehaviourRow]:
    """Cancel a running call: legacy clients send a notification, modern clients close the stream of the call.

    The test server must have the tools `lab_wait` and `lab_told`.
    """
    token = uuid.uuid4().hex

    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                await client.call_tool("lab_wait", {"token": token, "seconds": _work_s(probe)})

            group.start_soon(wait)
            with anyio.move_on_after(probe.deadline_s):
                while await _asked(client, token) != "running":
                    await anyio.sleep(_POLL_S)
            group.cancel_scope.cancel()
        ended = await _ended(lambda: _asked(client, token), _work_s(probe))
        return _judged(ended, "cancelled")

    return [BehaviourRow("cancellation", await in_session(probe, steps))]


async def disconnect(probe: Probe) -> list[BehaviourRow]:
    """Break the connection of a running call.

    A legacy server must finish the call, and a modern server must cancel the call. A server that does so has the
    outcome `works`. The test server must have the tools `lab_wait` and `lab_told`.
    """
    return [BehaviourRow("disconnect", await timed(probe, _cut))]


async def _cut(probe: Probe, raw: Endpoint) -> Verdict:
    token = uuid.uuid4().hex
    if wrong := await raw.initialize():
        return Verdict("error", f"initialize: {wrong}")
    work = _work_s(probe)
    with anyio.move_on_after(work * _CUT_SHARE):
        async with raw.calling("lab_wait", {"token": token, "seconds": work}) as answer:
            async for event in events(answer):
                if event.data:
                    break
    ended = await _ended(lambda: raw.call("lab_told", {"token": token}), work)
    return _judged(ended, "cancelled" if probe.era == "modern" else "finished")


async def _asked(client: Client, token: str) -> str:
    return text(await client.call_tool("lab_told", {"token": token}))


async def _ended(ask: Callable[[], Awaitable[str]], seconds: float) -> str:
    """Ask the server until the call has ended.

    The first three questions follow quickly. The next question comes at the end of the working time, because each
    question is a request.
    """
    said, began = "unknown", monotonic()
    pauses = chain([_POLL_S, 2 * _POLL_S, max(_POLL_S, seconds - 3 * _POLL_S)], repeat(_POLL_S))
    while monotonic() < began + seconds + _MARGIN_S:
        said = await ask()
        if said in _WORDS:
            break
        await anyio.sleep(next(pauses))
    return said


def _judged(ended: str, wanted: str) -> Verdict:
    """The verdict: `works` if the call ended as wanted, else `dropped`."""
    if ended not in _WORDS:
        return Verdict("error", f"the server does not say how the call ended: {ended:.80}")
    return Verdict("works" if ended == wanted else "dropped", _WORDS[ended])
