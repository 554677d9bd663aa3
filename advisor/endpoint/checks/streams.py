"""Long silences: what happens to an open stream and to an idle connection."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from advisor.endpoint.answer import Head, RequestFailedError
from advisor.endpoint.budget import within
from advisor.endpoint.client import McpClient
from advisor.endpoint.connection import HttpConnection
from advisor.endpoint.examination import Examination

_HEAD_S = 3.0


async def get(run: Examination) -> None:
    """Open the stream that a legacy client opens with GET, and watch it until the end of the watch."""
    client = await run.opened("legacy")
    connection, sending = await client.listening()
    started = time.monotonic()
    try:
        try:
            head = await within(min(_HEAD_S, run.caller.budget.left_s), sending, "no answer to GET")
        except RequestFailedError as failure:
            run.note(f"GET -> {failure.kind}")
            if failure.kind == "timeout" and not run.caller.budget.is_spent:
                run.seen["stream_head"] = "late"
            raise
        run.note(f"GET -> {head.status}")
        run.seen["get"] = head.status
        if head.status == 200 and head.media_type == "text/event-stream":
            run.seen["stream_head"] = "prompt"
            await _watch(run, connection, head, started)
            await _use_afterwards(run, client)
    finally:
        connection.close()
        await client.end()


async def _watch(run: Examination, connection: HttpConnection, head: Head, started: float) -> None:
    """Read an open stream. Sets how long it lived, if it ended before the end of the watch."""

    async def read() -> None:
        with suppress(RequestFailedError):
            async for chunk in connection.body(head):
                run.seen["stream_pings"] = run.seen.get("stream_pings", 0) + chunk.startswith(b":")

    try:
        await asyncio.wait_for(read(), min(run.watch_s, run.caller.budget.left_s))
    except asyncio.TimeoutError:
        return
    run.seen["stream_ended_s"] = round(time.monotonic() - started, 1)


async def _use_afterwards(run: Examination, client: McpClient) -> None:
    """Use the session after its stream was closed."""
    if client.session:
        answer = await client.ping()
        if answer.failure is None:
            run.seen["after_stream"] = "kept" if answer.result is not None else "lost"


async def idle(run: Examination) -> None:
    """Leave a connection idle after a request, and see when the other end closes it."""
    client = await run.opened()
    client.caller = client.caller.twin(reuses=True)
    try:
        run.noted(await client.ping())
        connection = client.caller.kept
        if connection is None:
            run.seen["keeps_alive"] = False
            return
        run.seen["keeps_alive"] = True
        started = time.monotonic()
        if await connection.ended(min(run.watch_s, run.caller.budget.left_s)):
            run.seen["idle_closed_s"] = round(time.monotonic() - started, 1)
    finally:
        await client.end()
        client.caller.close()
