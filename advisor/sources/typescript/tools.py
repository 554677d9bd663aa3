"""Finds the tools of a server: registered functions, elements of lists of tools, and handlers of low-level servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from advisor.findings import Location
from advisor.sources.typescript.modules import ScriptModule
from advisor.sources.typescript.resolve import CodePart, ScriptTree
from advisor.sources.typescript.servers import ScriptServers, SdkObject
from advisor.sources.typescript.syntax import FUNCTIONS, SyntaxNode, bare, key_of, text_of
from advisor.sources.typescript.values import ScriptValues

_REGISTERS = ("tool", "registerTool", "registerToolTask")
_CALL_TOOL = ("CallToolRequestSchema", "tools/call")
_FUNCTION_KEYS = ("handler", "execute", "callback", "cb", "run", "call", "fn")
_ADDED = ("push", "concat")


class ScriptTool(NamedTuple):
    """A tool.

    Attributes:
        name: the name for clients.
        server: its server.
        module, function: its code.
        location: the registration of the tool.
        dispatches: whether the function is the handler of all tools of a low-level server.
    """

    name: str
    server: SdkObject
    module: ScriptModule
    function: SyntaxNode
    location: Location
    dispatches: bool = False


class ScriptTools:
    """The tools of a tree."""

    def __init__(self, tree: ScriptTree, values: ScriptValues, servers: ScriptServers) -> None:
        """Args: tree, values, servers: the code, its values and its servers."""
        self._tree, self._values, self._servers = tree, values, servers

    def all(self) -> list[ScriptTool]:
        """Return the tools, each registration once."""
        found: dict[tuple[SyntaxNode, str, SyntaxNode], ScriptTool] = {}
        for module in self._tree.modules:
            for call in module.calls:
                for tool in self._registered(call, module):
                    found.setdefault((tool.function, tool.name, tool.server.node), tool)
        return list(found.values())

    def listed(self) -> dict[str, Location]:
        """Return the tools that the code of low-level servers lists, by name."""
        found: dict[str, Location] = {}
        for module in self._tree.modules:
            for node in module.root.within():
                keys = {key_of(part) for part in node.children} if node.kind == "object" else set()
                if {"name", "inputSchema"} <= keys:
                    name = self._name_in(node, module)
                    if name:
                        found.setdefault(name, module.location(node))
        return found

    def _registered(self, call: SyntaxNode, module: ScriptModule) -> Iterator[ScriptTool]:
        function, given = call.child("function"), call.arguments()
        if function is None or function.kind != "member_expression" or len(given) < 2:
            return
        owner, method = function.child("object"), function.child("property")
        if owner is None or method is None:
            return
        where = module.location(call)
        if method.text == "setRequestHandler":
            if given[0].text.rpartition(".")[2] in _CALL_TOOL or text_of(given[0]) in _CALL_TOOL:
                for server in self._of(owner, module):
                    for found in self._functions(given[1], module):
                        yield ScriptTool("", server, found.module, found.node, found.module.location(found.node), True)
            return
        if method.text not in _REGISTERS:
            return
        for server in self._of(owner, module):
            name = self._values.text(given[0], module)
            if name:
                for found in self._functions(given[-1], module):
                    yield ScriptTool(name, server, found.module, found.node, where)
                continue
            several = list(self._several(given, module))
            for name, found in several:
                yield ScriptTool(name, server, found.module, found.node, where)
            if not several:
                for found in self._functions(given[-1], module):
                    yield ScriptTool("", server, found.module, found.node, where)

    def _of(self, owner: SyntaxNode, module: ScriptModule) -> list[SdkObject]:
        return [each for each in self._servers.objects(owner, module) if each in self._servers.all]

    def _several(self, given: list[SyntaxNode], module: ScriptModule) -> Iterator[tuple[str, CodePart]]:
        """Yield the tools of a registration in a loop over a list, or in a function that gets their names."""
        root = bare(given[0])
        while root.kind == "member_expression" and root.child("object") is not None:
            root = bare(root.child("object") or root)
        if root.kind != "identifier":
            return
        for binding in module.bindings(root):
            if "[]" in binding.path and not binding.is_parameter:
                yield from self._elements(binding.node, module)
            elif binding.is_parameter:
                yield from self._iterated(binding.node, module)
                yield from self._from_callers(given, binding.node, module)

    def _iterated(self, parameter: SyntaxNode, module: ScriptModule) -> Iterator[tuple[str, CodePart]]:
        """Yield the tools of `tools.forEach((tool) => ...)`."""
        function = next((each for each in parameter.around() if each.kind in FUNCTIONS), None)
        call = function.parent.parent if function is not None and function.parent is not None else None
        called = call.child("function") if call is not None and call.kind == "call_expression" else None
        owner = called.child("object") if called is not None else None
        if owner is not None:
            yield from self._elements(owner, module)

    def _from_callers(
        self, given: list[SyntaxNode], parameter: SyntaxNode, module: ScriptModule
    ) -> Iterator[tuple[str, CodePart]]:
        """Yield the tools of a function of the tree that registers a tool with the name that it gets."""
        for other, name in self._tree.passed(parameter, module):
            call = name.parent.parent if name.parent is not None else None
            text = self._values.text(name, other)
            functions = [found for part in (call.arguments() if call else ()) for found in self._functions(part, other)]
            if text and functions:
                yield text, functions[-1]
            elif bare(name).kind == "object":
                yield from self._element(bare(name), other)

    def _elements(self, expr: SyntaxNode, module: ScriptModule, depth: int = 6) -> Iterator[tuple[str, CodePart]]:
        """Yield the tools in a list, also in lists that it spreads."""
        expr = bare(expr)
        if depth <= 0:
            return
        if expr.kind == "array":
            for part in expr.children:
                if part.kind == "spread_element":
                    yield from self._elements(part.children[0], module, depth - 1)
                else:
                    yield from self._element(part, module)
            return
        if expr.kind == "call_expression":
            function = expr.child("function")
            owner = function.child("object") if function is not None else None
            if owner is not None:  # Object.values(tools), tools.filter(...)
                inner = expr.arguments()[0] if owner.text == "Object" and expr.arguments() else owner
                yield from self._elements(inner, module, depth - 1)
            called = self._tree.called(expr, module)
            for part in called.node.within() if called is not None else ():
                if part.kind == "array" and called is not None:
                    yield from self._elements(part, called.module, depth - 1)
            return
        if expr.kind == "object":
            for part in expr.children:
                value = part.child("value") if part.kind == "pair" else part
                if value is not None:
                    yield from self._element(value, module)
            return
        found = self._tree.resolve(expr, module)
        if (
            isinstance(found, CodePart)
            and found.node is not expr
            and found.node.kind in ("array", "object", "call_expression")
        ):
            yield from self._elements(found.node, found.module, depth - 1)

    def _element(self, expr: SyntaxNode, module: ScriptModule) -> Iterator[tuple[str, CodePart]]:
        found = self._tree.resolve(expr, module) or CodePart(module, bare(expr))
        if not isinstance(found, CodePart):
            return
        node = found.node
        if node.kind == "call_expression":  # defineTool({...})
            node = next((bare(each) for each in node.arguments() if bare(each).kind == "object"), node)
        if node.kind != "object":
            return
        name = self._name_in(node, found.module)
        for key in _FUNCTION_KEYS if name else ():
            option = self._values.option(node, key, found.module)
            if option.node is not None and option.module is not None:
                for function in self._functions(option.node, option.module):
                    yield name, function
                    return

    def _name_in(self, node: SyntaxNode, module: ScriptModule) -> str:
        option = self._values.option(node, "name", module)
        return self._values.text(option.node, option.module) if option.node is not None and option.module else ""

    def _functions(self, expr: SyntaxNode, module: ScriptModule, depth: int = 4) -> list[CodePart]:
        """Return the functions of the tree that an argument stands for, also inside a call that wraps a function."""
        expr = bare(expr)
        if depth <= 0:
            return []
        if expr.kind in FUNCTIONS:
            return [CodePart(module, expr)]
        if expr.kind == "call_expression":
            inner = [found for part in expr.arguments() for found in self._functions(part, module, depth - 1)]
            called = self._tree.called(expr, module)
            made = _returned_functions(called) if called is not None else []
            function = expr.child("function")
            name = function.child("property") if function is not None else None
            if name is not None and name.text == "bind":
                owner = function.child("object") if function is not None else None
                return self._functions(owner, module, depth - 1) if owner is not None else []
            return inner[:1] or made[:1]
        found = self._tree.resolve(expr, module)
        if not isinstance(found, CodePart) or found.node is expr:
            return []
        if found.node.kind in FUNCTIONS:
            return [found]
        return self._functions(found.node, found.module, depth - 1) if found.node.kind == "call_expression" else []


def _returned_functions(called: CodePart) -> list[CodePart]:
    body = called.node.child("body")
    nodes = [bare(body)] if body is not None and body.kind != "statement_block" else []
    ends = [part for part in (body.children if body is not None else ()) if part.kind == "return_statement"]
    nodes += [bare(part.children[0]) for part in ends if part.children]
    return [CodePart(called.module, node) for node in nodes if node.kind in FUNCTIONS]
