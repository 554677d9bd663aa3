"""The parts of an SDK that the test server uses. Their names and modules differ between lines of releases."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple


class SdkTraits(NamedTuple):
    """What the test server needs to know of an SDK line. The lab passes it as JSON to an interpreter with the SDK.

    Attributes:
        package: the name of the distribution.
        modern: whether servers serve modern clients (protocol 2026-07-28).
        flags: whether the code passes the flag pair to the constructor or to the function that creates the app.
        module: the module of the server class.
        types: the module of the protocol types.
        apis: the APIs that only some SDK lines have, and this line has.
    """

    package: str
    modern: bool
    flags: str
    module: str
    types: str
    apis: list[str]

    @property
    def standalone(self) -> bool:
        """Whether the SDK is the package fastmcp and not the official SDK."""
        return self.package == "fastmcp"

    @property
    def by_constructor(self) -> bool:
        """Whether the constructor takes the flags and the event store. Then the server creates the app without them."""
        return self.flags == "constructor"

    def written(self) -> str:
        """Return the JSON text that `read` reads."""
        return json.dumps(self._asdict())

    @classmethod
    def read(cls, text: str) -> SdkTraits:
        """Read the JSON text of `written`."""
        return cls(**json.loads(text))


class Sdk:
    """The SDK in this interpreter.

    Attributes:
        traits: what its SDK line has.
        home: the module of the server class.
        create: the server class.
        types: the module with the protocol types.
        context: the annotation of the parameter that receives the context of a call.
    """

    def __init__(self, traits: SdkTraits) -> None:
        """Import the modules of an SDK line. Raises ImportError if another line is installed."""
        self.traits = traits
        self.home: Any = import_module(traits.module)
        self.create: Any = getattr(self.home, "MCPServer", None) or self.home.FastMCP
        self.types: Any = import_module(traits.types)
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
    """Give all servers the same sealing key. By default, each process creates its own key."""
    from mcp.server.request_state import RequestStateSecurity

    def shared(_: Any, *, ttl: float = 600.0, audience: str | None = None) -> Any:
        return RequestStateSecurity(keys=[key], ttl=ttl, audience=audience)

    RequestStateSecurity.ephemeral = classmethod(shared)  # type: ignore[assignment,method-assign,unused-ignore]


class ToolRegistrar:
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

    def knows(self, tool: str) -> bool:
        """Whether the line of releases supports a tool of the test server."""
        return tool in self.known

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
        decorator = self.server.tool if self.sdk.traits.standalone else self.server.tool()
        decorator(function)
        self.added.append(name)
