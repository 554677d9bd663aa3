"""A small server of any SDK line, run by that SDK's interpreter: the two tools of exercise 1, and no log.

usage: small_server.py LINE PORT STATELESS JSON [LAB]      the last three are 0 or 1; LAB adds the lab's own tools

`add` answers at once, so it is also what the load of an instance is measured by.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
import warnings
from typing import Any

RESEARCH_S = 3.0
_HOMES = {"mcp-1": "mcp.server.fastmcp", "mcp-2": "mcp.server.mcpserver"}
_GRACE_S = 2
_LOGGERS = ("", "mcp", "fastmcp", "FastMCP", "uvicorn")


def add_tools(mcp: Any, context: type, line: str) -> None:
    """Register the tools of the exercise."""
    tool = mcp.tool if line.startswith("fastmcp") else mcp.tool()

    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    async def research(topic: str, ctx: Any) -> str:
        """Look into a topic for three seconds."""
        await ctx.info("researching...")
        await ctx.report_progress(50, 100)
        await asyncio.sleep(RESEARCH_S)
        return f"all about {topic}"

    research.__annotations__.update(topic=str, ctx=context)
    add.__annotations__.update(a=int, b=int)
    tool(add)
    tool(research)


def application(line: str, stateless: bool, json_response: bool, with_lab: bool) -> Any:
    """The server as an ASGI application."""
    flags = {"stateless_http": stateless, "json_response": json_response}
    home = importlib.import_module(_HOMES.get(line, "fastmcp"))
    kind = getattr(home, "MCPServer" if line == "mcp-2" else "FastMCP")
    mcp = kind("exercise-1", **flags) if line == "mcp-1" else kind("exercise-1")
    add_tools(mcp, home.Context, line)
    if with_lab:
        importlib.import_module("package_loader").load_tools().register(mcp, line)
    # By default every session is a line in the log, drawn by rich: that would be most of what is measured.
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    if line == "mcp-1":
        return mcp.streamable_http_app()
    return mcp.streamable_http_app(**flags) if line == "mcp-2" else mcp.http_app(path="/mcp", **flags)


def main() -> None:
    """Serve until a signal."""
    import uvicorn

    warnings.simplefilter("ignore")
    line, port, *switches = sys.argv[1:]
    stateless, json_response, with_lab = ([*switches, "0"][number] == "1" for number in range(3))
    served = application(line, stateless, json_response, with_lab)
    uvicorn.run(served, host="127.0.0.1", port=int(port), log_level="warning", timeout_graceful_shutdown=_GRACE_S)


if __name__ == "__main__":
    main()
