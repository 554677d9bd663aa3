"""Finds server objects with their transports, and the flags that these transports get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.knowledge.scan import FlagName
from advisor.knowledge.scan_typescript import TypescriptName
from advisor.sources.code_model import UNSET, CodeValue, FlagPlace, FlagSetting, ServerPart, TransportUse
from advisor.sources.typescript.modules import ScriptModule
from advisor.sources.typescript.requests import shared_transports
from advisor.sources.typescript.resolve import DEPTH, CodePart, External, ScriptTree
from advisor.sources.typescript.syntax import (
    CLASSES,
    FUNCTIONS,
    SyntaxNode,
    bare,
    class_around,
    dotted,
    function_around,
    key_of,
    returned,
)
from advisor.sources.typescript.values import FUNCTION, UNDEFINED, CallOption, ScriptValues, flag_setting

_SERVERS = ("server", "low-level-server")
_TRANSPORTS = {"http": "streamable-http", "sse": "sse", "stdio": "stdio"}
_HANDLERS = {"http-handler": "streamable-http", "stdio-handler": "stdio"}
_OPTIONS: dict[FlagName, str] = {"stateless_http": "sessionIdGenerator", "json_response": "enableJsonResponse"}


class SdkObject(NamedTuple):
    """A `new` expression or a call that makes an object of the SDK.

    Attributes:
        module, node: the expression.
        kind: the entry of rules/scan_typescript.yaml.
        line: the SDK line.
        name: the name of the class or function in the code.
    """

    module: ScriptModule
    node: SyntaxNode
    kind: TypescriptName
    line: str
    name: str

    @property
    def location(self) -> Location:
        """The place of the expression."""
        return self.module.location(self.node)


class ScriptServers:
    """The servers of a tree.

    Attributes:
        all: the server objects, also handlers that make their own server.
        links: each server with a transport, and the module and the call that connects them.
    """

    def __init__(self, tree: ScriptTree, values: ScriptValues, knowledge: Knowledge) -> None:
        """Find the servers."""
        self._tree, self._values, self._knowledge = tree, values, knowledge
        self._found: dict[SyntaxNode, list[SdkObject]] = {}
        self._by_node: dict[SyntaxNode, SdkObject] = {}
        for module in tree.modules:
            for node in (*module.made, *module.calls):
                named = node.child("constructor") or node.child("function")
                known = self.known(named, module) if named is not None else None
                if known is not None and named is not None:
                    kind, line = known
                    name = dotted(named).rpartition(".")[2] or kind.id
                    self._by_node[node] = SdkObject(module, node, kind, line, name)
        objects = list(self._by_node.values())
        self._handlers = [each for each in objects if each.kind.kind in _HANDLERS]
        self._transports = [each for each in objects if each.kind.kind in _TRANSPORTS]
        self.all = [each for each in objects if each.kind.kind in _SERVERS]
        self.all += [each for each in self._handlers if not self._factory(each)]
        self.links = list(self._connections())
        self._shared = shared_transports(self, tree)

    def known(self, named: SyntaxNode, module: ScriptModule) -> tuple[TypescriptName, str] | None:
        """Return the entry and the SDK line of a name of the SDK, also of a class that inherits from it."""
        if bare(named).kind not in ("identifier", "member_expression", "type_identifier", "nested_type_identifier"):
            return None
        found = self._tree.external(named, module)
        if found is None:
            return None
        kind = self._knowledge.typescript_names.get(found.name.rpartition(".")[2])
        line = self._line(found.specifier)
        return (kind, line) if kind is not None and line else None

    def _line(self, specifier: str) -> str:
        for line in self._knowledge.typescript_lines.values():
            if any(specifier == package or specifier.startswith(f"{package}/") for package in line.packages):
                return line.id
        return ""

    def of(self, expr: SyntaxNode, module: ScriptModule, kinds: tuple[str, ...] = _SERVERS) -> SdkObject | None:
        """Return the server that an expression stands for, or None."""
        return next((each for each in self.objects(expr, module) if each.kind.kind in kinds or each in self.all), None)

    def objects(self, expr: SyntaxNode, module: ScriptModule, depth: int = DEPTH) -> list[SdkObject]:
        """Return the objects of the SDK that an expression can stand for."""
        expr = bare(expr)
        if depth <= 0:
            return []
        if expr not in self._found:
            self._found[expr] = []  # for a definition that leads back to itself
            self._found[expr] = list(dict.fromkeys(self._objects(expr, module, depth)))
        return self._found[expr]

    def _objects(self, expr: SyntaxNode, module: ScriptModule, depth: int) -> Iterator[SdkObject]:
        if expr in self._by_node:
            yield self._by_node[expr]
        elif expr.kind == "call_expression":
            called = self._tree.called(expr, module)
            for value in returned(called.node) if called is not None else ():
                yield from self.objects(value, called.module, depth - 1) if called is not None else ()
        elif expr.kind == "ternary_expression":
            for name in ("consequence", "alternative"):
                side = expr.child(name)
                yield from self.objects(side, module, depth - 1) if side is not None else ()
        elif expr.kind in ("identifier", "shorthand_property_identifier"):
            yield from self._named(expr, module, depth)
        elif expr.kind == "member_expression":
            yield from self._property(expr, module, depth)

    def _named(self, expr: SyntaxNode, module: ScriptModule, depth: int) -> Iterator[SdkObject]:
        bound = module.bindings(expr)
        for binding in bound:
            if binding.is_parameter:
                yield from self._parameter(binding.node, binding.path, module, depth)
            elif binding.path and binding.path[0] != "[]":
                yield from self._taken(binding.node, binding.path[0], module, depth)
            elif binding.node is not expr:
                yield from self.objects(binding.node, module, depth - 1)
        found = self._tree.resolve(expr, module) if not bound else None
        if isinstance(found, CodePart) and found.node is not expr:
            yield from self.objects(found.node, found.module, depth - 1)

    def _taken(self, node: SyntaxNode, name: str, module: ScriptModule, depth: int) -> Iterator[SdkObject]:
        """Yield what `const {name} = node` can be."""
        called = self._tree.called(bare(node), module) if bare(node).kind == "call_expression" else None
        for value in returned(called.node) if called is not None else ():
            if called is not None and bare(value).kind == "object":
                option = self._values.option(value, name, called.module)
                if option.node is not None and option.module is not None:
                    yield from self.objects(option.node, option.module, depth - 1)
        if called is None:
            found = self._tree.property(node, name, module)
            if isinstance(found, CodePart):
                yield from self.objects(found.node, found.module, depth - 1)

    def _parameter(
        self, node: SyntaxNode, path: tuple[str, ...], module: ScriptModule, depth: int
    ) -> Iterator[SdkObject]:
        found: list[SdkObject] = []
        for other, given in self._tree.passed(node, module):
            if not path:
                found += self.objects(given, other, depth - 1)
            else:
                option = self._values.option(given, path[0], other)
                if option.node is not None and option.module is not None:
                    found += self.objects(option.node, option.module, depth - 1)
        function = function_around(node)
        handler = function.parent.parent if function is not None and function.parent is not None else None
        if handler is not None and handler in self._by_node and self._by_node[handler].kind.kind in _HANDLERS:
            found.append(self._by_node[handler])  # createMcpHandler((server) => ...)
        if not any(each.kind.kind in (*_SERVERS, *_HANDLERS, *_TRANSPORTS) for each in found):
            servers = [each for each in self._by_node.values() if each.kind.kind in _SERVERS]
            if len(servers) == 1 and self.is_server_type(node, module):
                found.append(servers[0])
        yield from found

    def is_server_type(self, node: SyntaxNode, module: ScriptModule) -> bool:
        """Return whether the type of a parameter or a field is a server class of the SDK."""
        annotation = node.child("type")
        for part in annotation.within() if annotation is not None else ():
            if part.kind == "type_identifier":
                known = self.known(part, module)
                if known is not None and known[0].kind in _SERVERS:
                    return True
        return False

    def _property(self, expr: SyntaxNode, module: ScriptModule, depth: int) -> Iterator[SdkObject]:
        owner, name = expr.child("object"), expr.child("property")
        if owner is None or name is None:
            return
        if name.text == "server":
            inner = [
                each for each in self.objects(owner, module, depth - 1) if each.kind.kind in (*_SERVERS, *_HANDLERS)
            ]
            yield from inner
            if inner:
                return
        kind = self._tree.class_of(owner, module)
        if kind is not None:
            for node in kind.module.members(kind.node, name.text):
                value = node.child("value") if node.kind.endswith("field_definition") else node
                if node.kind.endswith("_parameter"):
                    yield from self._parameter(node, (), kind.module, depth)
                elif value is not None:
                    yield from self.objects(value, kind.module, depth - 1)
        elif bare(owner).kind == "identifier":
            yield from self._taken(self._source(owner, module), name.text, module, depth)

    def _source(self, owner: SyntaxNode, module: ScriptModule) -> SyntaxNode:
        bound = module.bindings(owner)
        plain = bound and not bound[-1].is_parameter and not bound[-1].path
        return bound[-1].node if plain else owner

    def _factory(self, handler: SdkObject) -> list[SdkObject]:
        """Return the servers that the function makes which a handler gets."""
        given = handler.node.arguments()
        function = bare(given[0]) if given else None
        if function is not None and function.kind not in FUNCTIONS:
            found = self._tree.resolve(function, handler.module)
            if not isinstance(found, CodePart) or found.node.kind not in FUNCTIONS:
                return []
            values, module = returned(found.node), found.module
        else:
            values, module = (returned(function) if function is not None else []), handler.module
        return [each for value in values for each in self.objects(value, module) if each.kind.kind in _SERVERS]

    def _connections(self) -> Iterator[tuple[SdkObject, SdkObject, ScriptModule, SyntaxNode]]:
        """Yield each server with a transport, and the call that connects them."""
        linked = set()
        for module in self._tree.modules:
            for call in module.calls:
                function, given = call.child("function"), call.arguments()
                if function is None or function.kind != "member_expression" or len(given) != 1:
                    continue
                owner, name = function.child("object"), function.child("property")
                if owner is None or name is None or name.text != "connect":
                    continue
                for transport in self.objects(given[0], module):
                    for server in self.objects(owner, module):
                        if transport.kind.kind in _TRANSPORTS and server.kind.kind in _SERVERS:
                            linked.add(transport.node)
                            yield server, transport, module, call
        servers = [each for each in self.all if each.kind.kind in _SERVERS]
        for transport in self._transports:
            near = [each for each in servers if each.module is transport.module] or servers
            if transport.node not in linked and len(near) == 1:
                yield near[0], transport, transport.module, transport.node

    def transports(self, server: SdkObject) -> Iterator[TransportUse]:
        """Yield the transports of a server."""
        for transport in self._of_server(server):
            where = transport.location
            value = CodeValue("literal", _TRANSPORTS[transport.kind.kind], "", where)
            yield TransportUse(transport.name, value, where, self._shared.get(transport.node))
        for handler in self._handlers:
            if server is handler or server in self._factory(handler):
                where = handler.location
                value = CodeValue("literal", _HANDLERS[handler.kind.kind], "", where)
                yield TransportUse(handler.name, value, where)

    def _of_server(self, server: SdkObject) -> list[SdkObject]:
        return list(dict.fromkeys(transport for each, transport, _, _ in self.links if each is server))

    def settings(self, server: SdkObject) -> Iterator[FlagSetting]:
        """Yield the places that set a flag of a server."""
        for transport in self._of_server(server):
            given = transport.node.arguments()
            for flag in _OPTIONS if transport.kind.kind == "http" else ():
                setting = self._setting(flag, given[0] if given else None, transport, "transport")
                if setting is not None:
                    yield setting
        for handler in self._handlers:
            if handler.kind.kind == "http-handler" and (server is handler or server in self._factory(handler)):
                yield FlagSetting(
                    "stateless_http", "handler", CodeValue("literal", True, "", handler.location), handler.location
                )
                yield from self._misplaced(handler.node.arguments()[1:], handler, "handler-options")
        yield from self._misplaced(
            server.node.arguments()[1:] if server.kind.kind in _SERVERS else [], server, "constructor"
        )

    def _misplaced(self, given: list[SyntaxNode], owner: SdkObject, place: FlagPlace) -> Iterator[FlagSetting]:
        """Yield the options of transports in an object that does not take them."""
        for options in given:
            for part in bare(options).children if bare(options).kind == "object" else ():
                for flag, name in _OPTIONS.items():
                    if key_of(part) == name and part.kind in ("pair", "shorthand_property_identifier"):
                        where = owner.module.location(part)
                        yield FlagSetting(flag, place, UNSET, where)

    def _setting(
        self, flag: FlagName, options: SyntaxNode | None, transport: SdkObject, place: FlagPlace
    ) -> FlagSetting | None:
        option = self._values.option(options, _OPTIONS[flag], transport.module)
        where = transport.location
        if flag == "json_response":
            if option.node is None or option.module is None:
                return FlagSetting(flag, place, option.value, where) if option.value.kind != "unset" else None
            found = self._values.of(option.node, option.module)
            return FlagSetting(
                flag, place, found._replace(value=flag_setting(found)), option.module.location(option.node)
            )
        value = self._sessions(option, where)
        return FlagSetting(flag, place, value, value.location or where)

    def _sessions(self, option: CallOption, where: Location) -> CodeValue:
        """Return whether a transport has no sessions. A transport without a function for session IDs has none."""
        if option.node is None or option.module is None:
            unset = option.value.kind == "unset"
            return CodeValue("literal", True, "", where) if unset else option.value._replace(value=None)
        found = self._values.of(option.node, option.module)
        if found.value in (FUNCTION, UNDEFINED):
            return found._replace(value=found.value == UNDEFINED)
        resolved = self._tree.resolve(option.node, option.module)
        imported = isinstance(resolved, External) and "." not in resolved.name
        if found.kind == "dynamic" and (imported or dotted(option.node).rpartition(".")[2] == "randomUUID"):
            return CodeValue("literal", False, "", option.module.location(option.node))
        return found._replace(kind="dynamic", value=None, origin=found.origin or "an expression")

    def parts(self, server: SdkObject) -> Iterator[ServerPart]:
        """Yield the parts of a server that keep or protect state."""
        for transport in self._of_server(server):
            given = transport.node.arguments()
            option = self._values.option(given[0] if given else None, "eventStore", transport.module)
            if option.node is None or option.module is None:
                continue
            made = bare(option.node)
            found = self._tree.resolve(made, option.module)
            made = found.node if isinstance(found, CodePart) else made
            named = made.child("constructor") if made.kind == "new_expression" else None
            name = named.text if named is not None else option.node.text[:60]
            if name != UNDEFINED:
                in_memory = "memory" in name.lower()
                yield ServerPart("event-store", name, option.module.location(option.node), in_memory, False)

    def title(self, server: SdkObject) -> str:
        """Return the name that the code gives a server, or ""."""
        given = server.node.arguments()
        option = (
            self._values.option(given[0], "name", server.module) if given and server.kind.kind in _SERVERS else None
        )
        if option is None or option.node is None or option.module is None:
            return ""
        return self._values.text(option.node, option.module)

    def arguments(self, server: SdkObject) -> tuple[str, ...]:
        """Return the names of the options of a server and of its handlers."""
        handlers = [each for each in self._handlers if server is each or server in self._factory(each)]
        given = [options for each in (server, *handlers) for options in each.node.arguments()[1:]]
        parts = [part for options in given for part in bare(options).children if bare(options).kind == "object"]
        return tuple(dict.fromkeys(key_of(part) for part in parts if key_of(part)))


def name_of(made: SdkObject) -> str:
    """Return the variable, field or property that gets a new object, or the name of the class around it."""
    for parent in made.node.around():
        if parent.kind in ("variable_declarator", "public_field_definition", "field_definition", "pair"):
            return key_of(parent)
        if parent.kind == "assignment_expression":
            left = parent.child("left")
            return dotted(left).removeprefix("this.") if left is not None else ""
        if parent.kind in (*FUNCTIONS, *CLASSES):
            break
    owner = class_around(made.node)
    function = function_around(made.node)
    named = (function.child("name") if function is not None else None) or (owner.child("name") if owner else None)
    return named.text if named is not None else made.name
