"""Finds the tools of a server: decorated functions, registered functions, and handlers of low-level servers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from advisor.findings import Location
from advisor.sources.python.modules import Function, Module
from advisor.sources.python.resolve import CodeTree, Defined, argument
from advisor.sources.python.servers import ServerObject, Servers
from advisor.sources.python.values import Values

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_WRAPPERS = ("from_function", "tool", "Tool", "FunctionTool")


class ToolFunction(NamedTuple):
    """A tool.

    Attributes:
        name: the name for clients.
        server: its server.
        module, function: its code.
        dispatches: whether the function is the handler of all tools of a low-level server.
        location: the registration of the tool.
    """

    name: str
    server: ServerObject
    module: Module
    function: Function
    location: Location
    dispatches: bool = False


class ServerTools:
    """The tools of a tree."""

    def __init__(self, tree: CodeTree, values: Values, servers: Servers) -> None:
        """Args: tree, values, servers: the code, its values and its servers."""
        self._tree, self._values, self._servers = tree, values, servers

    def all(self) -> list[ToolFunction]:
        """Return the tools, each registration once."""
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
                if not isinstance(called, ast.Attribute) or called.attr not in ("tool", "call_tool"):
                    continue
                server = self._server(called.value, module)
                if server is None:
                    continue
                handler = called.attr == "call_tool"
                call = decorator if isinstance(decorator, ast.Call) else None
                name = "" if handler else self._name(call, module, function)
                yield ToolFunction(name, server, module, function, module.location(function), handler)

    def _registered(self, module: Module) -> Iterator[ToolFunction]:
        for call in module.calls:
            wanted = call.func
            outer = call
            if isinstance(wanted, ast.Call):  # mcp.tool(name="x")(function)
                outer, wanted = wanted, wanted.func
                made = self._factory(outer, module)
                for found in self._functions(call.args[0], module) if made is not None and call.args else ():
                    name = self._name(outer, module, found.node)  # type: ignore[arg-type]
                    yield ToolFunction(name, made, found.module, found.node, module.location(call))  # type: ignore[arg-type]
            if not isinstance(wanted, ast.Attribute) or wanted.attr not in ("tool", "add_tool"):
                continue
            given = argument(call, "fn", 0) or argument(call, "tool", None)
            server = self._server(wanted.value, module) if given is not None else None
            if server is None or given is None:
                continue
            for found in self._functions(given, module):
                name = self._name(outer, module, found.node)  # type: ignore[arg-type]
                yield ToolFunction(name, server, found.module, found.node, module.location(call))  # type: ignore[arg-type]

    def _factory(self, expr: ast.expr, module: Module) -> ServerObject | None:
        """Return the server of a call of a function of the tree that makes a decorator for tools, or None."""
        if not isinstance(expr, ast.Call) or not expr.args:
            return None
        made = self._tree.resolve(expr.func, module)
        if not isinstance(made, Defined) or not isinstance(made.node, _FUNCTIONS):
            return None
        registers = {part.attr for part in made.module.within(made.node) if isinstance(part, ast.Attribute)}
        if not registers & {"tool", "add_tool"}:
            return None
        return next((found for part in expr.args if (found := self._servers.of(part, module)) is not None), None)

    def _server(self, expr: ast.expr, module: Module) -> ServerObject | None:
        return self._servers.of(expr, module) or self._servers.behind(expr, module)

    def _constructed(self, server: ServerObject) -> Iterator[ToolFunction]:
        for module, call in server.calls:
            handler = argument(call, "on_call_tool")
            if handler is not None:
                for found in self._functions(handler, module):
                    place = found.module.location(found.node)
                    yield ToolFunction("", server, found.module, found.node, place, dispatches=True)  # type: ignore[arg-type]
            given = argument(call, "tools")
            for element in given.elts if isinstance(given, (ast.List, ast.Tuple)) else ():
                for found in self._functions(element, module):
                    inner = element if isinstance(element, ast.Call) else None
                    name = self._name(inner, module, found.node)  # type: ignore[arg-type]
                    yield ToolFunction(name, server, found.module, found.node, module.location(element))  # type: ignore[arg-type]

    def _functions(self, expr: ast.expr, module: Module, depth: int = 4) -> list[Defined]:
        """Return the functions of the tree that an argument stands for; several for the variable of a loop."""
        if depth <= 0:
            return []
        if isinstance(expr, ast.Call):
            name = getattr(expr.func, "attr", getattr(expr.func, "id", ""))
            inner = [argument(expr, "fn", 0)] if name in _WRAPPERS else list(expr.args)
            return [found for part in inner if part is not None for found in self._functions(part, module, depth - 1)][
                :1
            ]
        if isinstance(expr, ast.Attribute) and isinstance(expr.value, ast.Name):
            owner = module.class_of(expr) if expr.value.id == "self" else None
            kind = Defined(module, owner) if owner is not None else self._values.class_of(expr.value, module)
            member = self._tree.member(kind, expr.attr) if kind is not None else None
            if isinstance(member, Defined) and isinstance(member.node, _FUNCTIONS):
                return [member]
        if isinstance(expr, ast.Name):
            for parent, _ in module.around(expr):
                loop = isinstance(parent, (ast.For, ast.AsyncFor)) and getattr(parent.target, "id", "") == expr.id
                if loop and isinstance(parent, (ast.For, ast.AsyncFor)):
                    return [
                        each
                        for part in self._elements(parent.iter, module)
                        for each in self._functions(part, module, depth - 1)
                    ]
        found = self._tree.resolve(expr, module)
        if isinstance(found, Defined) and isinstance(found.node, ast.Call) and found.node is not expr:
            places = [*found.module.scopes(expr), None] if isinstance(expr, ast.Name) and found.module is module else []
            name = expr.id if isinstance(expr, ast.Name) else ""
            bound = next((nodes for place in places if (nodes := module.bindings(place, name))), [found.node])
            for node in reversed(bound):  # a function in a wrapper, such as `tool = wrapped(tool)`
                inside = self._functions(node, found.module, depth - 1) if isinstance(node, ast.expr) else []
                if inside:
                    return inside
        return [found] if isinstance(found, Defined) and isinstance(found.node, _FUNCTIONS) else []

    def _elements(self, expr: ast.expr, module: Module) -> list[ast.expr]:
        found = self._tree.resolve(expr, module) if isinstance(expr, ast.Name) else Defined(module, expr)
        node = found.node if isinstance(found, Defined) and found.module is module else None
        return list(node.elts) if isinstance(node, (ast.List, ast.Tuple, ast.Set)) else []

    def _name(self, call: ast.Call | None, module: Module, function: Function) -> str:
        if call is not None:
            stated = argument(call, "name")
            texts = [part for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            stated = texts[0] if stated is None and texts else stated
            if stated is not None:
                value = self._values.of(stated, module)
                return value.value if isinstance(value.value, str) else function.name
        return function.name


def _is_protocol_type(resolved: Defined | str | None) -> bool:
    return isinstance(resolved, str) and resolved.startswith(("mcp.types.", "mcp_types.", "mcp.Tool"))
