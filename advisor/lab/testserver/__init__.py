"""The lab's own server code: tools, one for each way of asking, that are added to a server object of any SDK line.

This package is also run by interpreters that have another SDK and not this program: it needs the standard library and
the SDK alone, and imports itself relatively. `serve.py` shows how such an interpreter loads it.
"""

from __future__ import annotations

from typing import Any

from .sdk import Bench, Sdk, share_key
from .signed import signed
from .tool_catalogue import CATALOGUE, LINES, LabTool, entries, find

HELPERS = ("lab_failures", "lab_wait", "lab_told")
"""Tools that stand for no way of asking, but that probes need."""

EXERCISE = ("add", "research")
"""The tools of exercise 1."""

__all__ = [
    "CATALOGUE",
    "EXERCISE",
    "HELPERS",
    "LINES",
    "LabTool",
    "Sdk",
    "entries",
    "find",
    "register",
    "share_key",
    "signed",
]


def register(server: Any, line: str, *, state: Any = None, bus: Any = None, tools: str = "lab") -> list[str]:
    """Add tools to a server object.

    Args:
        server: `FastMCP`, `MCPServer`: the object that tools are added to.
        line: the line of releases that it is of, for example `mcp-2`.
        state: a store for handles, with `async save(handle, list of str)` and `async load(handle)`; by default the
            memory of the process.
        bus: the subscription bus that `SubscriptionBus.publish` is to use (fastmcp-4); without it that way is absent.
        tools: `lab` for the lab's tools, `exercise` for those of exercise 1, `exercise+lab` for both.

    Returns:
        The names of the tools that were added.
    """
    from .asking import add_asking
    from .exercise_tools import add_exercise_tools
    from .keeping import add_keeping
    from .telling import add_telling

    known = {entry.tool for entry in entries(line) if bus is not None or not entry.bus}
    bench = Bench(server, Sdk(line), known | {*HELPERS, *EXERCISE})
    if "exercise" in tools:
        add_exercise_tools(bench)
    if "lab" in tools:
        add_keeping(bench, state)
        add_asking(bench)
        add_telling(bench, bus)
    return bench.added
