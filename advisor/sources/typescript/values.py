"""Evaluates expressions: a value that the code states, or what decides the value outside the code. Never a guess."""

from __future__ import annotations

from typing import NamedTuple

from advisor.findings import Location
from advisor.sources.code_model import UNSET, CodeValue
from advisor.sources.typescript.modules import Binding, ScriptModule
from advisor.sources.typescript.resolve import DEPTH, CodePart, External, ScriptTree, function_name
from advisor.sources.typescript.syntax import (
    CLASSES,
    FUNCTIONS,
    SyntaxNode,
    bare,
    dotted,
    function_around,
    key_of,
    returned,
    text_of,
)

_ENVIRONMENT = ("process.env", "Bun.env", "import.meta.env", "env")
_READERS = ("Deno.env.get",)
_COMPUTED = "an expression"
_CONDITION = "a condition in the code"
FUNCTION = "function"
"""The literal value that stands for a function."""
UNDEFINED = "undefined"
"""The literal value that stands for `undefined` or `null`."""
_SAME = ("===", "==")
_METHODS = ("toLowerCase", "trim", "toUpperCase", "toString")


class CallOption(NamedTuple):
    """The value of an option in an object: the expression with its module, or what decides it.

    Attributes:
        module, node: the expression; None if no expression in the code is the value.
        value: what is known without an expression.
    """

    module: ScriptModule | None = None
    node: SyntaxNode | None = None
    value: CodeValue = UNSET


