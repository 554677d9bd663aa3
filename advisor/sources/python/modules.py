"""A parsed module: its imports, its definitions, and the place of each node."""

from __future__ import annotations

import ast
import warnings
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias

from advisor.findings import Location

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
Definition: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr"


class Opaque(ast.expr):
    """Stands for a value that cannot be read, such as the variable of a loop.

    Attributes:
        node: the statement that gives the value.
        parts_of: the value that the statement takes apart, or None.
    """

    _fields = ()

    def __init__(self, node: ast.AST, parts_of: ast.expr | None = None) -> None:
        """Args: node, parts_of: see the attributes."""
        super().__init__()
        self.node = node
        self.parts_of = parts_of
        self.lineno = getattr(node, "lineno", 1)


class Module:
    """A module of the tree.

    Attributes:
        path: the path of the file, relative to the tree.
        tree: the parsed file.
        imports: from each local name to the imported name with its module. A relative import starts with dots.
        stars: the modules of `from module import *`.
    """

    def __init__(self, path: str, content: bytes) -> None:
        """Parse a file.

        Raises:
            SyntaxError, ValueError, RecursionError, MemoryError: the file cannot be parsed.
        """
        self.path = path
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about the code of other people
            self.tree = ast.parse(content)
        self.imports: dict[str, str] = {}
        self.stars: list[str] = []
        self.parents: dict[ast.AST, ast.AST] = {}
        self.calls: list[ast.Call] = []
        self.attributes: list[ast.Attribute] = []
        self.functions: list[Function] = []
        self.classes: list[ast.ClassDef] = []
        self._own: dict[ast.ClassDef, dict[str, list[ast.expr]]] = {}
        self._within: dict[ast.AST, list[ast.AST]] = {}
        self._scopes: dict[ast.AST, tuple[Function, ...]] = {}
        self._targets: dict[ast.AST | None, dict[str, list[Definition]]] = defaultdict(lambda: defaultdict(list))
        self._index()

    def within(self, node: ast.AST) -> list[ast.AST]:
        """Return the nodes in a function or class, with the node. Each list is made only for the first call."""
        if node not in self._within:
            self._within[node] = list(ast.walk(node))
        return self._within[node]

    def own_values(self, owner: ast.ClassDef | None, name: str) -> list[ast.expr]:
        """Return the values that the methods of a class of this module assign to `self.name`."""
        if owner is None:
            return []
        if owner not in self._own:
            self._own[owner] = defaultdict(list)
            for node in self.within(owner):
                if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                        if isinstance(target, ast.Attribute) and getattr(target.value, "id", "") == "self":
                            self._own[owner][target.attr].append(node.value)
        return self._own[owner].get(name, [])

    def location(self, node: ast.AST) -> Location:
        """Return the place of a node."""
        return Location(self.path, getattr(node, "lineno", 1))

    def scopes(self, node: ast.AST) -> tuple[Function, ...]:
        """Return the functions around a node, the innermost first. A function is not around its own decorators."""
        if node not in self._scopes:
            found: list[Function] = []
            child, parent = node, self.parents.get(node)
            while parent is not None:
                if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)) and child not in parent.decorator_list:
                    found.append(parent)
                child, parent = parent, self.parents.get(parent)
            self._scopes[node] = tuple(found)
        return self._scopes[node]

    def around(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        """Yield the pairs of a node around `node` and its child, up to the function or the module."""
        child, parent = node, self.parents.get(node)
        while parent is not None and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield parent, child
            child, parent = parent, self.parents.get(parent)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """Return the class around a node, or None."""
        parent = self.parents.get(node)
        while parent is not None and not isinstance(parent, ast.ClassDef):
            parent = self.parents.get(parent)
        return parent

    def bindings(self, scope: ast.AST | None, name: str) -> list[Definition]:
        """Return the definitions of a name in a function, a class or (None) the module."""
        return self._targets.get(scope, {}).get(name, [])

    def names(self, scope: ast.AST | None) -> dict[str, list[Definition]]:
        """Return all definitions in a function, a class or (None) the module."""
        return self._targets.get(scope, {})

    @cached_property
    def globals_of(self) -> dict[ast.AST, set[str]]:
        """The names that each function declares as global."""
        found: dict[ast.AST, set[str]] = defaultdict(set)
        for node, parent in self.parents.items():
            if isinstance(node, ast.Global):
                scope = next(iter(self.scopes(node)), None)
                found[scope if scope is not None else parent].update(node.names)
        return found

    def _index(self) -> None:
        todo: list[tuple[ast.AST, ast.AST | None]] = [(self.tree, None)]
        while todo:
            node, scope = todo.pop()
            inner = scope
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self._targets[scope][node.name].append(node)
                inner = node
                if isinstance(node, ast.ClassDef):
                    self.classes.append(node)
                else:
                    self.functions.append(node)
            elif isinstance(node, ast.Call):
                self.calls.append(node)
            elif isinstance(node, ast.Attribute):
                self.attributes.append(node)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                self._import(node)
            else:
                self._bind(node, scope)
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
                todo.append((child, inner))
        for names in self._targets.values():
            for definitions in names.values():
                definitions.sort(key=lambda node: node.lineno)
        for found in (self.calls, self.attributes, self.functions, self.classes):
            found.sort(key=lambda node: (node.lineno, node.col_offset))

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                self.imports.setdefault(alias.asname or name, name)
            return
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(module)
            else:
                joint = "" if module.endswith(".") else "."
                self.imports.setdefault(alias.asname or alias.name, f"{module}{joint}{alias.name}")

    def _bind(self, node: ast.AST, scope: ast.AST | None) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind_target(target, node.value, node, scope)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
            if node.value is not None:
                self._bind_target(node.target, node.value, node, scope)
        elif isinstance(node, (ast.AugAssign, ast.For, ast.AsyncFor)):
            self._bind_target(node.target, Opaque(node), node, scope)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if item.optional_vars is not None:
                    self._bind_target(item.optional_vars, item.context_expr, node, scope)

    def _bind_target(self, target: ast.expr, value: ast.expr, node: ast.AST, scope: ast.AST | None) -> None:
        if isinstance(target, ast.Name):
            owner: ast.AST | None = scope
            self._targets[owner][target.id].append(value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
            for index, part in enumerate(target.elts):
                matching = len(parts) == len(target.elts)
                self._bind_target(part, parts[index] if matching else Opaque(node, value), node, scope)
