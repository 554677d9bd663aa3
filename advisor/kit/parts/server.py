"""Renders the server of a kit: example tools in the style of the SDK line, settings, metrics and image."""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
from typing import Any, NamedTuple

from advisor.kit.locks import locked
from advisor.kit.model import KitContext, KitFile, ToolContext
from advisor.kit.parts.proxy import HANDSHAKE_VERSIONS
from advisor.kit.templating import render
from advisor.knowledge.types import Need

ASKS = ("roots", "elicitation", "sampling")
"""The features that are requests to the client, in the order in which an example tool sends them."""

STATUS_URI = "status://current"
"""The URI of the example resource that clients can subscribe to."""

SDK_NAMES = (
    *("STATE", "ask", "ask_model", "ask_user", "client_roots", "load_value", "mcp", "require_client"),
    *("resource_changed", "save_value", "tool", "tools_changed"),
)
"""The names of runtime/sdk.py that tools can use. A kit has only those that its tools need."""

_EXAMPLE = "example_"
_MAX_LINE = 120
_MAX_IMPORT = 88  # the default of linters, which have no configuration for the tests of a kit
_IMPORT = re.compile(
    r"^(?:from (?P<module>[\w.]+) import (?:\((?P<many>[^)]*)\)|(?P<names>[^(\n]+))|import [\w.]+)\n", re.MULTILINE
)


class ServerTool(NamedTuple):
    """A tool for the server template.

    Attributes:
        name: the name that clients call.
        function: the name of its function, unique in the module.
        needs: feature id → level.
        uses_direct_llm: whether the server calls a language model instead of asking the client's model.
    """

    name: str
    function: str
    needs: dict[str, Need]
    uses_direct_llm: bool

    @property
    def asks(self) -> tuple[str, ...]:
        """The requests that the tool sends to the client while it runs, as feature ids."""
        replaced = ("sampling",) if self.uses_direct_llm else ()
        return tuple(feature for feature in ASKS if feature in self.needs and feature not in replaced)

    @property
    def roots(self) -> bool:
        """Whether the tool asks for the client's folders."""
        return "roots" in self.asks

    @property
    def elicitation(self) -> bool:
        """Whether the tool asks the user."""
        return "elicitation" in self.asks

    @property
    def sampling(self) -> bool:
        """Whether the tool asks the client's model."""
        return "sampling" in self.asks

    @property
    def progress(self) -> bool:
        """Whether the tool reports progress."""
        return "progress" in self.needs

    @property
    def logging(self) -> bool:
        """Whether the tool sends log messages."""
        return "logging" in self.needs

    @property
    def subscriptions(self) -> bool:
        """Whether the tool changes a resource that clients can subscribe to."""
        return "subscriptions" in self.needs

    @property
    def list_changed(self) -> bool:
        """Whether the tool changes the list of tools."""
        return "list_changed" in self.needs

    @property
    def state(self) -> bool:
        """Whether the tool keeps state between calls."""
        return "session_state" in self.needs

    @property
    def uses_ctx(self) -> bool:
        """Whether the function of the tool needs the context object of the SDK while it runs."""
        return bool(self.asks) or self.progress or self.logging or self.subscriptions or self.list_changed

    @property
    def needs_text(self) -> str:
        """The needs of the tool, as an indented paragraph for its description."""
        needs = ", ".join(f"{feature.replace('_', ' ')} ({level})" for feature, level in self.needs.items())
        text = f"Protocol features that this tool needs: {needs}."
        return textwrap.fill(text, _MAX_LINE, initial_indent="    ", subsequent_indent="    ")


class UsedParts(NamedTuple):
    """The parts of the server template that at least one tool of the kit uses."""

    asks: bool
    roots: bool
    elicitation: bool
    sampling: bool
    subscriptions: bool
    list_changed: bool
    state: bool
    direct_llm: bool


class ServerTier(NamedTuple):
    """A tier for settings.py. The tools have the names that clients call."""

    name: str
    stateless_http: bool
    json_response: bool
    instances: int
    workers: int
    max_sessions: int
    shutdown_s: int
    tools: tuple[str, ...]