class ScriptValues:
    """Evaluates expressions of a tree."""

    def __init__(self, tree: ScriptTree) -> None:
        """Args: tree: the modules."""
        self._tree = tree

    def of(self, expr: SyntaxNode, module: ScriptModule, depth: int = DEPTH) -> CodeValue:
        """Return the value of an expression. `depth` is the most steps to the place that decides the value."""
        expr = bare(expr)
        here = module.location(expr)
        stated = _literal(expr)
        if stated is not None:
            return CodeValue("literal", stated, "", here)
        if depth <= 0:
            return CodeValue("dynamic", None, _COMPUTED, here)
        variable = self._variable(expr, module)
        if variable:
            return CodeValue("dynamic", None, f"the environment variable {variable}", here)
        if expr.kind in ("identifier", "shorthand_property_identifier"):
            return self._name(expr, module, depth)
        if expr.kind in ("member_expression", "subscript_expression"):
            return self._property(expr, module, depth)
        if expr.kind == "unary_expression":
            return self._unary(expr, module, depth)
        if expr.kind == "binary_expression":
            return self._binary(expr, module, depth)
        if expr.kind == "ternary_expression":
            return self._ternary(expr, module, depth)
        if expr.kind == "call_expression":
            return self._call(expr, module, depth)
        return CodeValue("dynamic", None, _COMPUTED, here)

    def text(self, expr: SyntaxNode, module: ScriptModule) -> str:
        """Return the text that an expression states, or ""."""
        value = self.of(expr, module)
        plain = isinstance(value.value, str) and value.value not in (FUNCTION, UNDEFINED)
        return value.value if value.kind == "literal" and plain else ""

    def option(self, given: SyntaxNode | None, name: str, module: ScriptModule, depth: int = DEPTH) -> CallOption:
        """Return the value of an option in the argument with the options, also in objects that it spreads."""
        if given is None or depth <= 0:
            return CallOption()
        given = bare(given)
        if given.kind == "object":
            return self._in_object(given, name, module, depth)
        if given.kind == "ternary_expression":
            return self._decided(given, name, module, depth)
        if given.kind in ("identifier", "member_expression", "call_expression"):
            stored = self._stored(given, name, module) if given.kind == "identifier" else None
            if stored is not None:
                return stored
            found = self._tree.resolve(given, module)
            if (
                isinstance(found, CodePart)
                and found.node is not given
                and found.node.kind in ("object", "call_expression")
            ):
                return self.option(found.node, name, found.module, depth - 1)
            called = self._tree.called(given, module) if given.kind == "call_expression" else None
            objects = [each for each in returned(called.node) if each.kind == "object"] if called is not None else []
            if called is not None and len(objects) == 1:
                return self.option(objects[0], name, called.module, depth - 1)
        origin = f"`{dotted(given)}`" if dotted(given) else _COMPUTED
        return CallOption(value=CodeValue("dynamic", None, origin, module.location(given)))

    def _in_object(self, given: SyntaxNode, name: str, module: ScriptModule, depth: int) -> CallOption:
        for part in reversed(given.children):
            if part.kind == "spread_element" and part.children:
                found = self.option(part.children[0], name, module, depth - 1)
                if found.node is not None or found.value.kind != "unset":
                    unknown = found.node is None and found.value.origin.startswith("`")
                    if not unknown or not any(key_of(each) == name for each in given.children):
                        return found
            elif (part.kind == "shorthand_property_identifier" and part.text == name) or (
                part.kind == "method_definition" and key_of(part) == name
            ):
                return CallOption(module, part)
            elif part.kind == "pair" and key_of(part) == name:
                return CallOption(module, part.child("value"))
        return CallOption()

    def _decided(self, given: SyntaxNode, name: str, module: ScriptModule, depth: int) -> CallOption:
        """Return an option of `condition ? {...} : {...}`."""
        sides = [part for part in (given.child("consequence"), given.child("alternative")) if part is not None]
        found = [self.option(side, name, module, depth - 1) for side in sides]
        if all(each.node is None and each.value.kind == "unset" for each in found):
            return CallOption()
        return CallOption(value=CodeValue("dynamic", None, self._origin(given, module, depth), module.location(given)))

    def _stored(self, given: SyntaxNode, name: str, module: ScriptModule) -> CallOption | None:
        """Return the value of `options.name = value` for the same options, or None."""
        for node in module.assigned:
            left, right = node.child("left"), node.child("right")
            if left is None or right is None or dotted(left) != f"{given.text}.{name}":
                continue
            if function_around(node) is not function_around(given):
                continue
            conditions = [each for each in node.around() if each.kind == "if_statement"]
            return (
                CallOption(value=CodeValue("dynamic", None, _CONDITION, module.location(node)))
                if conditions
                else CallOption(module, right)
            )
        return None

    def _origin(self, ternary: SyntaxNode, module: ScriptModule, depth: int) -> str:
        condition = ternary.child("condition")
        value = self.of(condition, module, depth - 1) if condition is not None else UNSET
        return value.origin if value.kind == "dynamic" and value.origin != _COMPUTED else _CONDITION

    def _variable(self, expr: SyntaxNode, module: ScriptModule) -> str:
        """Return the name of the environment variable that an expression reads, or ""."""
        if expr.kind == "member_expression":
            owner, _, name = dotted(expr).rpartition(".")
            return name if owner in _ENVIRONMENT[:-1] else ""
        if expr.kind == "subscript_expression":
            owner_node, index = expr.child("object"), expr.child("index")
            if owner_node is not None and index is not None and dotted(owner_node) in _ENVIRONMENT[:-1]:
                return text_of(index) or ""
        if expr.kind == "call_expression":
            function, given = expr.child("function"), expr.arguments()
            if function is not None and dotted(function) in _READERS and given:
                return text_of(given[0]) or ""
        if expr.kind == "identifier":
            for binding in module.bindings(expr):
                if len(binding.path) == 1 and dotted(binding.node) in _ENVIRONMENT[:-1]:
                    return binding.path[0]
        return ""

    def _name(self, expr: SyntaxNode, module: ScriptModule, depth: int) -> CodeValue:
        here = module.location(expr)
        bound = module.bindings(expr)
        values = [self._bound(binding, expr, module, depth) for binding in bound]
        if values:
            return _joined(values, here)
        found = self._tree.resolve(expr, module)
        if isinstance(found, CodePart):
            return self._defined(found, depth)
        if isinstance(found, External) and found.name != "*":
            return CodeValue("dynamic", None, f"`{expr.text}`", here)
        return CodeValue("dynamic", None, f"`{expr.text}`", here)

    def _bound(self, binding: Binding, expr: SyntaxNode, module: ScriptModule, depth: int) -> CodeValue:
        node = binding.node
        if binding.is_parameter:
            return self._parameter(binding, expr, module, depth)
        if binding.path:
            if len(binding.path) == 1 and binding.path[0] != "[]":
                option = self.option(node, binding.path[0], module, depth - 1)
                if option.node is not None and option.module is not None:
                    return self.of(option.node, option.module, depth - 1)
            return CodeValue("dynamic", None, f"`{expr.text}`", module.location(expr))
        if node.kind == "variable_declarator":  # without a value
            return CodeValue("literal", UNDEFINED, "", module.location(node))
        return self.of(node, module, depth - 1)

    def _defined(self, found: CodePart, depth: int) -> CodeValue:
        if found.node.kind in CLASSES:
            return CodeValue("dynamic", None, _COMPUTED, found.module.location(found.node))
        return self.of(found.node, found.module, depth - 1)

    def _parameter(self, binding: Binding, expr: SyntaxNode, module: ScriptModule, depth: int) -> CodeValue:
        """Return the value of a parameter from all calls in the tree, or its default."""
        default = binding.node.child("value")
        values = []
        for other, given in self._tree.passed(binding.node, module):
            if binding.path:
                option = self.option(given, binding.path[0], other, depth - 1)
                if option.node is not None and option.module is not None:
                    values.append(self.of(option.node, option.module, depth - 1))
                else:
                    values.append(option.value)
            else:
                values.append(self.of(given, other, depth - 1))
        values = [value for value in values if value.kind != "unset"]
        if values:
            return _joined(values, module.location(expr))
        stated = self.of(default, module, depth - 1) if default is not None and not binding.path else UNSET
        function = function_around(expr)
        name = function_name(function) if function is not None else ""
        origin = f"the parameter `{expr.text}`" + (f" of `{name}`" if name else "")
        known = stated.value if stated.kind == "literal" else None
        return CodeValue("dynamic", known, origin, module.location(binding.node))

    def _property(self, expr: SyntaxNode, module: ScriptModule, depth: int) -> CodeValue:
        found = self._tree.resolve(expr, module)
        if isinstance(found, CodePart) and found.node is not expr:
            return self._defined(found, depth)
        owner, name = expr.child("object"), expr.child("property")
        if owner is not None and name is not None and bare(owner).kind == "identifier":
            option = self.option(owner, name.text, module, depth - 1)
            if option.node is not None and option.module is not None:
                return self.of(option.node, option.module, depth - 1)
        text = dotted(expr)
        return CodeValue("dynamic", None, f"`{text}`" if text else _COMPUTED, module.location(expr))

    def _unary(self, expr: SyntaxNode, module: ScriptModule, depth: int) -> CodeValue:
        inner = self.of(expr.children[-1], module, depth - 1)
        if expr.text.startswith("!"):
            known = _truth(inner.value)
            return inner._replace(value=None if known is None else not known)
        return CodeValue("dynamic", None, inner.origin or _COMPUTED, module.location(expr))

    def _binary(self, expr: SyntaxNode, module: ScriptModule, depth: int) -> CodeValue:
        left, right, sign = expr.child("left"), expr.child("right"), expr.child("operator")
        here = module.location(expr)
        if left is None or right is None or sign is None:
            return CodeValue("dynamic", None, _COMPUTED, here)
        first, second = self.of(left, module, depth - 1), self.of(right, module, depth - 1)
        dynamic = next((value for value in (first, second) if value.kind == "dynamic"), None)
        if sign.text in ("===", "==", "!==", "!="):
            known = (
                None
                if first.value is None or second.value is None
                else (first.value == second.value) == (sign.text in _SAME)
            )
            return (dynamic or first)._replace(value=known)
        if sign.text in ("??", "||") and first.kind == "dynamic":
            default = second.value if first.value is None and second.kind == "literal" else None
            return first._replace(value=default)
        if sign.text == "??" and first.value == UNDEFINED:
            return second
        return CodeValue("dynamic", None, dynamic.origin if dynamic is not None else _CONDITION, here)

    def _ternary(self, expr: SyntaxNode, module: ScriptModule, depth: int) -> CodeValue:
        condition, yes, no = (expr.child(name) for name in ("condition", "consequence", "alternative"))
        if condition is None or yes is None or no is None:
            return CodeValue("dynamic", None, _COMPUTED, module.location(expr))
        decided = self.of(condition, module, depth - 1)
        known = _truth(decided.value)
        first, second = self.of(yes, module, depth - 1), self.of(no, module, depth - 1)
        if decided.kind == "literal" and known is not None:
            return first if known else second
        if first.kind == second.kind == "literal" and first.value == second.value:
            return first
        origin = decided.origin if decided.kind == "dynamic" and decided.origin != _COMPUTED else _CONDITION
        chosen = None if known is None else (first if known else second).value
        return CodeValue("dynamic", chosen, origin, decided.location or module.location(expr))

    def _call(self, expr: SyntaxNode, module: ScriptModule, depth: int) -> CodeValue:
        here = module.location(expr)
        function = expr.child("function")
        name = dotted(function) if function is not None else ""
        if function is not None and function.kind == "member_expression" and name.rpartition(".")[2] in _METHODS:
            owner = function.child("object")
            inner = self.of(owner, module, depth - 1) if owner is not None else UNSET
            return inner if inner.kind != "unset" else CodeValue("dynamic", None, _COMPUTED, here)
        if name in ("Boolean", "String", "Number") and expr.arguments():
            inner = self.of(expr.arguments()[0], module, depth - 1)
            return inner._replace(value=_truth(inner.value) if name == "Boolean" else inner.value)
        called = self._tree.called(expr, module)
        if called is None:
            return CodeValue("dynamic", None, f"`{name}()`" if name else _COMPUTED, here)
        for part in called.node.within():  # a helper such as flag("STATELESS")
            if part.kind == "subscript_expression" and expr.arguments():
                owner, index = part.child("object"), part.child("index")
                if (
                    owner is not None
                    and index is not None
                    and dotted(owner) == "process.env"
                    and index.kind == "identifier"
                ):
                    variable = self.text(expr.arguments()[0], module)
                    if variable:
                        return CodeValue("dynamic", None, f"the environment variable {variable}", here)
        values = [self.of(value, called.module, depth - 2) for value in returned(called.node)]
        return _joined(values, here) if values else CodeValue("dynamic", None, _COMPUTED, here)


