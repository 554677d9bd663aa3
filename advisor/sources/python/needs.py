"""Follows a tool through the functions that it calls, and finds the features of the protocol that it uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.sources.code_model import NeedUse, UseGuard
from advisor.sources.python.modules import Function, Module
from advisor.sources.python.resolve import CodeTree, Defined, arguments, passed
from advisor.sources.python.servers import Servers
from advisor.sources.python.syntax import default_of, last_name
from advisor.sources.python.tools import ToolFunction
from advisor.sources.python.values import Values

STEPS = 6
"""The most functions from a tool to a call of a feature."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_ROLES = {("ctx", "session"): "session", ("ctx", "request_context"): "request", ("request", "session"): "session"}
_ROLES |= {("request", "lifespan_context"): "lifespan", ("ctx", "lifespan_context"): "lifespan"}
_EVERYTHING = ("Exception", "BaseException")


class ReachedFunction(NamedTuple):
    """A function that a tool reaches.

    Attributes:
        module, function: the function.
        roles: what its parameters are: `ctx`, `session`, `request`, `lifespan`, or `global NAME` for an object of a
            module.
        guard: the guard of the calls that lead to it.
        branch: the name of the tool in the branch of a handler that leads to it, or "".
    """

    module: Module
    function: Function
    roles: Mapping[str, str]
    guard: UseGuard
    branch: str