def files(kit: KitContext) -> list[KitFile]:
    """Render the files in server/."""
    tools = server_tools(kit)
    used = used_parts(tools)
    tiers = server_tiers(kit)
    # A change on one instance must reach the clients of all instances: legacy sessions and modern listeners.
    shares_changes = kit.uses_redis and (used.subscriptions or used.list_changed)
    shared = {"kit": kit, "tiers": tiers, "used": used, "shares_changes": shares_changes}
    shared["keeps_sessions"] = any(tier.keeps_sessions for tier in kit.tiers)
    if kit.plain:
        return _plain_files(kit, shared)
    hooks = kit.uses_redis and (used.state or kit.needs_event_store or shares_changes)
    named = {
        "tools": tools,
        "tier": "",
        "in_tests": False,
        "status_uri": STATUS_URI,
        "status_function": "current_status",
    }
    names = list(dict.fromkeys([*kit.hosts, *(tier.host for tier in kit.tiers)]))
    origins = tuple(f"{scheme}://{host}" for host in kit.hosts for scheme in ("https", "http"))
    aliases = kit.aliases(kit.tiers[0])
    settings = {"hosts": tuple(names), "origins": origins, "aliases": aliases}
    texts = {
        "tools.py": without_unused_imports(render("server/tools.py.j2", **shared, **named, sdk_names=SDK_NAMES)),
        "server.py": without_unused_imports(render("server/server.py.j2", **shared)),
        "runtime/__init__.py": render("server/runtime/__init__.py.j2", **shared),
        "runtime/sdk.py": without_unused_imports(render("server/runtime/sdk.py.j2", **shared, hooks=hooks)),
        "runtime/serving.py": render("server/runtime/serving.py.j2", **shared),
        "runtime/settings.py": render("server/runtime/settings.py.j2", **shared, **settings),
        "runtime/logs.py": render("server/runtime/logs.py.j2", **shared),
        "runtime/metrics.py": render("server/runtime/metrics.py.j2", **shared),
        "runtime/observability.py": render(
            "server/runtime/observability.py.j2", **shared, handshake_versions=HANDSHAKE_VERSIONS
        ),
        "runtime/drain.py": render("server/runtime/drain.py.j2", **shared),
        "pyproject.toml": render("server/pyproject.toml.j2", **shared),
        "requirements.lock": _lock(kit),
        "Dockerfile": render("server/Dockerfile.j2", **shared),
        ".dockerignore": render("server/dockerignore.j2", **shared),
    }
    optional = {
        "auth": kit.checks_tokens,
        "state": used.state,
        "direct_llm": used.direct_llm,
        "event_store": kit.needs_event_store,
        "host_guard": kit.host_check == "none",
        "shared_state": kit.uses_redis,
        "session_directory": kit.needs_directory,
        "session_users": bool(kit.users_since),
        "session_relay": kit.needs_directory,
        "signed_entries": kit.needs_directory,
        "tracing": kit.exports_spans,
        "watchdog": kit.platform == "systemd",
    }
    for module, wanted in optional.items():
        if wanted:
            texts[f"runtime/{module}.py"] = render(f"server/runtime/{module}.py.j2", **shared)
    return [KitFile(f"server/{name}", text) for name, text in texts.items()]


def _plain_files(kit: KitContext, shared: dict[str, Any]) -> list[KitFile]:
    """Render the server in a single file, for a developer's machine."""
    here = {"status_uri": STATUS_URI, "status_function": "current_status", "tier": "", "in_tests": False}
    tools = server_tools(kit)
    text = render("server/plain.py.j2", **{**shared, **here, "tools": tools, "tier_flags": kit.tiers[0]})
    return [
        KitFile("server/server.py", without_unused_imports(text)),
        KitFile("server/pyproject.toml", render("server/pyproject.toml.j2", **shared)),
        KitFile("server/requirements.lock", _lock(kit)),
    ]


def _lock(kit: KitContext) -> str:
    return render("server/requirements.lock.j2", pins=locked(kit))


def server_tools(kit: KitContext) -> tuple[ServerTool, ...]:
    """Return the tools of all tiers, and an example tool for each needed feature that no listed tool needs."""
    taken = set(_RESERVED)
    tools = [tool for tier in kit.tiers for tool in tier.tools]
    return tuple(_server_tool(tool, kit, taken) for tool in (*tools, *_examples(kit)))


