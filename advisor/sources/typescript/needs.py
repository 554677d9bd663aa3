"""Follows a tool through the functions that it calls, and finds the features of the protocol that it uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from advisor.knowledge import Knowledge
from advisor.knowledge.scan_typescript import TypescriptCall
from advisor.sources.code_model import NeedUse, UseGuard
from advisor.sources.typescript.modules import ScriptModule
from advisor.sources.typescript.resolve import CodePart, External, ScriptTree
from advisor.sources.typescript.servers import ScriptServers
from advisor.sources.typescript.syntax import (
    FUNCTIONS,
    SyntaxNode,
    bare,
    function_around,
    key_of,
    parameter_name,
    parameters,
    statements,
    type_names,
)
from advisor.sources.typescript.tools import ScriptTool
from advisor.sources.typescript.values import ScriptValues

STEPS = 6
"""The most functions from a tool to a call of a feature."""
_MOST = 300
_CONTEXT_NAMES = ("extra", "ctx", "context", "_extra", "_ctx", "_context")
_CONTEXT_TYPES = ("RequestHandlerExtra", "ServerContext")

Roles = Mapping[tuple[SyntaxNode, str], str]


class ReachedCode(NamedTuple):
    """A function that a tool reaches.

    Attributes:
        module, function: the function.
        roles: what its parameters are, by the parameter and the property that a pattern takes from it: `server`,
            `context`, `handler`, or a property of these.
        guard: the guard of the calls that lead to it.
        branch: the name of the tool in the branch of a handler that leads to it, or "".
    """

    module: ScriptModule
    function: SyntaxNode
    roles: Roles
    guard: UseGuard
    branch: str


class ScriptUses:
    """The features that tools use."""

    def __init__(self, tree: ScriptTree, values: ScriptValues, servers: ScriptServers, knowledge: Knowledge) -> None:
        """Args: tree, values, servers: the code; knowledge: has the calls of each feature."""
        self._tree, self._values, self._servers = tree, values, servers
        self._calls: dict[str, list[TypescriptCall]] = {}
        for call in knowledge.typescript_calls.values():
            for role in call.roles:
                self._calls.setdefault(role, []).append(call)
        self._last = {role.rpartition(".")[2] for role in self._calls}
        self._asks: dict[SyntaxNode, bool] = {}
        self._exits: dict[SyntaxNode, list[SyntaxNode]] = {}

    def visits(self, tool: ScriptTool) -> Iterator[ReachedCode]:
        """Yield the function of a tool and the functions that it reaches, each once for each set of roles."""
        todo = [(ReachedCode(tool.module, tool.function, _first_roles(tool.function), "none", ""), 0)]
        seen: set[tuple[object, ...]] = set()
        while todo and len(seen) < _MOST:
            visit, steps = todo.pop()
            key = (visit.function, tuple(sorted(visit.roles.values())), visit.branch, visit.guard)
            if key in seen:
                continue
            seen.add(key)
            yield visit
            if steps < STEPS:
                todo += [(found, steps + 1) for found in self._called(visit, tool)]

    def uses(self, visit: ReachedCode, tool: ScriptTool) -> Iterator[tuple[str, NeedUse]]:
        """Yield the calls of features in a function, each with the name of the tool in a branch of a handler, or ""."""
        for node in visit.function.within():
            call = self._feature(node, visit, tool) if node.kind == "call_expression" else None
            if call is not None:
                use = NeedUse(call.feature, call.id, visit.module.location(node), self._guard(node, visit))
                yield self.branch(node, visit, tool), use

    def role(self, expr: SyntaxNode, visit: ReachedCode, depth: int = 6) -> str:
        """Return what an expression is in a function: see `ReachedCode.roles`; "" for anything else."""
        expr = bare(expr)
        if depth <= 0:
            return ""
        if expr.kind == "member_expression":
            owner, name = expr.child("object"), expr.child("property")
            if owner is None or name is None:
                return ""
            role = self.role(owner, visit, depth - 1)
            if role:
                return role if (role, name.text) == ("server", "server") else f"{role}.{name.text}"
        if expr.kind in ("identifier", "shorthand_property_identifier"):
            for binding in visit.module.bindings(expr):
                if binding.is_parameter:
                    path = binding.path[0] if binding.path else ""
                    role = visit.roles.get((binding.node, path), "")
                    whole = visit.roles.get((binding.node, ""), "") or _typed_role(binding.node)
                    if role or whole:
                        return role or ".".join([whole, *binding.path])
                elif binding.node is not expr and "[]" not in binding.path:
                    role = self.role(binding.node, visit, depth - 1)
                    if role:
                        return ".".join([role, *binding.path])
            found = self._tree.resolve(expr, visit.module)
            if isinstance(found, External) and found.name == "inputRequired":
                return "input"
        if expr.kind in ("identifier", "member_expression", "call_expression", "shorthand_property_identifier"):
            kinds = {each.kind.kind for each in self._servers.objects(expr, visit.module)}
            if kinds & {"server", "low-level-server"}:
                return "server"
            return "handler" if "http-handler" in kinds else ""
        return ""

    def _feature(self, call: SyntaxNode, visit: ReachedCode, tool: ScriptTool) -> TypescriptCall | None:
        function = call.child("function")
        if function is None:
            return None
        name = function.child("property") or function
        if name.text not in self._last and function.kind != "identifier":
            return None
        if self._tree.called(call, visit.module) is not None:
            return None
        role = self.role(function, visit)
        if role.startswith("handler.") and role not in self._calls:
            role = f"server{role.removeprefix('handler')}"
        options = {key_of(part) for given in call.arguments() for part in given.within() if part.kind == "pair"}
        method = ""
        for entry in self._calls.get(role, ()):
            if tool.server.line not in entry.lines or (entry.option and entry.option not in options):
                continue
            method = method or self._method(call, visit.module)
            if not entry.method or entry.method == method:
                return entry
        return None

    def _method(self, call: SyntaxNode, module: ScriptModule) -> str:
        """Return the method of the protocol that the first argument of a call states, or "-"."""
        given = call.arguments()
        option = self._values.option(given[0], "method", module) if given else None
        if option is None or option.node is None or option.module is None:
            return "-"
        return self._values.text(option.node, option.module) or "-"

    def _called(self, visit: ReachedCode, tool: ScriptTool) -> Iterator[ReachedCode]:
        for node in visit.function.within():
            if node.kind != "call_expression":
                continue
            for found, name in self._functions(node, visit):
                if found.node is visit.function:
                    continue
                branch = self.branch(node, visit, tool) or (name if tool.dispatches else "")
                roles = self._passed(node, found, visit)
                yield ReachedCode(found.module, found.node, roles, self._guard(node, visit), branch)

    def _functions(self, call: SyntaxNode, visit: ReachedCode) -> Iterator[tuple[CodePart, str]]:
        """Yield the functions of the tree that a call runs, each with its key in a table of functions, or ""."""
        found = self._tree.called(call, visit.module)
        if found is not None:
            yield found, ""
            return
        function = call.child("function")
        table = function.child("object") if function is not None and function.kind == "subscript_expression" else None
        if function is not None and function.kind == "identifier":
            bound = [each.node for each in visit.module.bindings(function) if each.node.kind == "subscript_expression"]
            table = bound[0].child("object") if bound else None
        inside = self._tree.resolve(table, visit.module) if table is not None else None
        for part in inside.node.children if isinstance(inside, CodePart) and inside.node.kind == "object" else ():
            value = part.child("value") or part
            if not isinstance(inside, CodePart):
                continue
            entry = self._tree.resolve(value, inside.module) if part.kind != "method_definition" else None
            if part.kind == "method_definition":
                yield CodePart(inside.module, part), key_of(part)
            elif isinstance(entry, CodePart) and entry.node.kind in FUNCTIONS:
                yield entry, key_of(part)

    def _passed(self, call: SyntaxNode, found: CodePart, visit: ReachedCode) -> dict[tuple[SyntaxNode, str], str]:
        roles: dict[tuple[SyntaxNode, str], str] = {}
        for parameter, given in zip(parameters(found.node), call.arguments(), strict=False):
            role = self.role(given, visit)
            if role:
                roles[parameter, ""] = role
            for part in given.children if bare(given).kind == "object" else ():
                value = part.child("value") if part.kind == "pair" else part
                inner = self.role(value, visit) if value is not None else ""
                if inner:
                    roles[parameter, key_of(part)] = inner
        return roles

    def branch(self, node: SyntaxNode, visit: ReachedCode, tool: ScriptTool) -> str:
        """Return the name of the tool in the branch of a handler around a node, such as `case "tool":`."""
        if visit.branch or not tool.dispatches or visit.function is not tool.function:
            return visit.branch
        child = node
        for parent in node.around():
            name = ""
            if parent is visit.function:
                break
            if parent.kind == "switch_case" and child.field != "value":
                value = parent.child("value")
                name = self._values.text(value, visit.module) if value is not None else ""
            elif parent.kind == "if_statement" and child.field == "consequence":
                condition = parent.child("condition")
                compared = bare(condition) if condition is not None else None
                sign = compared.child("operator") if compared is not None else None
                if compared is not None and sign is not None and sign.text in ("===", "=="):
                    sides = [compared.child("left"), compared.child("right")]
                    texts = [self._values.text(side, visit.module) for side in sides if side is not None]
                    name = next((text for text in texts if text), "")
            if name:
                return name
            child = parent
        return ""

    def _guard(self, node: SyntaxNode, visit: ReachedCode) -> UseGuard:
        child = node
        for parent in node.around():
            if parent is visit.function.parent:
                break
            if parent.kind == "try_statement" and child.field == "body":
                handler = parent.child("handler")
                if handler is not None:
                    return "open" if _continues(handler) and not _gives_up(_next(parent)) else "caught"
            if parent.kind in ("if_statement", "ternary_expression") and child.field == "consequence":
                condition = parent.child("condition")
                if condition is not None and self._asks_for_support(condition, visit):
                    return "capability"
            if parent.kind == "statement_block" and self._ends_before(child, parent, visit):
                return "capability"
            child = parent
        return visit.guard

    def _ends_before(self, statement: SyntaxNode, block: SyntaxNode, visit: ReachedCode) -> bool:
        """Return whether a branch before a statement ends the function for a client without the feature."""
        if block not in self._exits:
            branches = [each for each in block.children if each.kind == "if_statement"]
            last = [(each, statements(each.child("consequence"))[-1:]) for each in branches]
            ends = ("return_statement", "throw_statement")
            self._exits[block] = [each for each, final in last if final and final[0].kind in ends]
        conditions = (each.child("condition") for each in self._exits[block] if each.start < statement.start)
        return any(each is not None and self._asks_for_support(each, visit) for each in conditions)

    def _asks_for_support(self, condition: SyntaxNode, visit: ReachedCode, depth: int = 3) -> bool:
        """Return whether a condition looks at the capabilities of the client, also through names and functions."""
        for part in condition.within():
            if part.kind in ("identifier", "property_identifier") and "apabilit" in part.text:
                return True
            if depth <= 0:
                continue
            if part.kind == "identifier":
                bound = [each.node for each in visit.module.bindings(part) if not each.is_parameter]
                values = [value for value in bound if value.kind not in FUNCTIONS and value is not part]
                if any(self._asks_for_support(value, visit, depth - 1) for value in values):
                    return True
            if part.kind == "call_expression":
                called = self._tree.called(part, visit.module)
                if called is not None and self._reads_capabilities(called.node):
                    return True
        return False

    def _reads_capabilities(self, function: SyntaxNode) -> bool:
        if function not in self._asks:
            named = (each for each in function.within() if each.kind == "property_identifier")
            self._asks[function] = any("apabilit" in each.text for each in named)
        return self._asks[function]


def _first_roles(function: SyntaxNode) -> dict[tuple[SyntaxNode, str], str]:
    """Return the roles of the parameters of a tool. The second is the context."""
    given = parameters(function)
    roles = {(given[1], ""): "context"} if len(given) > 1 else {}
    if len(given) == 1 and parameter_name(given[0]) in _CONTEXT_NAMES:
        roles[given[0], ""] = "context"
    return roles


def _typed_role(parameter: SyntaxNode) -> str:
    return "context" if set(type_names(parameter)) & set(_CONTEXT_TYPES) else ""


def _continues(handler: SyntaxNode) -> bool:
    """Return whether the code continues after a `catch` as after a success."""
    body = statements(handler.child("body"))
    if not body:
        return True
    if body[-1].kind == "return_statement":
        return body[-1].text.rstrip(";").endswith("true")
    ends = ("return_statement", "throw_statement", "continue_statement", "break_statement")
    return not any(part.kind in ends for part in handler.within() if function_around(part) is function_around(handler))


def _next(statement: SyntaxNode) -> SyntaxNode | None:
    """Return the statement that runs after a statement in the same function, or None."""
    child = statement
    for parent in statement.around():
        if parent.kind in FUNCTIONS:
            return None
        if parent.kind == "statement_block":
            index = parent.children.index(child)
            if index + 1 < len(parent.children):
                return parent.children[index + 1]
        child = parent
    return None


def _gives_up(statement: SyntaxNode | None) -> bool:
    """Return whether a statement only throws an error, or returns a value that no call makes."""
    if statement is None or statement.kind != "return_statement":
        return statement is not None and statement.kind == "throw_statement"
    if statement.text.rstrip(";").endswith("true"):
        return False
    return not any(part.kind == "call_expression" for part in statement.within())