def flag_setting(value: CodeValue) -> bool | None:
    """Return the value of a boolean option; None if it is not known. `undefined` is False."""
    return _truth(value.value)


def _literal(expr: SyntaxNode) -> bool | str | int | None:
    if expr.kind in ("true", "false"):
        return expr.kind == "true"
    if expr.kind in ("undefined", "null") or (expr.kind == "identifier" and expr.text == "undefined"):
        return UNDEFINED
    if expr.kind in FUNCTIONS:
        return FUNCTION
    if expr.kind == "number":
        return int(expr.text) if expr.text.isdigit() and len(expr.text) < 12 else expr.text
    return text_of(expr)


def _truth(value: object) -> bool | None:
    if value is None:
        return None
    return False if value == UNDEFINED else bool(value)


def _joined(values: list[CodeValue], here: Location) -> CodeValue:
    """Return the value of a name with several definitions. `let x;` before another definition does not count."""
    stated = [value for value in values if value.value != UNDEFINED] if len(values) > 1 else values
    dynamic = next((value for value in stated if value.kind == "dynamic"), None)
    if len(stated) == 1:
        return stated[0]
    if dynamic is not None:
        return dynamic._replace(value=None)
    if stated and len({repr(value.value) for value in stated}) == 1:
        return stated[0]
    return CodeValue("dynamic", None, _CONDITION, here)
