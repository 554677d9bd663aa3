"""The lab's own server code: tools, one for each way of asking, that are added to a server object of any SDK line.

This package is also run by interpreters that have another SDK and not this program: it needs the standard library and
the SDK alone, and imports itself relatively. `serve.py` shows how such an interpreter loads it.
"""

from __future__ import annotations

from typing import Any

from .tool_catalogue import CATALOGUE, LINES, LabTool, entries, find

HELPERS = ("lab_failures", "lab_wait", "lab_told")
"""Tools that stand for no way of asking, but that probes need."""

__all__ = ["CATALOGUE", "HELPERS", "LINES", "LabTool", "entries", "find", "register"]


def register(server: Any, line: str, *, state: Any = None, bus: Any = None) -> list[str]:
    """Add the lab's tools to a server object.

    Args:
        server: `FastMCP`, `MCPServer`: the object that tools are added to.
        line: the line of releases that it is of, for example `mcp-2`.
        state: a store for handles, with `async save(handle, list of str)` and `async load(handle)`; by default the
            memory of the process.
        bus: the subscription bus that `SubscriptionBus.publish` is to use (fastmcp-4); without one that way is absent.

    Returns:
        The names of the tools that were added.
    """
    from .asking import add_asking
    from .keeping import add_keeping
    from .sdk import Bench, Sdk
    from .telling import add_telling

    known = {entry.tool for entry in entries(line) if bus is not None or not entry.bus}
    bench = Bench(server, Sdk(line), known | set(HELPERS))
    add_keeping(bench, state)
    add_asking(bench)
    add_telling(bench, bus)
    return bench.added
