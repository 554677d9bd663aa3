"""Finds the values that functions read, as opposed to values that they only write."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

from advisor.sources.code_model import KeptState
from advisor.sources.python.modules import Module
from advisor.sources.python.needs import ReachedFunction
from advisor.sources.python.resolve import CodeTree

_WRITES = {"append", "appendleft", "add", "update", "setdefault", "insert", "extend", "remove", "discard", "clear"}
_WRITES |= {"pop", "popitem", "popleft"}


class ReadNames:
    """The names that functions read, of variables and of attributes.

    The functions that tools reach count with all that they read. Other code, such as the callback of a login, counts
    with the entries that it looks up.
    """

    def __init__(self, tree: CodeTree) -> None:
        """Args: tree: the code."""
        self._tree = tree
        self._names: set[str] = set()
        self._seen: set[ast.AST] = set()

    @cached_property
    def _looked_up(self) -> set[str]:
        """The values in which the code looks up entries. The tree reads modules while tools are followed."""
        nodes = ((node, module) for module in self._tree.read for node in module.parents)
        return {name for node, module in nodes for name in _looked_up(node, module)}

    def add(self, visit: ReachedFunction) -> None:
        """Add the names that a function reads."""
        if visit.function in self._seen:
            return
        self._seen.add(visit.function)
        for node in visit.module.within(visit.function):
            is_loaded = isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load)
            if isinstance(node, (ast.Name, ast.Attribute)) and is_loaded and not _is_written(node, visit.module):
                self._names.add(_name(node, visit.module))

    def has(self, state: KeptState) -> bool:
        """Return whether a value is read, or whether a session or the lifespan holds it."""
        if state.holder != "module" or state.by_session:
            return True
        names = {state.name.rpartition(".")[2], state.stored_as}
        return bool(names & self._names or names & self._looked_up)


def _looked_up(node: ast.AST, module: Module) -> Iterator[str]:
    """Yield the name of a value in which an expression looks up an entry by a key that the code does not state."""
    values: list[ast.expr] = []
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and not isinstance(node.slice, ast.Constant):
        values = [node.value]
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        values = [node.comparators[0]]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop"):
        is_used = not isinstance(module.parents.get(node), ast.Expr)
        values = [node.func.value] if is_used and node.args and not isinstance(node.args[0], ast.Constant) else []
    for value in values:
        if isinstance(value, (ast.Name, ast.Attribute)):
            yield _name(value, module)


def _name(node: ast.Name | ast.Attribute, module: Module) -> str:
    name = node.id if isinstance(node, ast.Name) else node.attr
    return module.imports.get(name, name).rpartition(".")[2]


def _is_written(node: ast.expr, module: Module) -> bool:
    """Return whether an expression is only the value that a statement changes, such as `kept` in `kept[x] = 1`."""
    parent = module.parents.get(node)
    while isinstance(parent, (ast.Subscript, ast.Attribute)) and parent.value is node:
        if isinstance(parent.ctx, (ast.Store, ast.Del)):
            return True
        if isinstance(parent, ast.Attribute) and parent.attr in _WRITES:
            call = module.parents.get(parent)
            return isinstance(call, ast.Call) and isinstance(module.parents.get(call), ast.Expr)
        node, parent = parent, module.parents.get(parent)
    return False
