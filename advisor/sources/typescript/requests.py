"""Finds the functions that an HTTP server calls for each request, and what they share between clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.findings import Location
from advisor.sources.typescript.modules import ScriptModule
from advisor.sources.typescript.resolve import ScriptTree, function_name
from advisor.sources.typescript.syntax import FUNCTIONS, SyntaxNode, bare, dotted, key_of

if TYPE_CHECKING:
    from advisor.sources.typescript.servers import ScriptServers, SdkObject

_ROUTES = ("get", "post", "put", "delete", "all", "use", "route", "options", "any", "createServer", "serve")
_EXPORTED = ("GET", "POST", "DELETE", "fetch")


def request_handler(node: SyntaxNode, module: ScriptModule) -> SyntaxNode | None:
    """Return the innermost function around a node that an HTTP server calls for each request, or None."""
    for function in node.around():
        if function.kind in FUNCTIONS and _is_handler(function, module):
            return function
    return None


def _is_handler(function: SyntaxNode, module: ScriptModule) -> bool:
    parent = function.parent
    if parent is not None and parent.kind == "arguments" and parent.parent is not None:
        return _is_route(parent.parent)
    if parent is not None and parent.kind == "pair" and key_of(parent) == "fetch":
        return True
    name = function_name(function)
    if name in _EXPORTED and parent is not None and parent.kind == "export_statement":
        return True
    return bool(name) and any(
        _is_route(call) and any(given.kind == "identifier" and given.text == name for given in call.arguments())
        for call in module.calls
    )


def _is_route(call: SyntaxNode) -> bool:
    called = call.child("function")
    return called is not None and dotted(called).rpartition(".")[2] in _ROUTES


def shared_transports(servers: ScriptServers, tree: ScriptTree) -> dict[SyntaxNode, Location]:
    """Return the transports that the code makes once, with the place where requests of all clients get them."""
    found: dict[SyntaxNode, Location] = {}
    for module in tree.modules:
        for call in module.calls:
            function = call.child("function")
            name = function.child("property") if function is not None else None
            owner = function.child("object") if function is not None else None
            if name is None or owner is None or name.text != "handleRequest":
                continue
            handler = request_handler(call, module)
            if handler is None or not _is_outside(bare(owner), handler, module):
                continue
            for each in servers.objects(owner, module):
                if each.kind.kind == "http" and request_handler(each.node, each.module) is None:
                    found.setdefault(each.node, module.location(call))
    return found


def reused_at(server: SdkObject, servers: ScriptServers) -> Location | None:
    """Return the place where each request connects the same server to a new transport, or None."""
    for each, transport, module, call in servers.links:
        function = call.child("function")
        owner = function.child("object") if function is not None else None
        if each is not server or owner is None:
            continue
        handler = request_handler(call, module)
        outside = handler is not None and _is_outside(bare(owner), handler, module)
        made_again = request_handler(transport.node, transport.module) is not None
        if outside and made_again and request_handler(server.node, server.module) is None:
            return module.location(call)
    return None


def _is_outside(name: SyntaxNode, handler: SyntaxNode, module: ScriptModule) -> bool:
    """Return whether all values of a name come from outside a function. A field of `this` is outside each handler."""
    if name.kind == "member_expression":
        return dotted(name).startswith("this.")
    bound = module.bindings(name) if name.kind == "identifier" else []
    if any(handler in (binding.node, *binding.node.around()) for binding in bound):
        return False
    return bool(bound) or name.text in module.imports
