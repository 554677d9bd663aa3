"""Finds the functions that a registration stands for: behind names, loops, tables, parameters and `getattr`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TypeAlias

from advisor.sources.python.modules import Definition, Function, Module
from advisor.sources.python.resolve import CodeTree, Defined, argument, arguments, passed
from advisor.sources.python.syntax import dotted, is_name
from advisor.sources.python.values import Values

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_WRAPPERS = ("from_function", "tool", "Tool", "FunctionTool")
_SAME_ELEMENTS = ("list", "tuple", "set", "sorted", "reversed", "iter")
_LOOPS = (ast.For, ast.AsyncFor)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
_DEPTH = 6
_MOST = 400
"""The most functions of a registration in loops."""

Given: TypeAlias = Mapping[str, Defined]
"""What the variables of loops and the parameters stand for in a round of the loop, or in a call of the function."""


class RegisteredFunctions:
    """The functions of a tree that arguments of registrations stand for."""

    def __init__(self, tree: CodeTree, values: Values) -> None:
        """Args: tree, values: the code and its values."""
        self._tree, self._values = tree, values

    def rounds(self, call: ast.Call, module: Module) -> list[Given]:
        """Return what the variables around a registration stand for, for each round of the loops around it."""
        used = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
        loops = []
        for parent, child in module.around(call):
            if isinstance(parent, _LOOPS) and child in parent.body:
                loops.append((parent.target, parent.iter))
            elif isinstance(parent, _COMPREHENSIONS):
                loops += [(each.target, each.iter) for each in reversed(parent.generators)]
        used |= {node.id for _, values in loops for node in ast.walk(values) if isinstance(node, ast.Name)}
        found: list[Given] = list(islice(self._calls(call, module, used), _MOST))
        for target, values in reversed(loops):
            rounds = (
                {**given, **self._taken(target, each)} for given in found for each in self._of(values, module, given)
            )
            found = list(islice(rounds, _MOST)) or found
        return found

    def functions(
        self, expr: ast.expr, module: Module, given: Given | None = None, depth: int = _DEPTH
    ) -> list[Defined]:
        """Return the functions of the tree that an argument stands for."""
        given = given or {}
        if depth <= 0:
            return []
        if isinstance(expr, ast.Name) and expr.id in given:
            return self._behind(given[expr.id], depth)
        plain = self._plain(expr, module, given, depth)
        if plain is not None:
            return self._behind(plain, depth)
        if isinstance(expr, ast.Call):
            name = getattr(expr.func, "attr", getattr(expr.func, "id", ""))
            inner = [argument(expr, "fn", 0)] if name in _WRAPPERS else list(expr.args)
            parts = (
                each for part in inner if part is not None for each in self.functions(part, module, given, depth - 1)
            )
            return list(islice(parts, 1))
        if isinstance(expr, ast.Attribute) and isinstance(expr.value, ast.Name):
            owner = module.class_of(expr.value) if expr.value.id == "self" else None
            kind = Defined(module, owner) if owner is not None else self._values.class_of(expr.value, module)
            member = self._tree.member(kind, expr.attr) if kind is not None else None
            if isinstance(member, Defined) and isinstance(member.node, FUNCTIONS):
                return [member]
        found = self._tree.resolve(expr, module)
        if isinstance(found, Defined) and isinstance(found.node, ast.Call) and found.node is not expr:
            places = [*found.module.scopes(expr), None] if isinstance(expr, ast.Name) and found.module is module else []
            name = expr.id if isinstance(expr, ast.Name) else ""
            bound = next((nodes for place in places if (nodes := module.bindings(place, name))), [found.node])
            for node in reversed(bound):  # a function in a wrapper, such as `tool = wrapped(tool)`
                inside = self.functions(node, found.module, given, depth - 1) if isinstance(node, ast.expr) else []
                if inside:
                    return inside
        if isinstance(found, Defined) and found.node is not expr and isinstance(found.node, ast.Subscript):
            return self.functions(found.node, found.module, given, depth - 1)
        return [found] if isinstance(found, Defined) and isinstance(found.node, FUNCTIONS) else []

    def text(self, expr: ast.expr, module: Module, given: Given) -> str | None:
        """Return the text that an expression stands for, or None."""
        plain = given.get(expr.id) if isinstance(expr, ast.Name) else self._plain(expr, module, given, _DEPTH)
        if plain is not None:
            module, node = plain
            if not isinstance(node, ast.expr):
                return None
            expr = node
        value = self._values.of(expr, module)
        return value.value if value.kind == "literal" and isinstance(value.value, str) else None

    def _behind(self, found: Defined, depth: int) -> list[Defined]:
        if isinstance(found.node, FUNCTIONS):
            return [found]
        return self.functions(found.node, found.module, None, depth - 1) if isinstance(found.node, ast.expr) else []

    def _plain(self, expr: ast.expr, module: Module, given: Given, depth: int) -> Defined | None:
        """Return what a `getattr` or a look-up in a table stands for; None for another expression."""
        if depth <= 0:
            return None
        if isinstance(expr, ast.Call) and is_name(expr.func, "getattr") and len(expr.args) > 1:
            name = self.text(expr.args[1], module, given)
            return None if name is None else self._member(expr.args[0], name, module, given)
        if isinstance(expr, ast.Attribute) and self._imports(expr.value, module) is not None:
            return self._member(expr.value, expr.attr, module, given)
        if isinstance(expr, ast.Subscript):
            key = self.text(expr.slice, module, given)
            if key is not None and isinstance(expr.value, ast.Call) and is_name(expr.value.func, "globals"):
                return self._named(key, module)
            table = self._node(expr.value, module, given)
            if key is not None and table is not None and isinstance(table.node, ast.Dict):
                for part, value in zip(table.node.keys, table.node.values, strict=True):
                    if isinstance(part, ast.Constant) and part.value == key:
                        return Defined(table.module, value)
        return None

    def _member(self, owner: ast.expr, name: str, module: Module, given: Given) -> Defined | None:
        """Return the attribute of an object or a module."""
        imports = self._imports(owner, module)
        if imports is not None:
            dotted_name = self.text(imports, module, given)
            inner = self._tree.module(dotted_name, module) if dotted_name is not None else None
            return self._named(name, inner) if inner is not None else None
        node = given[owner.id] if isinstance(owner, ast.Name) and owner.id in given else Defined(module, owner)
        if not isinstance(node.node, ast.expr):
            return None
        return Defined(node.module, ast.Attribute(value=node.node, attr=name, ctx=ast.Load()))

    def _imports(self, expr: ast.expr, module: Module) -> ast.expr | None:
        """Return the name in the call of `importlib.import_module` that makes an object, or None."""
        found = Defined(module, expr) if isinstance(expr, ast.Call) else self._tree.resolve(expr, module)
        node = found.node if isinstance(found, Defined) and found.module is module else None
        is_import = isinstance(node, ast.Call) and dotted(node.func).endswith("import_module") and node.args
        return node.args[0] if isinstance(node, ast.Call) and is_import else None

    def _named(self, name: str, module: Module) -> Defined | None:
        found = module.bindings(None, name)
        return Defined(module, found[-1]) if found else None

    def _node(self, expr: ast.expr, module: Module, given: Given) -> Defined | None:
        """Return the list, the dictionary or the call that an expression stands for."""
        if isinstance(expr, ast.Name) and expr.id in given:
            return given[expr.id]
        found = self._tree.resolve(expr, module) if isinstance(expr, (ast.Name, ast.Attribute)) else None
        if found is None and isinstance(expr, ast.Attribute) and is_name(expr.value, "self"):
            own = module.own_values(module.class_of(expr), expr.attr)
            return Defined(module, own[0]) if own else None
        return found if isinstance(found, Defined) else Defined(module, expr)

    def _of(self, expr: ast.expr, module: Module, given: Given, depth: int = _DEPTH) -> Iterator[Defined]:
        """Yield the elements of an expression after `for ... in`."""
        found = self._node(expr, module, given) if depth > 0 else None
        if found is None:
            return
        module, node = found
        if node is not expr and isinstance(expr, ast.Name):
            yield from self._added(expr.id, module, depth)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            for each in node.elts:
                if isinstance(each, ast.Starred):
                    yield from self._of(each.value, module, given, depth - 1)
                else:
                    yield Defined(module, each)
        elif isinstance(node, ast.Dict):
            yield from (Defined(module, key) for key in node.keys if key is not None)
        elif isinstance(node, ast.BinOp):
            yield from self._of(node.left, module, given, depth - 1)
            yield from self._of(node.right, module, given, depth - 1)
        elif isinstance(node, ast.Call):
            yield from self._of_call(node, module, given, depth - 1)

    def _of_call(self, call: ast.Call, module: Module, given: Given, depth: int) -> Iterator[Defined]:
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        if isinstance(call.func, ast.Attribute) and name in ("values", "items", "keys") and not call.args:
            table = self._node(call.func.value, module, given)
            if table is not None and isinstance(table.node, ast.Dict):
                pairs = [pair for pair in zip(table.node.keys, table.node.values, strict=True) if pair[0] is not None]
                for key, value in pairs:
                    parts = {"values": value, "keys": key, "items": _pair(key, value)}
                    yield Defined(table.module, parts[name])  # type: ignore[arg-type]
        elif name == "enumerate" and call.args:
            for index, each in enumerate(self._of(call.args[0], module, given, depth)):
                if isinstance(each.node, ast.expr):
                    yield Defined(each.module, _pair(ast.Constant(index), each.node))
        elif name in _SAME_ELEMENTS and call.args:
            yield from self._of(call.args[0], module, given, depth)
        elif name == "getmembers" and call.args:
            owner = self._tree.resolve(call.args[0], module)
            inner = self._tree.module(owner, module) if isinstance(owner, str) else None
            for function, nodes in inner.names(None).items() if inner is not None else ():
                if isinstance(nodes[-1], FUNCTIONS):
                    member = ast.Attribute(value=call.args[0], attr=function, ctx=ast.Load())
                    yield Defined(module, _pair(ast.Constant(function), member))

    def _added(self, name: str, module: Module, depth: int) -> Iterator[Defined]:
        """Yield what the code of a module appends to its list."""
        for call in module.calls:
            if isinstance(call.func, ast.Attribute) and is_name(call.func.value, name) and len(call.args) == 1:
                if call.func.attr == "append":
                    scopes = module.scopes(call)
                    added = getattr(call.args[0], "id", "")
                    if any(added == each.arg for scope in scopes for each in arguments(scope)):
                        yield from self._decorated(scopes)
                    else:
                        yield Defined(module, call.args[0])
                elif call.func.attr == "extend":
                    yield from self._of(call.args[0], module, {}, depth - 1)

    def _decorated(self, decorators: tuple[Function, ...]) -> Iterator[Defined]:
        """Yield the functions with a decorator of the tree."""
        for module in self._tree.modules:
            for function in module.functions:
                for each in function.decorator_list:
                    found = self._tree.resolve(each.func if isinstance(each, ast.Call) else each, module)
                    if isinstance(found, Defined) and found.node in decorators:
                        yield Defined(module, function)

    def _calls(self, call: ast.Call, module: Module, used: set[str]) -> Iterator[Given]:
        """Yield what the parameters of the function around a registration stand for, in each call of the function."""
        function = next(iter(module.scopes(call)), None)
        wanted = [each.arg for each in arguments(function) if each.arg in used] if function is not None else []
        is_called = False
        for caller, outer in self._tree.callers.get(function.name, ()) if function is not None and wanted else ():
            found = self._tree.resolve(outer.func, caller)
            if isinstance(found, Defined) and found.node is function:
                is_called = True
                parts = {name: passed(outer, function, name, bound=False) for name in wanted}
                yield {name: Defined(caller, part) for name, part in parts.items() if part is not None}
        if not is_called:
            yield {}

    def _taken(self, target: ast.expr, value: Defined) -> dict[str, Defined]:
        """Return what the names in the target of a loop stand for, for an element."""
        if isinstance(target, ast.Name):
            return {target.id: value}
        node: Definition = value.node
        if isinstance(target, (ast.Tuple, ast.List)) and isinstance(node, (ast.Tuple, ast.List)):
            pairs = zip(target.elts, node.elts, strict=False)
            return {
                name: part
                for inner, each in pairs
                for name, part in self._taken(inner, Defined(value.module, each)).items()
            }
        return {}


def _pair(first: ast.expr | None, second: ast.expr) -> ast.Tuple:
    return ast.Tuple(elts=[first or ast.Constant(None), second], ctx=ast.Load())
