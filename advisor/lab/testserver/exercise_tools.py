"""The two tools of exercise 1. The load measurement also calls `add`, because `add` returns immediately."""

from __future__ import annotations

import asyncio
from typing import Any

from .sdk import ToolRegistrar

RESEARCH_S = 3.0
"""Seconds that `research` takes."""


def add_exercise_tools(bench: ToolRegistrar) -> None:
    """Add the tools to a server."""

    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    async def research(topic: str, ctx: Any) -> str:
        """Look into a topic for three seconds."""
        await ctx.info("researching...")
        await ctx.report_progress(50, 100)
        await asyncio.sleep(RESEARCH_S)
        return f"all about {topic}"

    bench.tool(add, a=int, b=int, returns=int)
    bench.tool(research, topic=str, returns=str)
