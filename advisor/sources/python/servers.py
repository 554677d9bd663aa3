"""Finds the server objects of a tree, and everything that sets their flags and transports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.knowledge.scan import FLAGS, CodeName, FlagName
from advisor.sources.code_model import UNSET, CodeValue, FlagPlace, FlagSetting, ServerPart, TransportUse
from advisor.sources.python.modules import Function, Module, Opaque
from advisor.sources.python.resolve import DEPTH, CodeTree, Defined, argument, arguments, passed
from advisor.sources.python.syntax import flag_of, last_name
from advisor.sources.python.values import Values

HTTP = "streamable-http"
_SAME = {"http": HTTP, "streamable_http": HTTP}
_SERVERS = ("server", "low-level-server")
_REGISTERS = ("tool", "add_tool")
_EVENT_STORE = "event-store"
_PARTS = ("oauth-proxy", _EVENT_STORE, "bus", "sealing")


class ServerObject(NamedTuple):
    """A call that makes a server.

    Attributes:
        module, call: the call and its module.
        kind: the class in rules/scan.yaml.
        class_name: the class as written in the code.
        name: the variable with the server, or "".
        made_by: all calls that make the server, in the branches of the same function.
        calls: the calls with arguments of the constructor: the call, and `super().__init__` of a subclass.
    """

    module: Module
    call: ast.Call
    kind: CodeName
    class_name: str
    name: str
    made_by: tuple[ast.Call, ...]
    calls: tuple[tuple[Module, ast.Call], ...]

    @property
    def location(self) -> Location:
        """The place of the call."""
        return self.module.location(self.call)


class Servers:
    """The servers of a tree."""

    def __init__(self, tree: CodeTree, values: Values, knowledge: Knowledge) -> None:
        """Find the servers."""
        self._tree, self._values = tree, values
        self._names = {name: code for code in knowledge.code_names.values() for name in (code.id, *code.also)}
        self._methods = knowledge.server_methods
        self._found: dict[ast.expr, ServerObject | None] = {}
        self._known = [
            (module, call, kind)
            for module in tree.modules
            for call in module.calls
            for kind in self.kinds(call.func, module)
        ]
        self._apps = [known for known in self._known if known[2].kind == "http-app"]
        self._starts: list[tuple[Module, ast.Attribute]] = []
        self._stores: list[tuple[Module, ast.Attribute]] = []
        for module in tree.modules:
            for attribute in module.attributes:
                if attribute.attr in self._methods:
                    self._starts.append((module, attribute))
                elif attribute.attr in FLAGS and isinstance(attribute.ctx, ast.Store):
                    self._stores.append((module, attribute))
        self.all = _joined(list(self._made()))
        self._by_call = {call: server for server in self.all for call in server.made_by}

    def kinds(self, expr: ast.expr, module: Module) -> list[CodeName]:
        """Return the names of rules/scan.yaml that an expression stands for, also as the base of a class."""
        if not isinstance(expr, (ast.Name, ast.Attribute, ast.Subscript)):
            return []
        names = self._tree.ancestors(self._tree.resolve(expr, module))
        return [self._names[name] for name in names if name in self._names]

    def of(self, expr: ast.expr, module: Module, depth: int = DEPTH) -> ServerObject | None:
        """Return the server that an expression stands for, or None."""
        if depth <= 0:
            return None
        if expr not in self._found:
            self._found[expr] = None  # for a definition that leads back to itself
            self._found[expr] = self._of(expr, module, depth)
        return self._found[expr]

    def behind(self, expr: ast.expr, module: Module) -> ServerObject | None:
        """Return the server that an object of the tree passes its tools on to, or None."""
        kind = self._values.class_of(expr, module)
        method = self._tree.member(kind, "tool") if kind is not None else None
        if not isinstance(method, Defined) or not isinstance(method.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return None
        inner = [part for part in ast.walk(method.node) if isinstance(part, ast.Attribute) and part.attr in _REGISTERS]
        return next((found for part in inner if (found := self.of(part.value, method.module)) is not None), None)

    def _of(self, expr: ast.expr, module: Module, depth: int) -> ServerObject | None:
        if isinstance(expr, ast.Await):
            expr = expr.value
        if isinstance(expr, ast.Call):
            return self._by_call.get(expr) or self._returned(expr, module, depth)
        if isinstance(expr, ast.Name):
            if expr.id == "self":
                return self._self(expr, module)
            for scope in module.scopes(expr):
                if module.bindings(scope, expr.id):
                    break
                if any(each.arg == expr.id for each in arguments(scope)):
                    return self._parameter(expr.id, scope, module, depth)
        if isinstance(expr, ast.Attribute):
            found = self._attribute(expr, module, depth)
            if found is not None:
                return found
        definition = self._tree.resolve(expr, module)
        if (
            isinstance(definition, Defined)
            and isinstance(definition.node, Opaque)
            and definition.node.parts_of is not None
        ):
            return self.of(definition.node.parts_of, definition.module, depth - 1)
        if isinstance(definition, Defined) and isinstance(
            definition.node, (ast.Call, ast.Await, ast.Name, ast.Attribute)
        ):
            return self.of(definition.node, definition.module, depth - 1) if definition.node is not expr else None
        return None

    def settings(self, server: ServerObject) -> Iterator[FlagSetting]:
        """Yield the places in the code that set a flag of a server."""
        for module, call in server.calls:
            yield from self._flags(call, module, "constructor")
        for module, method, started in self._method_calls(server):
            if started is not None:
                yield from self._flags(started, module, "run" if method.attr.startswith("run") else "app")
        for module, call, kind in self._apps:
            if self._serves(call, module) is server:
                yield from self._flags(call, module, "manager", kind.arguments)
        for module, attribute in self._stores:
            yield from self._stored(attribute, module, server)

    def transports(self, server: ServerObject) -> Iterator[TransportUse]:
        """Yield the calls that start a server or make its app."""
        for module, call, kind in self._known if server.kind.kind == "low-level-server" else ():
            if kind.kind in ("stdio", "sse") and (module is server.module or len(self.all) == 1):
                where = module.location(call)
                yield TransportUse(last_name(call.func), CodeValue("literal", kind.kind, "", where), where)
        for module, method, started in self._method_calls(server) if server.kind.kind == "server" else ():
            where = module.location(method)
            value = self._transport(method.attr, started, module, where)
            text = value.value
            known = _SAME.get(text, text) if isinstance(text, str) else None
            yield TransportUse(method.attr, value._replace(value=known), where)
        for module, call, _ in self._apps:
            if self._serves(call, module) is server:
                where = module.location(call)
                yield TransportUse(last_name(call.func), CodeValue("literal", HTTP, "", where), where)

    def _transport(self, method: str, call: ast.Call | None, module: Module, where: Location) -> CodeValue:
        """Return the transport that a call of a method states, or its default."""
        entry = self._methods[method]
        if entry.transport != "argument":
            return CodeValue("literal", entry.transport, "", where)
        given = argument(call, "transport", 0 if method.startswith("run") else None) if call is not None else None
        if given is not None:
            return self._values.of(given, module)
        stated = self._values.keyword(call, "transport", module) if call is not None else UNSET
        return CodeValue("literal", entry.default, "", where) if stated.kind == "unset" else stated

    def parts(self) -> Iterator[tuple[Module, ServerPart]]:
        """Yield the parts of servers that keep or protect state."""
        for module, call, kind in self._known:
            if kind.kind in _PARTS:
                given = {each.arg for each in call.keywords}
                shared = bool(given & set(kind.safe_with)) or (None in given and bool(kind.safe_with))
                name = last_name(call.func)
                in_memory = not shared and (kind.memory or "memory" in name.lower())
                yield module, ServerPart(kind.kind, name, module.location(call), in_memory, shared)
        yield from self._own_stores()

    def _own_stores(self) -> Iterator[tuple[Module, ServerPart]]:
        """Yield the event stores of classes that have the methods of the SDK without its base class."""
        known = {call for _, call, kind in self._known if kind.kind == _EVENT_STORE}
        calls = [(module, call) for module, call, kind in self._known if kind.kind in (*_SERVERS, "http-app")]
        for module, method in self._starts:
            parent = module.parents.get(method)
            calls += [(module, parent)] if isinstance(parent, ast.Call) and parent.func is method else []
        for module, call in calls:
            given = argument(call, "event_store")
            made = self._tree.resolve(given, module) if isinstance(given, (ast.Name, ast.Attribute)) else None
            found = made if isinstance(made, Defined) else Defined(module, given) if given is not None else None
            if found is None or not isinstance(found.node, ast.Call) or found.node in known:
                continue
            owner = self._tree.resolve(found.node.func, found.module)
            if isinstance(owner, Defined) and isinstance(owner.node, ast.ClassDef):
                known.add(found.node)
                name = owner.node.name
                place = found.module.location(found.node)
                yield found.module, ServerPart(_EVENT_STORE, name, place, "memory" in name.lower(), False)

    def _made(self) -> Iterator[ServerObject]:
        for module, call, kind in self._known:
            if kind.kind in _SERVERS:
                calls = ((module, call), *self._base_calls(call, module))
                name = _target(call, module)
                yield ServerObject(module, call, kind, last_name(call.func), name, (call,), calls)

    def _base_calls(self, call: ast.Call, module: Module) -> Iterable[tuple[Module, ast.Call]]:
        """Return the calls of `super().__init__` in the subclass that a call makes an object of."""
        owner = self._tree.resolve(call.func, module)
        if isinstance(owner, Defined) and isinstance(owner.node, ast.ClassDef):
            for part in ast.walk(owner.node):
                if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "__init__":
                    yield owner.module, part

    def _method_calls(self, server: ServerObject) -> Iterator[tuple[Module, ast.Attribute, ast.Call | None]]:
        """Yield the uses of methods that start a server, each with the call if it is called there."""
        for module, attribute in self._starts:
            if self.of(attribute.value, module) is server:
                parent = module.parents.get(attribute)
                yield module, attribute, parent if isinstance(parent, ast.Call) and parent.func is attribute else None

    def _flags(
        self, call: ast.Call, module: Module, place: FlagPlace, renamed: dict[FlagName, str] | None = None
    ) -> Iterator[FlagSetting]:
        for flag in FLAGS:
            value = self._values.keyword(call, (renamed or {}).get(flag, flag), module)
            if value.kind != "unset" and not (value.kind == "dynamic" and value.origin == "a `**` argument"):
                yield _setting(flag, place, value, module.location(call))

    def _stored(self, attribute: ast.Attribute, module: Module, server: ServerObject) -> Iterator[FlagSetting]:
        owner, parent = attribute.value, module.parents.get(attribute)
        if not isinstance(parent, ast.Assign):
            return
        of_server = (
            isinstance(owner, ast.Attribute) and owner.attr == "settings" and self.of(owner.value, module) is server
        )
        of_package = self._tree.resolve(owner, module) == "fastmcp.settings" and server.kind.id.startswith("fastmcp.")
        if of_server or of_package:
            flag: FlagName = "stateless_http" if attribute.attr == "stateless_http" else "json_response"
            yield _setting(flag, "settings", self._values.of(parent.value, module), module.location(attribute))

    def _serves(self, call: ast.Call, module: Module) -> ServerObject | None:
        given = argument(call, "app", 0) or argument(call, "server", 0)
        if given is None:
            return None
        inner = (
            given.value
            if isinstance(given, ast.Attribute) and given.attr in ("_mcp_server", "_lowlevel_server")
            else given
        )
        return self.of(inner, module)

    def _returned(self, call: ast.Call, module: Module, depth: int) -> ServerObject | None:
        found = self._tree.resolve(call.func, module)
        if not isinstance(found, Defined) or not isinstance(found.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return None
        for part in ast.walk(found.node):
            if isinstance(part, ast.Return) and part.value is not None:
                values = part.value.elts if isinstance(part.value, ast.Tuple) else [part.value]
                for value in values:
                    server = self.of(value, found.module, depth - 1)
                    if server is not None:
                        return server
        return None

    def _parameter(self, name: str, function: Function, module: Module, depth: int) -> ServerObject | None:
        owner = module.class_of(function)
        called = owner.name if function.name == "__init__" and owner is not None else function.name
        for other, call in self._tree.callers.get(called, []):
            given = passed(call, function, name, bound=owner is not None)
            if given is not None:
                server = self.of(given, other, depth - 1)
                if server is not None:
                    return server
        annotation = next((each.annotation for each in arguments(function) if each.arg == name), None)
        typed = annotation is not None and any(kind.kind in _SERVERS for kind in self.kinds(annotation, module))
        named = [server for server in self.all if server.name == name]
        if typed and named:  # a registration that the code finds by its name
            return named[0]
        if len(self.all) == 1 and (typed or named):
            return self.all[0]
        return named[0] if len({server.module.path for server in named}) == 1 else None

    def _self(self, expr: ast.Name, module: Module) -> ServerObject | None:
        """Return the server whose class has the method around `self`."""
        owner = module.class_of(expr)
        for server in self.all:
            made = self._tree.resolve(server.call.func, server.module)
            if isinstance(made, Defined) and made.node is owner:
                return server
        return None

    def _attribute(self, expr: ast.Attribute, module: Module, depth: int) -> ServerObject | None:
        if not isinstance(expr.value, ast.Name):
            return None
        owners: list[tuple[Module, ast.ClassDef]] = []
        if expr.value.id == "self":
            owner = module.class_of(expr)
            owners = [(module, owner)] if owner is not None else []
        else:
            made = self._tree.resolve(expr.value, module)
            if isinstance(made, Defined) and isinstance(made.node, ast.Call):
                kind = self._tree.resolve(made.node.func, made.module)
                if isinstance(kind, Defined) and isinstance(kind.node, ast.ClassDef):
                    owners = [(kind.module, kind.node)]
        for place, owner in owners:
            found = self._of_object(place, owner, expr.attr, depth)
            if found is not None:
                return found
        return None

    def _of_object(self, module: Module, owner: ast.ClassDef, name: str, depth: int) -> ServerObject | None:
        for value in module.own_values(owner, name):
            server = self.of(value, module, depth - 1)
            if server is not None:
                return server
        for base in owner.bases if depth > 1 else ():
            above = self._tree.resolve(base, module)
            if isinstance(above, Defined) and isinstance(above.node, ast.ClassDef):
                return self._of_object(above.module, above.node, name, depth - 1)
        return None


def _setting(flag: FlagName, place: FlagPlace, value: CodeValue, location: Location) -> FlagSetting:
    return FlagSetting(flag, place, value._replace(value=flag_of(value.value)), value.location or location)


def _joined(servers: list[ServerObject]) -> list[ServerObject]:
    """Return the servers, with a single server for several calls for the same variable of the same function."""
    found: dict[object, ServerObject] = {}
    for server in servers:
        scope = next(iter(server.module.scopes(server.call)), None)
        key = (server.module.path, scope, server.name) if server.name else server.call
        other = found.get(key)
        calls = (*other.calls, *server.calls) if other else server.calls
        made_by = (*other.made_by, server.call) if other else server.made_by
        found[key] = (other or server)._replace(calls=calls, made_by=made_by)
    return list(found.values())


def _target(call: ast.Call, module: Module) -> str:
    """Return the variable or attribute that gets a new object, or ""."""
    for parent, _ in module.around(call):
        if isinstance(parent, (ast.Assign, ast.AnnAssign)):
            target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
            return last_name(target)
    return ""
