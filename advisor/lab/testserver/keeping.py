"""Tools that keep state between calls, and slow tools whose client can disconnect."""

from __future__ import annotations

import asyncio
import inspect
import os
import uuid
from typing import Any

from .execution_log import FOLDER, Endings
from .sdk import ToolRegistrar

NOTHING = "nothing"
KEPT = "kept"

SLOW_S = 0.8
"""Seconds from the first event of `lab_slow` to its result."""


def add_keeping(bench: ToolRegistrar, state: Any) -> None:
    """Add the tools of this module.

    Args:
        bench: the server that gets the tools.
        state: the store of state handles, with `async save(handle, list of str)` and `async load(handle)`. None means
            the memory of this process.
    """
    _add_plain(bench)
    _add_by_session(bench)
    _add_by_handle(bench, state)
    _add_slow(bench)
    if bench.sdk.traits.standalone:
        _add_by_context(bench)


def _add_plain(bench: ToolRegistrar) -> None:
    async def lab_plain() -> str:
        return "ok"

    bench.tool(lab_plain)


def _add_by_session(bench: ToolRegistrar) -> None:
    objects: list[Any] = []
    by_header: dict[str, str] = {}
    sdk = bench.sdk

    async def lab_session_object(ctx: Any, step: str) -> str:
        if step == "keep":
            objects.append(ctx.session)  # the object, because a later object can have the same id()
            return "ok"
        return KEPT if any(session is ctx.session for session in objects) else NOTHING

    async def lab_session_header(ctx: Any, step: str) -> str:
        session = sdk.session_header(ctx)
        if step == "keep":
            by_header[session or uuid.uuid4().hex] = KEPT
            return session or "no header"
        return by_header.get(session, NOTHING)

    for function in (lab_session_object, lab_session_header):
        bench.tool(function)


def _add_by_handle(bench: ToolRegistrar, state: Any) -> None:
    carts: dict[str, str] = {}

    async def lab_handle(step: str, handle: str = "") -> str:
        if step == "keep":
            handle = uuid.uuid4().hex
            if state is None:
                carts[handle] = KEPT
            else:
                await state.save(handle, [KEPT])
            return handle
        if state is None:
            return carts.get(handle, NOTHING)
        return KEPT if KEPT in (await state.load(handle) or []) else NOTHING

    bench.tool(lab_handle)


def _add_by_context(bench: ToolRegistrar) -> None:
    by_id: dict[str, str] = {}

    async def lab_session_id(ctx: Any, step: str) -> str:
        if step == "keep":
            by_id[ctx.session_id] = KEPT
            return str(ctx.session_id)
        return by_id.get(ctx.session_id, NOTHING)

    async def lab_context_state(ctx: Any, step: str) -> str:
        if step == "keep":
            await _settled(ctx.set_state("lab", KEPT))
            return "ok"
        return await _settled(ctx.get_state("lab")) or NOTHING

    for function in (lab_session_id, lab_context_state):
        bench.tool(function)


async def _settled(value: Any) -> Any:
    """The value of a state method. The methods are asynchronous since FastMCP 3."""
    return await value if inspect.isawaitable(value) else value


def _add_slow(bench: ToolRegistrar) -> None:
    endings = Endings(os.environ.get(FOLDER, ""))

    async def lab_slow(ctx: Any) -> str:
        """Send an event immediately, and return the result after the client has disconnected."""
        await ctx.info("started")
        await asyncio.sleep(SLOW_S)
        return "the result"

    async def lab_wait(ctx: Any, token: str, seconds: float) -> str:
        """Write the state of this call under `token`."""
        endings.note(token, "running")
        try:
            await ctx.info("started")
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            endings.note(token, "cancelled")
            raise
        endings.note(token, "finished")
        return "ok"

    async def lab_told(token: str) -> str:
        """Return the state of the call of `lab_wait` with this token.

        If the instances share a folder, the call can run on any instance.
        """
        return endings.read(token)

    for function in (lab_slow, lab_wait, lab_told):
        bench.tool(function)
