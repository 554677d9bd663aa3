"""What the lab's tools need of an SDK: each line of releases names and places these things in its own way."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


class Sdk:
    """One line of releases, as this interpreter has it.

    Attributes:
        line: the id of the line, for example `mcp-2`.
        types: the module with the protocol's types.
        context: the class that marks the parameter which receives the context of a call.
        standalone: whether it is the package fastmcp and not the official SDK.
        modern: whether it stands on the core that serves 2026-07-28.
    """

    def __init__(self, line: str) -> None:
        """Import what `line` needs; ImportError where another line is installed."""
        self.line = line
        self.standalone = line.startswith("fastmcp")
        self.modern = line in ("mcp-2", "fastmcp-4")
        homes = {"mcp-1": "mcp.server.fastmcp", "mcp-2": "mcp.server.mcpserver"}
        self.home: Any = import_module(homes.get(line, "fastmcp"))
        self.types: Any = import_module("mcp_types" if self.modern else "mcp.types")
        self.context: Any = self.home.Context

    def low_level(self, server: Any) -> Any:
        """The low-level server below a server object."""
        return server._lowlevel_server if hasattr(server, "_lowlevel_server") else server._mcp_server

    def session_header(self, context: Any) -> str:
        """The session id that the request carries, or ""."""
        request = getattr(context.request_context, "request", None)
        return (request.headers.get("mcp-session-id") if request is not None else None) or ""

    def messages(self) -> list[Any]:
        """A short conversation for a request for sampling."""
        return [self.types.SamplingMessage(role="user", content=self.types.TextContent(type="text", text="hi"))]


def share_key(key: str) -> None:
    """Give servers that are made without keys the same key, instead of a key for each process (mcp-2 and fastmcp-4)."""
    from mcp.server.request_state import RequestStateSecurity

    def shared(_: Any, *, ttl: float = 600.0, audience: str | None = None) -> Any:
        return RequestStateSecurity(keys=[key], ttl=ttl, audience=audience)

    RequestStateSecurity.ephemeral = classmethod(shared)  # type: ignore[assignment,method-assign,unused-ignore]


class Bench:
    """A server object that the lab's tools are added to.

    Attributes:
        server: the server object of the SDK.
        sdk: the SDK that it is of.
        added: the names of the tools that were added.
        known: the tools that the line is supposed to have.
    """

    def __init__(self, server: Any, sdk: Sdk, known: set[str]) -> None:
        """Add tools to `server`, but only those in `known`."""
        self.server = server
        self.sdk = sdk
        self.known = known
        self.added: list[str] = []

    def tool(self, function: Callable[..., Any], **annotations: Any) -> None:
        """Add a function as a tool under its own name.

        The SDKs read what a parameter is from its annotation; `ctx` becomes a context of this SDK, and `annotations`
        are what cannot be written down because it depends on the release.
        """
        name = function.__name__
        if name not in self.known:
            return
        if "ctx" in function.__annotations__:
            function.__annotations__["ctx"] = self.sdk.context
        function.__annotations__.update({key.replace("returns", "return"): value for key, value in annotations.items()})
        decorator = self.server.tool if self.sdk.standalone else self.server.tool()
        decorator(function)
        self.added.append(name)