def server_tiers(kit: KitContext) -> tuple[ServerTier, ...]:
    """Return the tiers. The last tier, which is the tier with sessions if there is one, also has the example tools."""
    examples = tuple(tool.name for tool in _examples(kit))
    return tuple(
        ServerTier(
            tier.name,
            tier.stateless_http,
            tier.json_response,
            tier.instances,
            tier.workers,
            tier.max_sessions,
            tier.shutdown_s,
            (*(tool.name for tool in tier.tools), *(examples if tier is kit.tiers[-1] else ())),
        )
        for tier in kit.tiers
    )


def used_parts(tools: tuple[ServerTool, ...]) -> UsedParts:
    """Return the parts of the server template that these tools use."""
    return UsedParts(
        asks=any(tool.asks for tool in tools),
        roots=any(tool.roots for tool in tools),
        elicitation=any(tool.elicitation for tool in tools),
        sampling=any(tool.sampling for tool in tools),
        subscriptions=any(tool.subscriptions for tool in tools),
        list_changed=any(tool.list_changed for tool in tools),
        state=any(tool.state for tool in tools),
        direct_llm=any(tool.uses_direct_llm for tool in tools),
    )


def _examples(kit: KitContext) -> tuple[ToolContext, ...]:
    tools = [tool for tier in kit.tiers for tool in tier.tools]
    names = {tool.name for tool in tools}
    covered = {feature for tool in tools for feature in tool.needs}
    made = []
    for feature in kit.features:
        if feature.id not in covered:
            name = _EXAMPLE + feature.id
            while name in names:
                name += "_"
            made.append(ToolContext(name, name, {feature.id: feature.need}, None))
    return tuple(made)


def _server_tool(tool: ToolContext, kit: KitContext, taken: set[str]) -> ServerTool:
    function = tool.function if tool.function.isidentifier() else f"tool_{tool.function}"
    while function in taken or function.isupper():  # names in capitals are constants
        function = f"{function}_tool"
    taken.add(function)
    return ServerTool(tool.name, function, tool.needs, kit.direct_llm and "sampling" in tool.needs)


def without_unused_imports(source: str) -> str:
    """Return the module without its unused imports. The templates import everything that any kit could use.

    Args:
        source: the text of a module with one import statement for each imported module.
    """
    tree = ast.parse(source)
    defined = {
        node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef | ast.ClassDef)
    }
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - defined

    def kept(match: re.Match[str]) -> str:
        if match["module"] is None:
            return match[0] if match[0].split()[-1].partition(".")[0] in used else ""
        listed = re.findall(r"\w+", match["many"] or match["names"])
        names = [name for name in listed if name in used]
        line = f"from {match['module']} import {', '.join(names)}\n"
        if len(line) > _MAX_IMPORT + 1:
            line = f"from {match['module']} import (\n" + "".join(f"    {name},\n" for name in names) + ")\n"
        return line if names else ""

    ends = [node.end_lineno or 0 for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    lines = source.splitlines(keepends=True)
    head, rest = _IMPORT.sub(kept, "".join(lines[: max(ends)])), "".join(lines[max(ends) :]).lstrip("\n")
    gap = "\n\n\n" if rest.startswith(("@", "def ", "async ", "class ")) else "\n\n"
    return re.sub(r"\n{3,}", "\n\n", head).rstrip("\n") + gap + re.sub(r"\n{4,}", "\n\n\n", rest)


# The names that a tool's function must not have, because it would hide a name that tools.py uses.
_RESERVED = (
    frozenset(dir(builtins))
    | frozenset(SDK_NAMES)
    | frozenset(
        re.findall(
            r"[A-Za-z_]\w*",
            """
            Annotated Any BaseModel Field ValidationError AnyUrl Context FastMCP MCPServer ToolError McpError MCPError
            RequestStateSecurity Elicit ListRoots Resolve Sample AcceptedElicitation ElicitationResult SamplingMessage
            TextContent ErrorData EmptyResult InputRequiredResult CreateMessageResult CreateMessageRequest
            CreateMessageRequestParams ElicitRequest ElicitRequestFormParams ElicitResult ListRootsRequest
            ListRootsResult ListToolsResult ListToolsRequest PaginatedRequestParams SubscribeRequestParams
            choice Settings State main create_app uvicorn Starlette dataclass
            UnsubscribeRequestParams SubscriptionsListenRequestParams InMemorySubscriptionBus ListenHandler
            ResourceUpdated ToolsListChanged Middleware new_handle current_status Confirmation said ask_roots
            """,
        )
    )
)
