"""The server whose sessions are sent through a load balancer: the installed SDK's own, saying who it is.

Run by uvicorn in a process of its own, which calls `application`. The environment decides: `LAB_NAME` is the name that
every answer carries in the header `X-Served-By`; `LAB_STATELESS=1` sets `stateless_http=True`.
"""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Annotated, Any, TypeAlias

import mcp_types as types
from mcp.server.mcpserver import Context, MCPServer, RequestStateSecurity, Resolve, Sample
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

NAME = os.environ.get("LAB_NAME", "?")
STEPS = 4
"""Progress notifications of one call of `work`."""
HOLD_S = 0.3
"""How long the end of the answer to `initialize` is held back when the request asks for it by `X-Lab-Hold`."""

_Event: TypeAlias = MutableMapping[str, Any]
_Send: TypeAlias = Callable[[_Event], Awaitable[None]]
_App: TypeAlias = Callable[[_Event, Callable[[], Awaitable[_Event]], _Send], Awaitable[None]]

warnings.simplefilter("ignore")  # create_message is deprecated, and what legacy servers use


def _prompt() -> list[types.SamplingMessage]:
    return [types.SamplingMessage(role="user", content=types.TextContent(type="text", text="Who?"))]


async def _sample() -> Sample:
    return Sample(_prompt(), max_tokens=9)


async def who() -> str:
    """Say which instance answers."""
    return NAME


async def ask(answer: Annotated[types.CreateMessageResult, Resolve(_sample)]) -> str:
    """Sample: over the stream of this call (legacy), or by a second round (modern)."""
    return f"{NAME} {answer.model}"


async def ask_over_get(ctx: Context) -> str:
    """Sample over the stream that a legacy client opens with GET."""
    answer = await ctx.session.create_message(messages=_prompt(), max_tokens=9)
    return f"{NAME} {answer.model}"


async def work(ctx: Context) -> str:
    """Report progress."""
    for step in range(1, STEPS + 1):
        await ctx.report_progress(step, STEPS)
        await asyncio.sleep(0.05)  # as work would; notifications of one instant could share a packet
    return NAME


def register(server: MCPServer) -> None:
    """Give a server the tools above."""
    for tool in (who, ask, ask_over_get, work):
        server.tool()(tool)


def signed(inner: _App) -> _App:
    """The app, naming the instance in each answer and holding back the end of `initialize` for those who ask.

    An answer that was fetched from another instance keeps the name of that one.
    """

    async def outer(scope: _Event, receive: Callable[[], Awaitable[_Event]], send: _Send) -> None:
        asked = {key for key, _ in scope.get("headers", [])}
        may_hold = b"x-lab-hold" in asked and b"mcp-session-id" not in asked
        held = False

        async def marked(event: _Event) -> None:
            nonlocal held
            if event["type"] == "http.response.start":
                headers = list(event.get("headers", []))
                held = may_hold and any(key.lower() == b"mcp-session-id" for key, _ in headers)
                if not any(key.lower() == b"x-served-by" for key, _ in headers):
                    headers.append((b"x-served-by", NAME.encode()))
                event = {**event, "headers": headers}
            elif held and event["type"] == "http.response.body" and not event.get("more_body"):
                await asyncio.sleep(HOLD_S)
            await send(event)

        await inner(scope, receive, marked)

    return outer


def application() -> _App:
    """A server of its own with these tools."""
    # The instances share a name and a key, so that any of them can take the second round of a modern client.
    server = MCPServer("topology", request_state_security=RequestStateSecurity(keys=[b"k" * 32]))
    register(server)

    @server.custom_route("/health", methods=["GET"])  # type: ignore[untyped-decorator,unused-ignore]
    async def health(request: Request) -> Response:
        """Whether it is up."""
        return JSONResponse({})

    return signed(server.streamable_http_app(stateless_http=os.environ.get("LAB_STATELESS") == "1"))
