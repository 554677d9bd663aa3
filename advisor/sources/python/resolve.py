"""Finds what a name stands for: a definition in a module of the tree, or a name of another package."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection
from functools import cached_property
from typing import NamedTuple

from advisor.sources.code_files import SourceFiles
from advisor.sources.python.modules import Definition, Function, Module, Opaque

DEPTH = 8
"""The most steps from a name to its definition."""


class Defined(NamedTuple):
    """A definition in the tree."""

    module: Module
    node: Definition


class CodeTree:
    """The modules of a folder, parsed when they are needed."""

    def __init__(self, files: SourceFiles, known: Collection[str] = ()) -> None:
        """Args: files: the files of the folder; known: names that stay, although the folder can have their module."""
        self._files, self._known = files, known
        self._parsed: dict[str, Module | None] = {}
        self._paths: dict[str, str] = {}
        self._modules: dict[tuple[str, str], Module | None] = {}
        self._resolved: dict[ast.expr, Defined | str | None] = {}
        for name in files.names:
            dotted = name[: -len(".py")].replace("/", ".")
            self._paths[dotted.removesuffix(".__init__")] = name
        self.modules = [module for name in files.relevant() if (module := self.parsed(name)) is not None]

    def parsed(self, path: str) -> Module | None:
        """Return the module in a file, or None if the file cannot be parsed."""
        if path not in self._parsed:
            self._parsed[path] = None  # for a module that imports itself
            content = self._files.read(path)
            if content is not None:
                try:
                    self._parsed[path] = Module(path, content)
                except (SyntaxError, ValueError) as error:
                    line = getattr(error, "lineno", None)
                    self._files.refuse(path, f"not valid Python{f' (line {line})' if line else ''}")
                except (RecursionError, MemoryError):
                    self._files.refuse(path, "nested too deeply")
        return self._parsed[path]

    @property
    def read(self) -> list[Module]:
        """The modules that were needed until now."""
        return [module for module in self._parsed.values() if module is not None]

    def module(self, dotted: str, importer: Module) -> Module | None:
        """Return the module of the tree with this name, or None for a module of another package.

        Args:
            dotted: the name as in an import; a relative import starts with dots.
            importer: the module with the import.
        """
        key = (dotted, importer.path)
        if key not in self._modules:
            self._modules[key] = self._find(dotted, importer)
        return self._modules[key]

    def _find(self, dotted: str, importer: Module) -> Module | None:
        folder = importer.path.split("/")[:-1]
        level = len(dotted) - len(dotted.lstrip("."))
        if level:
            parts = [part for part in dotted[level:].split(".") if part]
            return self._at([*folder[: max(len(folder) - level + 1, 0)], *parts])
        for end in range(len(folder), -1, -1):
            found = self._at([*folder[:end], dotted])
            if found is not None:
                return found
        return self._at(["src", dotted])

    def resolve(self, expr: ast.expr, module: Module, depth: int = DEPTH) -> Defined | str | None:
        """Return what an expression stands for.

        Returns:
            A definition in the tree, the name of an object of another package with its module, or None.
        """
        if depth < DEPTH:
            return self._resolve(expr, module, depth)
        if expr not in self._resolved:
            self._resolved[expr] = self._resolve(expr, module, depth)
        return self._resolved[expr]

    def _resolve(self, expr: ast.expr, module: Module, depth: int) -> Defined | str | None:
        if depth <= 0:
            return None
        if isinstance(expr, ast.Subscript):  # Context[...], FastMCP[...]
            return self.resolve(expr.value, module, depth - 1)
        if isinstance(expr, ast.Attribute):
            owner = self.resolve(expr.value, module, depth - 1)
            if isinstance(owner, str):
                return self._imported(f"{owner}.{expr.attr}", module, depth - 1)
            if owner is not None and isinstance(owner.node, ast.ClassDef):
                return self.member(owner, expr.attr, depth - 1)
            return None
        if not isinstance(expr, ast.Name):
            return None
        for scope in module.scopes(expr):
            found = module.bindings(scope, expr.id)
            if found:
                return self._definition(found[-1], module, depth)
            if any(argument.arg == expr.id for argument in arguments(scope)):
                return None
        return self._global(expr.id, module, depth)

    def member(self, owner: Defined, name: str, depth: int = DEPTH) -> Defined | str | None:
        """Return the method or attribute of a class, also of its base classes in the tree."""
        if depth <= 0 or not isinstance(owner.node, ast.ClassDef):
            return None
        found = owner.module.bindings(owner.node, name)
        if found:
            return self._definition(found[-1], owner.module, depth - 1)
        for base in owner.node.bases:
            above = self.resolve(base, owner.module, depth - 1)
            inherited = self.member(above, name, depth - 1) if isinstance(above, Defined) else None
            if inherited is not None:
                return inherited
        return None

    def ancestors(self, owner: Defined | str | None, depth: int = DEPTH) -> list[str]:
        """Return the names of the classes of other packages that a class is, or inherits from."""
        if isinstance(owner, str):
            return [owner]
        if owner is None or depth <= 0 or not isinstance(owner.node, ast.ClassDef):
            return []
        above = [self.resolve(base, owner.module, depth - 1) for base in owner.node.bases]
        return [name for found in above for name in self.ancestors(found, depth - 1)]

    @cached_property
    def callers(self) -> dict[str, list[tuple[Module, ast.Call]]]:
        """The calls in the relevant modules, by the last part of the name of the called function."""
        found: dict[str, list[tuple[Module, ast.Call]]] = defaultdict(list)
        for module in self.modules:
            for call in module.calls:
                name = getattr(call.func, "attr", None) or getattr(call.func, "id", None)
                if name:
                    found[name].append((module, call))
        return found

    def _global(self, name: str, module: Module, depth: int) -> Defined | str | None:
        found = module.bindings(None, name)
        if found:
            return self._definition(found[-1], module, depth)
        if name in module.imports:
            return self._imported(module.imports[name], module, depth - 1)
        for star in module.stars:
            other = self.module(star, module)
            if other is not None and other is not module:
                definition = self._global(name, other, depth - 1) if depth > 0 else None
                if definition is not None:
                    return definition
        return None

    def _definition(self, node: Definition, module: Module, depth: int) -> Defined | str | None:
        if isinstance(node, (ast.Name, ast.Attribute)) and not isinstance(node, Opaque):
            return self.resolve(node, module, depth - 1) or Defined(module, node)
        return Defined(module, node)

    def _imported(self, dotted: str, module: Module, depth: int) -> Defined | str | None:
        if depth <= 0:
            return None
        if dotted in self._known or self.module(dotted, module) is not None:
            return dotted
        parent, _, name = dotted.rpartition(".")
        if dotted.startswith(".") and not parent.strip("."):
            parent = dotted[: len(dotted) - len(dotted.lstrip("."))]
        other = self.module(parent, module) if parent else None
        if other is None:
            return dotted
        found = self._global(name, other, depth - 1) if other is not module or name in other.names(None) else None
        return found or (
            None if dotted.startswith(".") else dotted
        )  # a folder of the tree can have the name of a package

    def _at(self, parts: list[str]) -> Module | None:
        path = self._paths.get(".".join(parts))
        return self.parsed(path) if path is not None else None


def arguments(function: Function) -> list[ast.arg]:
    """Return the parameters of a function in order, without `*args` and `**kwargs`."""
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def argument(call: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    """Return the argument of a call by its name, or else by its position."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if position is not None and position < len(call.args) and not isinstance(call.args[position], ast.Starred):
        return call.args[position]
    return None


def passed(call: ast.Call, function: Function, name: str, *, bound: bool) -> ast.expr | None:
    """Return the argument that a call gives to the parameter `name`. `bound`: the call is of a method of an object."""
    names = [parameter.arg for parameter in [*function.args.posonlyargs, *function.args.args]]
    position = names.index(name) - int(bound) if name in names else None
    return argument(call, name, position if position is None or position >= 0 else None)
