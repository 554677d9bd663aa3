"""Finds the tools, resources and prompts of a server: decorated and registered functions, and low-level handlers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from advisor.findings import Location
from advisor.sources.code_model import HandlerKind
from advisor.sources.python.modules import Function, Module
from advisor.sources.python.registered import FUNCTIONS, Given, RegisteredFunctions
from advisor.sources.python.resolve import CodeTree, Defined, argument
from advisor.sources.python.servers import ServerObject, Servers
from advisor.sources.python.values import Values

_DECORATORS: dict[str, HandlerKind] = {
    **{"tool": "tool", "call_tool": "tool"},
    **{"resource": "resource", "read_resource": "resource"},
    **{"prompt": "prompt", "get_prompt": "prompt"},
}
"""The decorators of servers, and what the function is. The low-level server has the names with two words."""
_METHODS: dict[str, HandlerKind] = {
    **{"tool": "tool", "add_tool": "tool"},
    **{"resource": "resource", "add_resource": "resource", "add_template": "resource"},
    **{"prompt": "prompt", "add_prompt": "prompt"},
}
_HANDLERS: dict[str, HandlerKind] = {
    "on_call_tool": "tool",
    "on_read_resource": "resource",
    "on_get_prompt": "prompt",
}


class ToolFunction(NamedTuple):
    """A tool, a resource or a prompt.

    Attributes:
        name: the name for clients; the address of a resource.
        server: its server.
        module, function: its code.
        dispatches: whether the function is the handler of all tools of a low-level server.
        location: the registration.
        kind: what the function is for clients.
    """

    name: str
    server: ServerObject
    module: Module
    function: Function
    location: Location
    dispatches: bool = False
    kind: HandlerKind = "tool"


class ServerTools:
    """The tools, resources and prompts of a tree."""

    def __init__(self, tree: CodeTree, values: Values, servers: Servers) -> None:
        """Args: tree, values, servers: the code, its values and its servers."""
        self._tree, self._values, self._servers = tree, values, servers
        self._registrations = RegisteredFunctions(tree, values)

    def all(self) -> list[ToolFunction]:
        """Return the tools, resources and prompts, each registration once."""
        found: dict[tuple[ast.AST, str, ast.AST], ToolFunction] = {}
        for module in self._tree.modules:
            for tool in (*self._decorated(module), *self._registered(module)):
                found.setdefault((tool.function, tool.name, tool.server.call), tool)
        for server in self._servers.all:
            for tool in self._constructed(server):
                found.setdefault((tool.function, tool.name, server.call), tool)
        return list(found.values())

    def listed(self, server: ServerObject) -> dict[str, Location]:
        """Return the tools that the code of a low-level server lists, by name."""
        found: dict[str, Location] = {}
        others = sum(each.kind.kind != "server" for each in self._servers.all) > 1
        for module in [server.module] if others else self._tree.modules:
            for call in module.calls:
                name = argument(call, "name", None)
                is_tool = getattr(call.func, "attr", getattr(call.func, "id", "")) == "Tool"
                if is_tool and name is not None and _is_protocol_type(self._tree.resolve(call.func, module)):
                    value = self._values.of(name, module)
                    if value.kind == "literal" and isinstance(value.value, str):
                        found.setdefault(value.value, module.location(call))
        return found

    def _decorated(self, module: Module) -> Iterator[ToolFunction]:
        for function in module.functions:
            for decorator in function.decorator_list:
                made = self._factory(decorator, module)
                if made is not None:
                    name = self._name(decorator, module, function)  # type: ignore[arg-type]
                    yield ToolFunction(name, made, module, function, module.location(function))
                    continue
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                if not isinstance(called, ast.Attribute) or called.attr not in _DECORATORS:
                    continue
                server = self._server(called.value, module)
                if server is None:
                    continue
                handler = called.attr == "call_tool"
                call = decorator if isinstance(decorator, ast.Call) else None
                name = "" if handler else self._name(call, module, function)
                place = module.location(function)
                yield ToolFunction(name, server, module, function, place, handler, _DECORATORS[called.attr])

    def _registered(self, module: Module) -> Iterator[ToolFunction]:
        for call in module.calls:
            wanted = call.func
            outer = call
            if isinstance(wanted, ast.Call):  # mcp.tool(name="x")(function)
                outer, wanted = wanted, wanted.func
                made = self._factory(outer, module)
                for found in self._registrations.functions(call.args[0], module) if made and call.args else ():
                    name = self._name(outer, module, found.node)  # type: ignore[arg-type]
                    yield ToolFunction(name, made, found.module, found.node, module.location(call))  # type: ignore[arg-type]
            if not isinstance(wanted, ast.Attribute) or wanted.attr not in _METHODS:
                continue
            stated = (
                argument(call, name, 0 if name == "fn" else None) for name in ("fn", "tool", "resource", "prompt")
            )
            function = next((part for part in stated if part is not None), None)
            server = self._server(wanted.value, module) if function is not None else None
            if server is None or function is None:
                continue
            place = module.location(call)
            for given in self._registrations.rounds(call, module):
                for found in self._registrations.functions(function, module, given):
                    name = self._name(outer, module, found.node, given)  # type: ignore[arg-type]
                    kind = _METHODS[wanted.attr]
                    yield ToolFunction(name, server, found.module, found.node, place, kind=kind)  # type: ignore[arg-type]

    def _factory(self, expr: ast.expr, module: Module) -> ServerObject | None:
        """Return the server of a call of a function of the tree that makes a decorator for tools, or None."""
        if not isinstance(expr, ast.Call) or not expr.args:
            return None
        made = self._tree.resolve(expr.func, module)
        if not isinstance(made, Defined) or not isinstance(made.node, FUNCTIONS):
            return None
        registers = {part.attr for part in made.module.within(made.node) if isinstance(part, ast.Attribute)}
        if not registers & {"tool", "add_tool"}:
            return None
        return next((found for part in expr.args if (found := self._servers.of(part, module)) is not None), None)

    def _server(self, expr: ast.expr, module: Module) -> ServerObject | None:
        return self._servers.of(expr, module) or self._servers.behind(expr, module)

    def _constructed(self, server: ServerObject) -> Iterator[ToolFunction]:
        for module, call in server.calls:
            for name, kind in _HANDLERS.items():
                handler = argument(call, name)
                for found in self._registrations.functions(handler, module) if handler is not None else ():
                    place, is_tool = found.module.location(found.node), kind == "tool"
                    title = "" if is_tool else getattr(found.node, "name", "")
                    yield ToolFunction(title, server, found.module, found.node, place, is_tool, kind)  # type: ignore[arg-type]
            given = argument(call, "tools")
            for element in given.elts if isinstance(given, (ast.List, ast.Tuple)) else ():
                for found in self._registrations.functions(element, module):
                    inner = element if isinstance(element, ast.Call) else None
                    name = self._name(inner, module, found.node)  # type: ignore[arg-type]
                    yield ToolFunction(name, server, found.module, found.node, module.location(element))  # type: ignore[arg-type]

    def _name(self, call: ast.Call | None, module: Module, function: Function, given: Given | None = None) -> str:
        if call is not None:
            stated = argument(call, "name")
            texts = [part for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            stated = texts[0] if stated is None and texts else stated
            if stated is None and given and not isinstance(call.func, ast.Call) and call.args:
                stated = call.args[0]
            if stated is not None:
                return self._registrations.text(stated, module, given or {}) or function.name
        return function.name


def _is_protocol_type(resolved: Defined | str | None) -> bool:
    return isinstance(resolved, str) and resolved.startswith(("mcp.types.", "mcp_types.", "mcp.Tool"))