class FeatureUses:
    """The features that tools use."""

    def __init__(self, tree: CodeTree, values: Values, servers: Servers, knowledge: Knowledge) -> None:
        """Args: tree, values, servers: the code; knowledge: has the calls of each feature."""
        self._tree, self._values, self._servers = tree, values, servers
        self._calls: dict[str, tuple[str, str]] = {}
        for feature in knowledge.features.values():
            for call in feature.calls:
                self._calls[call.call] = (feature.id, call.call)
        for spelling in knowledge.call_spellings.values():
            for name in spelling.also:
                self._calls.setdefault(name, self._calls[spelling.call])
        self._checks = frozenset(knowledge.support_checks)
        self._reached: dict[tuple[object, ...], list[ReachedFunction]] = {}
        self._stated: dict[Function, dict[str, str]] = {}
        self._sent = {name: entry.id for entry in knowledge.sent_notifications.values() for name in entry.names}
        self._ends: dict[Function, float] = {}
        self._objects: dict[str, Defined] = {}
        self._requests = {name: entry.id for entry in knowledge.input_requests.values() for name in entry.names}

    def visits(self, tool: ToolFunction) -> Iterator[ReachedFunction]:
        """Yield the function of a tool and the functions that it reaches, each once for each set of roles."""
        start = ReachedFunction(tool.module, tool.function, self._stated_roles(tool.module, tool.function), "none", "")
        todo = [(start, 0)]
        seen: set[tuple[object, ...]] = set()
        while todo:
            visit, steps = todo.pop()
            key = (visit.function, tuple(sorted(visit.roles.items())), visit.branch, visit.guard)
            if key in seen or len(seen) > 400:
                continue
            seen.add(key)
            yield visit
            if steps < STEPS:
                todo += [(found, steps + 1) for found in self._remembered(visit, tool)]

    def _remembered(self, visit: ReachedFunction, tool: ToolFunction) -> list[ReachedFunction]:
        """Return the functions that a function calls. Many tools reach the same functions."""
        if tool.dispatches and visit.function is tool.function:
            return list(self._called(visit, tool))
        key = (visit.function, tuple(sorted(visit.roles.items())), visit.guard, visit.branch)
        if key not in self._reached:
            self._reached[key] = list(self._called(visit, tool))
        return self._reached[key]

    def uses(self, visit: ReachedFunction, tool: ToolFunction) -> Iterator[tuple[str, NeedUse]]:
        """Yield the calls of features in a function, each with the name of the tool in a branch of a handler, or ""."""
        module = visit.module
        for node in visit.module.within(visit.function):
            found = None
            if isinstance(node, ast.Call):
                found = self._feature(node, visit)
            if found is not None:
                feature, call = found
                guard = self._guard(node, visit)
                yield self._branch(node, visit, tool), NeedUse(feature, call, module.location(node), guard)
        for feature, call, place in (*self._resolved(visit.function, module), *self._input_required(visit)):
            yield visit.branch, NeedUse(feature, call, place)

    def is_server(self, value: ast.expr, annotation: ast.expr | None, module: Module) -> bool:
        """Return whether a value is a server of the tree, or has the type of a server."""
        typed = self._servers.kinds(annotation, module) if annotation is not None else []
        return any(kind.kind in ("server", "low-level-server") for kind in typed) or (
            self._servers.of(value, module) is not None
        )

    def role(self, expr: ast.expr, visit: ReachedFunction, depth: int = 6) -> str:
        """Return what an expression is in a function: see `ReachedFunction.roles`; "" for anything else."""
        if depth <= 0:
            return ""
        if isinstance(expr, ast.Await):
            return self.role(expr.value, visit, depth - 1)
        if isinstance(expr, ast.Name):
            if expr.id in visit.roles:
                return visit.roles[expr.id]
            for scope in visit.module.scopes(expr):
                stated = self._stated_roles(visit.module, scope).get(expr.id)
                if stated:
                    return stated
                for value in visit.module.bindings(scope, expr.id):
                    role = self.role(value, visit, depth - 1) if isinstance(value, ast.expr) else ""
                    if role:
                        return role
        if isinstance(expr, ast.Attribute):
            if expr.attr == "request_context" and self._servers.of(expr.value, visit.module) is not None:
                return "request"
            owner = self.role(expr.value, visit, depth - 1)
            if owner:
                return _ROLES.get((owner, expr.attr), "lifespan" if owner == "lifespan" else "")
            if isinstance(expr.value, ast.Name) and expr.value.id == "self":
                return self._attribute_role(expr, visit, depth)
        if isinstance(expr, ast.Call):
            if any(kind.kind == "context-function" for kind in self._servers.kinds(expr.func, visit.module)):
                return "ctx"
            if isinstance(expr.func, ast.Attribute) and expr.func.attr == "get_context":
                return "ctx" if self._servers.of(expr.func.value, visit.module) is not None else ""
        return ""

    def _attribute_role(self, expr: ast.Attribute, visit: ReachedFunction, depth: int) -> str:
        for value in visit.module.own_values(visit.module.class_of(expr), expr.attr):
            scope = next(iter(visit.module.scopes(value)), None)
            if scope is not None:
                there = ReachedFunction(visit.module, scope, self._stated_roles(visit.module, scope), "none", "")
                role = self.role(value, there, depth - 1)
                if role:
                    return role
        return ""

    def _stated_roles(self, module: Module, function: Function) -> dict[str, str]:
        """Return the roles of the parameters that have the type of a context."""
        if function in self._stated:
            return dict(self._stated[function])
        found: dict[str, str] = {}
        for parameter in arguments(function):
            default = default_of(parameter.arg, function)
            stated = [*_types(parameter.annotation), *([default.func] if isinstance(default, ast.Call) else [])]
            kinds = {kind.kind for part in stated for kind in self._servers.kinds(part, module)}
            if kinds & {"context", "context-function"}:
                found[parameter.arg] = "ctx"
            elif "session" in kinds:
                found[parameter.arg] = "session"
        self._stated[function] = found
        return dict(found)

    def _called(self, visit: ReachedFunction, tool: ToolFunction) -> Iterator[ReachedFunction]:
        for node in visit.module.within(visit.function):
            if not isinstance(node, ast.Call):
                continue
            found, owner = self._function(node, visit)
            if found is None or found.node is visit.function or not isinstance(found.node, _FUNCTIONS):
                continue
            bound = found.module.class_of(found.node) is not None
            roles = self._stated_roles(found.module, found.node)
            for parameter in arguments(found.node):
                given = passed(node, found.node, parameter.arg, bound=bound)
                role = (self.role(given, visit) or self._global(given, visit)) if given is not None else ""
                if role:
                    roles[parameter.arg] = role
            if owner:
                roles["self"] = owner
            yield ReachedFunction(
                found.module, found.node, roles, self._guard(node, visit), self._branch(node, visit, tool)
            )

    def _global(self, expr: ast.expr, visit: ReachedFunction) -> str:
        """Return the role of an object of a class of the tree that a module makes; "" for anything else."""
        module = visit.module
        if not isinstance(expr, ast.Name) or expr.id in visit.roles:
            return ""
        for scope in module.scopes(expr):
            if module.bindings(scope, expr.id) or any(each.arg == expr.id for each in arguments(scope)):
                return ""
        kind = self._values.class_of(expr, module)
        if kind is None:
            return ""
        self._objects.setdefault(f"global {expr.id}", kind)
        return f"global {expr.id}"

    def _function(self, call: ast.Call, visit: ReachedFunction) -> tuple[Defined | None, str]:
        """Return the function of the tree that a call runs, and the role of its object."""
        func, module = call.func, visit.module
        if isinstance(func, ast.Attribute):
            if isinstance(func.value, ast.Name) and func.value.id in ("self", "cls"):
                here = module.class_of(func)
                member = self._tree.member(Defined(module, here), func.attr) if here is not None else None
                return (member if isinstance(member, Defined) else None), visit.roles.get("self", "")
            owner = self.role(func.value, visit) or self._global(func.value, visit)
            kind = self._objects.get(owner) or self._values.class_of(func.value, module)
            if kind is not None:
                member = self._tree.member(kind, func.attr)
                return (member if isinstance(member, Defined) else None), owner if owner in self._objects else ""
        found = self._tree.resolve(func, module)
        return (found if isinstance(found, Defined) else None), ""

    def _feature(self, call: ast.Call, visit: ReachedFunction) -> tuple[str, str] | None:
        func = call.func
        name = self._tree.resolve(func, visit.module)
        if isinstance(name, str) and name in self._calls:
            return self._calls[name]
        if not isinstance(func, ast.Attribute):
            return None
        role = self.role(func.value, visit)
        if role in ("ctx", "session") and func.attr == "send_notification" and call.args:
            return self._notification(call.args[0], role, visit)
        if role == "ctx":
            return self._calls.get(f"ctx.{func.attr}")
        if role != "session":
            return None
        if func.attr == "create_message" and any(each.arg == "related_request_id" for each in call.keywords):
            return self._calls.get("ctx.session.create_message(related_request_id)")
        return self._calls.get(f"ctx.session.{func.attr}") or self._calls.get(f"session.{func.attr}")

    def _notification(self, sent: ast.expr, role: str, visit: ReachedFunction) -> tuple[str, str] | None:
        """Return the call with the same effect as a notification that the code sends itself."""
        parts = list(ast.walk(sent))
        for part in list(parts):
            if isinstance(part, ast.Name):
                bound = [each for scope in visit.module.scopes(part) for each in visit.module.bindings(scope, part.id)]
                parts += [inner for each in bound for inner in ast.walk(each)]
        names = {last_name(part.func) for part in parts if isinstance(part, ast.Call)}
        call = next((self._sent[name] for name in sorted(names) if name in self._sent), "")
        own = f"{role}.send_notification({next(iter(names), '')}())"
        return self._calls.get(own) or self._calls.get(call)

    def _resolved(self, function: Function, module: Module, depth: int = 3) -> Iterator[tuple[str, str, Location]]:
        """Yield the questions of `Annotated[..., Resolve(question)]` parameters."""
        for parameter in arguments(function):
            for part in ast.walk(parameter.annotation) if parameter.annotation is not None and depth > 0 else ():
                if not isinstance(part, ast.Call) or not _is_named(self._tree.resolve(part.func, module), "Resolve"):
                    continue
                asked = self._tree.resolve(part.args[0], module) if part.args else None
                if not isinstance(asked, Defined) or not isinstance(asked.node, _FUNCTIONS):
                    continue
                for inner in asked.module.within(asked.node):
                    name = self._tree.resolve(inner.func, asked.module) if isinstance(inner, ast.Call) else None
                    for question in ("Elicit", "Sample", "ListRoots"):
                        if _is_named(name, question):
                            feature, call = self._calls[f"Resolve({question})"]
                            yield feature, call, asked.module.location(inner)
                yield from self._resolved(asked.node, asked.module, depth - 1)

    def _input_required(self, visit: ReachedFunction) -> Iterator[tuple[str, str, Location]]:
        places = [
            node
            for node in visit.module.within(visit.function)
            if isinstance(node, ast.Call)
            and _is_named(self._tree.resolve(node.func, visit.module), "InputRequiredResult")
        ]
        if places:
            names = {getattr(node, "attr", getattr(node, "id", "")) for node in visit.module.within(visit.function)}
            for feature in sorted({self._requests[name] for name in names & self._requests.keys()}):
                yield feature, "InputRequiredResult", visit.module.location(places[0])

    def _branch(self, node: ast.AST, visit: ReachedFunction, tool: ToolFunction) -> str:
        """Return the name of the tool in the branch `if name == "tool":` of a handler around a node."""
        if visit.branch or not tool.dispatches or visit.function is not tool.function:
            return visit.branch
        for parent, child in visit.module.around(node):
            name = ""
            if isinstance(parent, ast.If) and child in parent.body and isinstance(parent.test, ast.Compare):
                if isinstance(parent.test.ops[0], ast.Eq) and len(parent.test.ops) == 1:
                    sides = (parent.test.left, *parent.test.comparators)
                    name = next((text for side in sides if (text := self._text(side, visit.module))), "")
            elif isinstance(parent, ast.match_case) and isinstance(parent.pattern, ast.MatchValue):
                name = self._text(parent.pattern.value, visit.module)
            if name:
                return name
        return ""

    def _text(self, expr: ast.expr, module: Module) -> str:
        value = self._values.of(expr, module)
        return value.value if value.kind == "literal" and isinstance(value.value, str) else ""

    def _guard(self, node: ast.AST, visit: ReachedFunction) -> UseGuard:
        for parent, child in visit.module.around(node):
            if isinstance(parent, ast.Try) and child in parent.body and parent.handlers:
                goes_on = any(_continues(handler) for handler in parent.handlers)
                return "open" if goes_on and not _gives_up(_next(parent, visit.module)) else "caught"
            if isinstance(parent, ast.If) and child in parent.body and _asks_for_support(parent, self._checks):
                return "capability"
        if visit.function not in self._ends:
            self._ends[visit.function] = _first_end(visit, self._checks)
        if self._ends[visit.function] < getattr(node, "lineno", 0):
            return "capability"
        return visit.guard


