"""Evaluates expressions: a value that the code states, or what decides the value outside the code. Never a guess."""

from __future__ import annotations

import ast
from typing import Any

from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.sources.code_model import UNSET, CodeValue
from advisor.sources.python.modules import Function, Module, Opaque
from advisor.sources.python.resolve import DEPTH, CodeTree, Defined, arguments, passed
from advisor.sources.python.syntax import annotated_parts, converted, default_of, dotted, last_name

_COMPUTED = "an expression"


class Values:
    """Evaluates expressions of a tree."""

    def __init__(self, tree: CodeTree, knowledge: Knowledge) -> None:
        """Args: tree: the modules; knowledge: has the functions and classes that get values from outside."""
        self._tree = tree
        self._outside = {each.id: each.kind for each in knowledge.outside_values.values()}

    def of(self, expr: ast.expr, module: Module, depth: int = DEPTH) -> CodeValue:
        """Return the value of an expression.

        Args:
            expr: the expression.
            module: its module.
            depth: the most steps to the place that decides the value.
        """
        here = module.location(expr)
        if depth <= 0 or isinstance(expr, Opaque):
            return CodeValue("dynamic", None, _COMPUTED, here)
        if isinstance(expr, ast.Constant):
            return CodeValue("literal", expr.value, "", here)
        if isinstance(expr, ast.UnaryOp) and isinstance(expr.op, ast.Not):
            inner = self.of(expr.operand, module, depth - 1)
            return inner._replace(value=None if inner.value is None else not inner.value)
        if isinstance(expr, ast.Name):
            return self._name(expr, module, depth)
        if isinstance(expr, ast.Attribute):
            return self._attribute(expr, module, depth)
        if isinstance(expr, ast.Call):
            return self._call(expr, module, depth)
        if isinstance(expr, ast.Subscript):
            return self._subscript(expr, module, depth)
        if isinstance(expr, ast.Compare) and len(expr.ops) == 1:
            return self._compare(expr, module, depth)
        if isinstance(expr, ast.BoolOp):
            return self._any_of(expr, module, depth)
        if isinstance(expr, ast.IfExp):
            return self._joined([self.of(part, module, depth - 1) for part in (expr.body, expr.orelse)], here)
        return CodeValue("dynamic", None, _COMPUTED, here)

    def keyword(self, call: ast.Call, name: str, module: Module, depth: int = DEPTH) -> CodeValue:
        """Return the value of a keyword argument, also inside a `**` argument."""
        for keyword in call.keywords:
            if keyword.arg == name:
                return self.of(keyword.value, module, depth)
        for keyword in call.keywords:
            if keyword.arg is None:
                found = self._in_mapping(keyword.value, name, module, depth)
                if found.kind != "unset":
                    return found
        return UNSET

    def class_of(self, expr: ast.expr, module: Module) -> Defined | None:
        """Return the class of the tree that an expression is an object of, or None."""
        found = self._object(expr, module, DEPTH)
        return found if isinstance(found, Defined) and isinstance(found.node, ast.ClassDef) else None

    def _name(self, expr: ast.Name, module: Module, depth: int) -> CodeValue:
        for scope in module.scopes(expr):
            found = module.bindings(scope, expr.id)
            if found:
                return self._bound(found, module, module.location(expr), depth)
            if any(parameter.arg == expr.id for parameter in arguments(scope)):
                return self._parameter(expr.id, scope, module, depth)
        found = module.bindings(None, expr.id)
        if found:
            return self._bound(found, module, module.location(expr), depth)
        definition = self._tree.resolve(expr, module)
        if isinstance(definition, Defined) and isinstance(definition.node, ast.expr):
            return self.of(definition.node, definition.module, depth - 1)
        return CodeValue("dynamic", None, f"`{expr.id}`", module.location(expr))

    def _bound(self, found: list[Any], module: Module, here: Location, depth: int) -> CodeValue:
        values = [
            self.of(node, module, depth - 1)
            if isinstance(node, ast.expr)
            else CodeValue("dynamic", None, f"`{node.name}`", module.location(node))
            for node in found
        ]
        return self._joined(values, here)

    def _joined(self, values: list[CodeValue], here: Location) -> CodeValue:
        dynamic = [value for value in values if value.kind == "dynamic"]
        if len(values) == 1:
            return values[0]
        if dynamic:
            return dynamic[0]._replace(value=None)
        if len({repr(value.value) for value in values}) == 1:
            return values[0]
        return CodeValue("dynamic", None, "a condition in the code", here)

    def _parameter(self, name: str, function: Function, module: Module, depth: int) -> CodeValue:
        default = default_of(name, function)
        option = self._option(name, function, default, module, depth)
        if option is not None:
            return option
        calls = [
            (other, call)
            for other, call in self._tree.callers.get(function.name, [])
            if self._calls(call, other, function, module)
        ]
        values = []
        for other, call in calls:
            given = passed(call, function, name, bound=module.class_of(function) is not None)
            if given is not None:
                values.append(self.of(given, other, depth - 1))
            elif any(keyword.arg is None for keyword in call.keywords):
                values.append(CodeValue("dynamic", None, f"the parameter `{name}`", module.location(function)))
            elif default is not None:
                values.append(self.of(default, module, depth - 1))
        if values:
            return self._joined(values, module.location(function))
        stated = self.of(default, module, depth - 1) if default is not None else UNSET
        value = stated.value if stated.kind == "literal" else None
        origin = f"the parameter `{name}` of `{function.name}`"
        return CodeValue("dynamic", value, origin, module.location(function))

    def _calls(self, call: ast.Call, other: Module, function: Function, module: Module) -> bool:
        if isinstance(call.func, ast.Attribute):
            found = self._tree.resolve(call.func, other)
            return found is None or (isinstance(found, Defined) and found.node is function)
        found = self._tree.resolve(call.func, other)
        return isinstance(found, Defined) and found.node is function

    def _option(
        self, name: str, function: Function, default: ast.expr | None, module: Module, depth: int
    ) -> CodeValue | None:
        """Return the option of the command line that sets a parameter (typer and click)."""
        annotation = next((each.annotation for each in arguments(function) if each.arg == name), None)
        candidates = [default, *annotated_parts(annotation)]
        for call in candidates:
            if isinstance(call, ast.Call) and self._is_outside(call.func, module, "option"):
                stated = default if call is not default else (call.args[0] if call.args else None)
                return self._of_option(name, stated, call, module, depth)
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and self._is_outside(decorator.func, module, "option"):
                names = [part.value for part in decorator.args if isinstance(part, ast.Constant)]
                if name in {str(each).lstrip("-").partition("/")[0].replace("-", "_") for each in names}:
                    is_flag = any(keyword.arg == "is_flag" for keyword in decorator.keywords)
                    stated = next((each.value for each in decorator.keywords if each.arg == "default"), None)
                    return self._of_option(name, stated, decorator, module, depth, missing=False if is_flag else None)
        return None

    def _is_outside(self, function: ast.expr, module: Module, kind: str) -> bool:
        resolved = self._tree.resolve(function, module)
        return isinstance(resolved, str) and self._outside.get(resolved) == kind

    def _of_option(
        self, name: str, stated: ast.expr | None, call: ast.Call, module: Module, depth: int, missing: Any = None
    ) -> CodeValue:
        value = self.of(stated, module, depth - 1).value if stated is not None else missing
        return CodeValue("dynamic", value, f"the option --{name.replace('_', '-')}", module.location(call))

    def _call(self, expr: ast.Call, module: Module, depth: int) -> CodeValue:
        here = module.location(expr)
        name = dotted(expr.func)
        resolved = self._tree.resolve(expr.func, module)
        external = resolved if isinstance(resolved, str) else name
        if self._outside.get(external) == "environment" and expr.args:
            return self._environment(expr.args[0], expr.args[1] if len(expr.args) > 1 else None, here, module, depth)
        if isinstance(expr.func, ast.Attribute) and expr.func.attr in ("lower", "strip", "upper", "casefold"):
            inner = self.of(expr.func.value, module, depth - 1)
            text = inner.value
            return inner._replace(value=getattr(text, expr.func.attr)() if isinstance(text, str) else text)
        if name in ("bool", "str", "int") and expr.args:
            inner = self.of(expr.args[0], module, depth - 1)
            return inner._replace(value=converted(name, inner.value))
        if isinstance(resolved, Defined) and isinstance(resolved.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return self._returned(resolved, expr, module, depth)
        return CodeValue("dynamic", None, f"`{name}()`" if name else _COMPUTED, here)

    def _returned(self, function: Defined, call: ast.Call, module: Module, depth: int) -> CodeValue:
        """Return what a function of the tree gives. Helpers such as `env_flag("STATELESS", False)` are common."""
        for part in ast.walk(function.node):
            if isinstance(part, ast.Call) and self._outside.get(dotted(part.func)) == "environment" and part.args:
                first = part.args[0]
                if isinstance(first, ast.Name) and call.args:
                    default = call.args[1] if len(call.args) > 1 else None
                    return self._environment(call.args[0], default, module.location(call), module, depth)
                return self.of(part, function.module, depth - 1)._replace(value=None)
        returns = [part.value for part in ast.walk(function.node) if isinstance(part, ast.Return) and part.value]
        values = [self.of(part, function.module, depth - 1) for part in returns]
        return self._joined(values, module.location(call)) if values else CodeValue("dynamic", None, _COMPUTED)

    def _environment(
        self, name: ast.expr, default: ast.expr | None, here: Location, module: Module, depth: int
    ) -> CodeValue:
        variable = self.of(name, module, depth - 1).value
        origin = f"the environment variable {variable}" if variable else "an environment variable"
        stated = self.of(default, module, depth - 1) if default is not None else UNSET
        return CodeValue("dynamic", stated.value, origin, here)

    def _subscript(self, expr: ast.Subscript, module: Module, depth: int) -> CodeValue:
        if dotted(expr.value) in ("os.environ", "environ"):
            return self._environment(expr.slice, None, module.location(expr), module, depth)
        key = self.of(expr.slice, module, depth - 1)
        if isinstance(key.value, str):
            found = self._in_mapping(expr.value, key.value, module, depth - 1)
            if found.kind != "unset":
                return found
        return CodeValue("dynamic", None, f"`{dotted(expr.value) or 'a mapping'}`", module.location(expr))

    def _compare(self, expr: ast.Compare, module: Module, depth: int) -> CodeValue:
        left = self.of(expr.left, module, depth - 1)
        right = expr.comparators[0]
        if isinstance(expr.ops[0], (ast.In, ast.NotIn)) and isinstance(right, (ast.Tuple, ast.List, ast.Set)):
            choices = [self.of(part, module, depth - 1).value for part in right.elts]
            result = None if left.value is None else (left.value in choices) == isinstance(expr.ops[0], ast.In)
            return left._replace(value=result)
        other = self.of(right, module, depth - 1)
        if isinstance(expr.ops[0], (ast.Eq, ast.NotEq)) and other.kind == "literal":
            result = None if left.value is None else (left.value == other.value) == isinstance(expr.ops[0], ast.Eq)
            return left._replace(value=result)
        return CodeValue("dynamic", None, left.origin or _COMPUTED, module.location(expr))

    def _any_of(self, expr: ast.BoolOp, module: Module, depth: int) -> CodeValue:
        values = [self.of(part, module, depth - 1) for part in expr.values]
        dynamic = next((value for value in values if value.kind == "dynamic"), None)
        if dynamic is None:
            return CodeValue("dynamic", None, "a condition in the code", module.location(expr))
        return dynamic._replace(value=None)

    def _attribute(self, expr: ast.Attribute, module: Module, depth: int) -> CodeValue:
        here = module.location(expr)
        name = dotted(expr)
        found = self._tree.resolve(expr, module)
        if isinstance(found, Defined) and isinstance(found.node, ast.expr):
            return self.of(found.node, found.module, depth - 1)
        owner = self._object(expr.value, module, depth)
        if isinstance(owner, Defined) and isinstance(owner.node, ast.ClassDef):
            return self._field(owner, expr.attr, here, depth)
        if isinstance(owner, ast.Call) and last_name(owner.func) in ("parse_args", "parse_known_args"):
            return self._parsed_argument(expr.attr, module, here)
        return CodeValue("dynamic", None, f"`{name}`" if name else _COMPUTED, here)

    def _object(self, expr: ast.expr, module: Module, depth: int) -> Defined | ast.Call | None:
        """Return the class of an object of the tree, or the call that makes the object."""
        if depth <= 0:
            return None
        if isinstance(expr, ast.Name):
            for scope in module.scopes(expr):
                parameter = next((each for each in arguments(scope) if each.arg == expr.id), None)
                if parameter is not None and parameter.annotation is not None:
                    kind = self._tree.resolve(parameter.annotation, module)
                    return kind if isinstance(kind, Defined) else None
        if isinstance(expr, ast.Attribute) and isinstance(expr.value, ast.Name) and expr.value.id == "self":
            owner = module.class_of(expr)
            for assigned in module.own_values(owner, expr.attr):
                return self._object(assigned, module, depth - 1)
        if isinstance(expr, ast.Attribute):
            outer = self._object(expr.value, module, depth - 1)
            member = self._tree.member(outer, expr.attr) if isinstance(outer, Defined) else None
            if isinstance(member, Defined) and isinstance(member.node, ast.Call):  # settings in settings
                return self._object(member.node, member.module, depth - 1)
        found = Defined(module, expr) if isinstance(expr, ast.Call) else self._tree.resolve(expr, module)
        if not isinstance(found, Defined):
            return None
        if isinstance(found.node, ast.Call):
            made = self._tree.resolve(found.node.func, found.module)
            if isinstance(made, Defined) and isinstance(made.node, ast.ClassDef):
                return made
            if isinstance(made, Defined) and isinstance(made.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                returned = next(
                    (each for each in ast.walk(made.node) if isinstance(each, ast.Return) and each.value), None
                )
                kind = self._tree.resolve(made.node.returns, made.module) if made.node.returns is not None else None
                if isinstance(kind, Defined) and isinstance(kind.node, ast.ClassDef):
                    return kind
                return self._object(returned.value, made.module, depth - 1) if returned and returned.value else None
            return found.node
        return found if isinstance(found.node, ast.ClassDef) else None

    def _field(self, owner: Defined, name: str, here: Location, depth: int) -> CodeValue:
        """Return the value of a field of a settings object. A settings class of pydantic reads the environment."""
        assert isinstance(owner.node, ast.ClassDef)
        member = self._tree.member(owner, name)
        stated = UNSET
        place = here
        if isinstance(member, Defined) and isinstance(member.node, ast.expr):
            place = member.module.location(member.node)
            node = member.node
            if isinstance(node, ast.Call) and last_name(node.func) in ("Field", "field"):
                inner = next((each.value for each in node.keywords if each.arg == "default"), None)
                node = inner if inner is not None else (node.args[0] if node.args else node)
            stated = self.of(node, member.module, depth - 1)
        if not isinstance(member, Defined):
            for assigned in owner.module.own_values(owner.node, name):
                return self.of(assigned, owner.module, depth - 1)
        if stated.kind == "dynamic" and stated.origin.startswith("the environment variable"):
            return stated
        if any(self._outside.get(name) == "settings" for name in self._tree.ancestors(owner)):
            return CodeValue("dynamic", stated.value, f"the setting `{owner.node.name}.{name}` (environment)", place)
        return CodeValue("dynamic", stated.value, f"`{owner.node.name}.{name}`", place)

    def _parsed_argument(self, name: str, module: Module, here: Location) -> CodeValue:
        for call in module.calls:
            if last_name(call.func) != "add_argument":
                continue
            options = [
                part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
            names: set[object] = {option.lstrip("-").replace("-", "_") for option in options}
            names |= {
                each.value.value
                for each in call.keywords
                if each.arg == "dest" and isinstance(each.value, ast.Constant)
            }
            if name not in names:
                continue
            keywords = {each.arg: each.value for each in call.keywords}
            action = getattr(keywords.get("action"), "value", None)
            value = {"store_true": False, "store_false": True}.get(action) if isinstance(action, str) else None
            if "default" in keywords:
                value = self.of(keywords["default"], module, 3).value
            option = next((each for each in options if each.startswith("--")), options[0] if options else name)
            return CodeValue("dynamic", value, f"the option {option}", module.location(call))
        return CodeValue("dynamic", None, f"the option `{name}`", here)

    def _in_mapping(self, expr: ast.expr, key: str, module: Module, depth: int) -> CodeValue:
        """Return the value of a key in a mapping of the code; unset if the mapping does not have the key."""
        if depth <= 0:
            return CodeValue("dynamic", None, "a `**` argument", module.location(expr))
        if isinstance(expr, ast.Dict):
            for name, value in zip(expr.keys, expr.values, strict=True):
                if isinstance(name, ast.Constant) and name.value == key:
                    return self.of(value, module, depth - 1)
            spread = [value for name, value in zip(expr.keys, expr.values, strict=True) if name is None]
            found = [self._in_mapping(value, key, module, depth - 1) for value in spread]
            return next((value for value in found if value.kind != "unset"), UNSET)
        if isinstance(expr, ast.Call) and dotted(expr.func) == "dict":
            return self.keyword(expr, key, module, depth - 1)
        if isinstance(expr, ast.Name):
            stored = self._stored(expr, key, module, depth)
            if stored is not None:
                return stored
            scopes: list[ast.AST | None] = [*module.scopes(expr), None]
            bound = next((nodes for scope in scopes if (nodes := module.bindings(scope, expr.id))), [])
            values = [self._in_mapping(each, key, module, depth - 1) for each in bound if isinstance(each, ast.expr)]
            if values:
                return next((value for value in values if value.kind != "unset"), UNSET)
        return CodeValue("dynamic", None, "a `**` argument", module.location(expr))

    def _stored(self, expr: ast.Name, key: str, module: Module, depth: int) -> CodeValue | None:
        """Return the value of `name["key"] = value` in the function around a name, or None."""
        scope = next(iter(module.scopes(expr)), module.tree)
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                target = node.targets[0]
                constant = target.slice.value if isinstance(target.slice, ast.Constant) else None
                if isinstance(target.value, ast.Name) and target.value.id == expr.id and constant == key:
                    value = self.of(node.value, module, depth - 1)
                    inside = any(isinstance(each, ast.If) for each, _ in module.around(node))
                    return CodeValue("dynamic", None, "a condition in the code", value.location) if inside else value
        return None
