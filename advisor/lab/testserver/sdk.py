"""The parts of an SDK that the test server uses. Their names and modules differ between lines of releases."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


class Sdk:
    """The SDK in this interpreter.

    Attributes:
        line: the id of the line of releases, for example `mcp-2`.
        home: the module of the server class.
        types: the module with the protocol types.
        context: the annotation of the parameter that receives the context of a call.
        standalone: whether the SDK is the package fastmcp and not the official SDK.
        modern: whether the SDK serves modern clients (protocol 2026-07-28).
    """

    def __init__(self, line: str) -> None:
        """Import the modules of `line`. Raises ImportError if another line is installed."""
        self.line = line
        self.standalone = line.startswith("fastmcp")
        self.modern = line in ("mcp-2", "fastmcp-4")
        homes = {"mcp-1": "mcp.server.fastmcp", "mcp-2": "mcp.server.mcpserver"}
        self.home: Any = import_module(homes.get(line, "fastmcp"))
        self.types: Any = import_module("mcp_types" if self.modern else "mcp.types")
        self.context: Any = self.home.Context

    def low_level(self, server: Any) -> Any:
        """The low-level server of a server object."""
        return server._lowlevel_server if hasattr(server, "_lowlevel_server") else server._mcp_server

    def session_header(self, context: Any) -> str:
        """The session id in the header of the request, or ""."""
        request = getattr(context.request_context, "request", None)
        return (request.headers.get("mcp-session-id") if request is not None else None) or ""

    def messages(self) -> list[Any]:
        """The messages of a sampling request."""
        return [self.types.SamplingMessage(role="user", content=self.types.TextContent(type="text", text="hi"))]


def share_key(key: str) -> None:
    """Give all servers the same sealing key (mcp-2 and fastmcp-4). By default, each process creates its own key."""
    from mcp.server.request_state import RequestStateSecurity

    def shared(_: Any, *, ttl: float = 600.0, audience: str | None = None) -> Any:
        return RequestStateSecurity(keys=[key], ttl=ttl, audience=audience)

    RequestStateSecurity.ephemeral = classmethod(shared)  # type: ignore[assignment,method-assign,unused-ignore]


class Bench:
    """A server object that gets the tools of the test server.

    Attributes:
        server: the server object of the SDK.
        sdk: the SDK of the server object.
        added: the names of the added tools.
        known: the names of the tools that the line of releases supports.
    """

    def __init__(self, server: Any, sdk: Sdk, known: set[str]) -> None:
        """Prepare `server`. Only tools in `known` are added."""
        self.server = server
        self.sdk = sdk
        self.known = known
        self.added: list[str] = []

    def tool(self, function: Callable[..., Any], **annotations: Any) -> None:
        """Add a function as a tool. The name of the tool is the name of the function.

        The SDKs read the type of a parameter from its annotation. This method sets the annotation of `ctx` to the
        context class of the SDK.

        Args:
            function: the function of the tool.
            annotations: annotations that depend on the release, by parameter; `returns` is the type of the result.
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