def _asks_for_support(branch: ast.If, checks: frozenset[str]) -> bool:
    """Return whether the test of a branch looks at the capabilities of the client."""
    return any(getattr(each, "attr", getattr(each, "id", "")) in checks for each in ast.walk(branch.test))


def _first_end(visit: ReachedFunction, checks: frozenset[str]) -> float:
    """Return the line of the first branch that ends a function for a client without a feature; infinity for none."""
    branches = [part for part in visit.module.within(visit.function) if isinstance(part, ast.If)]
    last = [part for part in branches if isinstance(part.body[-1], (ast.Return, ast.Raise))]
    ends = [part for part in last if _asks_for_support(part, checks)]
    return min((part.lineno for part in ends), default=float("inf"))


def _continues(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler catches every error, and the code then continues as after a success."""
    caught = [] if handler.type is None else [getattr(part, "id", "") for part in ast.walk(handler.type)]
    if caught and not set(caught) & set(_EVERYTHING):
        return False
    last = handler.body[-1]
    if isinstance(last, ast.Return):
        return isinstance(last.value, ast.Constant) and last.value.value is True
    return not isinstance(last, (ast.Raise, ast.Continue, ast.Break)) and not any(
        isinstance(part, (ast.Raise, ast.Return)) for part in ast.walk(handler)
    )


def _next(statement: ast.AST, module: Module) -> ast.AST | None:
    """Return the statement that runs after a statement in the same function, or None."""
    for parent, child in ((module.parents.get(statement), statement), *module.around(statement)):
        for block in ("body", "orelse", "finalbody"):
            siblings = getattr(parent, block, None)
            if isinstance(siblings, list) and child in siblings and siblings[-1] is not child:
                after: ast.AST = siblings[siblings.index(child) + 1]
                return after
    return None


def _gives_up(statement: ast.AST | None) -> bool:
    """Return whether a statement only raises an error, or returns a fixed value other than True."""
    if isinstance(statement, ast.Raise):
        return True
    if not isinstance(statement, ast.Return):
        return False
    value = statement.value
    if isinstance(value, ast.Call):  # a result with a fixed text, such as an error for the model
        return bool(value.args) and all(
            isinstance(part, (ast.Constant, ast.Dict, ast.JoinedStr)) for part in value.args
        )
    return not (isinstance(value, ast.Constant) and value.value is True) and not any(
        isinstance(part, (ast.Await, ast.Call)) for part in (ast.walk(value) if value is not None else ())
    )


def _types(annotation: ast.expr | None) -> list[ast.expr]:
    """Return the parts of an annotation such as `Context | None`, also of a text."""
    if annotation is None:
        return []
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        name = annotation.value.split("[")[0].split("|")[0].strip()
        return [ast.Name(name, ast.Load())] if name.isidentifier() else []
    if isinstance(annotation, ast.BinOp):
        return [*_types(annotation.left), *_types(annotation.right)]
    if isinstance(annotation, ast.Subscript) and getattr(
        annotation.value, "id", getattr(annotation.value, "attr", "")
    ) in (
        "Optional",
        "Union",
        "Annotated",
    ):
        inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        return [part for each in inner for part in _types(each)]
    return [annotation]


def _is_named(resolved: Defined | str | None, name: str) -> bool:
    return isinstance(resolved, str) and resolved.startswith(("mcp", "fastmcp")) and resolved.endswith(f".{name}")
