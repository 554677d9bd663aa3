"""A server of the official SDK that names its instance, asks its user and reports progress; uvicorn runs it."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

from mcp.server.mcpserver import Context, Elicit, ElicitationResult, MCPServer, RequestStateSecurity, Resolve
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse

NAME = os.environ.get("UPSTREAM_NAME", "?")


class Confirmation(BaseModel):
    """The form that the user fills in."""

    sure: bool


# The instances share a name and a key, so that any of them can take the second round of a modern client.
mcp = MCPServer("upstream", request_state_security=RequestStateSecurity(keys=[b"k" * 32]))


async def ask_user() -> Elicit[Confirmation]:
    return Elicit("Sure?", Confirmation)


@mcp.tool()
async def who() -> str:
    return NAME


@mcp.tool()
async def ask(answer: Annotated[ElicitationResult[Confirmation], Resolve(ask_user)]) -> str:
    return f"{NAME} {answer.action}"


@mcp.tool()
async def work(ctx: Context) -> str:
    for step in range(4):
        await ctx.report_progress(step, 4)
        await asyncio.sleep(0.25)
    return NAME


@mcp.custom_route("/ready", methods=["GET"])  # type: ignore[untyped-decorator]
@mcp.custom_route("/health", methods=["GET"])  # type: ignore[untyped-decorator]
async def health(request: Request) -> JSONResponse:
    return JSONResponse({})


app = mcp.streamable_http_app(stateless_http=os.environ.get("UPSTREAM_STATELESS") == "1")
