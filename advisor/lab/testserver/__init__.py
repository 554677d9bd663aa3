"""The test server: adds tools to a server object of any SDK line. Each API of the SDK has its own tool.

Interpreters with another SDK, and without this program, also run this package. So the package imports only the standard
library and the SDK, and uses relative imports. `serve.py` shows how such an interpreter loads the package.
"""

from __future__ import annotations

from typing import Any

from .execution_log import add_ledger
from .sdk import Sdk, SdkTraits, ToolRegistrar, share_key
from .signed import signed
from .tool_catalogue import CATALOGUE, LabTool, entries, find

HELPERS = ("lab_failures", "lab_wait", "lab_told")
"""Tools that probes need and that do not belong to an API."""

EXERCISE = ("add", "research")
"""The tools of exercise 1."""

__all__ = [
    "CATALOGUE",
    "EXERCISE",
    "HELPERS",
    "LabTool",
    "Sdk",
    "SdkTraits",
    "add_ledger",
    "entries",
    "find",
    "register",
    "share_key",
    "signed",
]


def register(server: Any, traits: SdkTraits, *, state: Any = None, bus: Any = None, tools: str = "lab") -> list[str]:
    """Add tools to a server object.

    Args:
        server: the server object of the SDK, `FastMCP` or `MCPServer`.
        traits: what the line of releases of the SDK has.
        state: the store of state handles, with `async save(handle, list of str)` and `async load(handle)`. The default
            is the memory of the process.
        bus: the subscription bus for `SubscriptionBus.publish`. Without a bus, the tools of this API are
            not added.
        tools: `lab` (the tools of the feature table), `exercise` (the tools of exercise 1) or `exercise+lab` (both).

    Returns:
        The names of the added tools.
    """
    from .asking import add_asking
    from .exercise_tools import add_exercise_tools
    from .keeping import add_keeping
    from .telling import add_telling

    known = {entry.tool for entry in entries(traits.apis) if bus is not None or not entry.bus}
    bench = ToolRegistrar(server, Sdk(traits), known | {*HELPERS, *EXERCISE})
    if "exercise" in tools:
        add_exercise_tools(bench)
    if "lab" in tools:
        add_keeping(bench, state)
        add_asking(bench)
        add_telling(bench, bus)
    return bench.added
