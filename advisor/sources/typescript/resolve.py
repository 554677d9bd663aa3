"""Finds what a name stands for: a definition in a module of the tree, or a name of another package."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from advisor.sources.code_files import TYPESCRIPT, SourceFiles
from advisor.sources.typescript.grammar import UnreadableCodeError
from advisor.sources.typescript.modules import Binding, ScriptModule
from advisor.sources.typescript.syntax import (
    CLASSES,
    FUNCTIONS,
    SyntaxNode,
    bare,
    class_around,
    key_of,
    parameters,
    returned,
)

DEPTH = 8
"""The most steps from a name to its definition."""
_INDEX = tuple(f"/index{suffix}" for suffix in TYPESCRIPT)


class CodePart(NamedTuple):
    """A definition in the tree: a value, a function or a class."""

    module: ScriptModule
    node: SyntaxNode


class External(NamedTuple):
    """A name of another package, with the specifier of its import."""

    specifier: str
    name: str


class ScriptTree:
    """The modules of a folder, parsed when they are needed."""

    def __init__(self, files: SourceFiles, start: Iterable[str]) -> None:
        """Args: files: the files of the folder; start: the files to parse first."""
        self._files = files
        self._parsed: dict[str, ScriptModule | None] = {}
        self._called: dict[SyntaxNode, CodePart | None] = {}
        self._names = set(files.typescript)
        self.modules: list[ScriptModule] = []
        for name in start:
            self.parsed(name)

    def parsed(self, path: str) -> ScriptModule | None:
        """Return the module in a file, or None if the file cannot be parsed."""
        if path not in self._parsed:
            self._parsed[path] = None  # for a module that imports itself
            content = self._files.read(path)
            if content is not None and not self._files.is_compiled(content):
                try:
                    module = ScriptModule(path, content)
                except (UnreadableCodeError, RecursionError) as error:
                    self._files.refuse(path, str(error))
                else:
                    self._parsed[path] = module
                    self.modules.append(module)
                    for specifier in [each for each, _ in module.imports.values()]:
                        self.module(specifier, module)
        return self._parsed[path]

    def module(self, specifier: str, importer: ScriptModule) -> ScriptModule | None:
        """Return the module of the tree that an import names, or None for a module of another package."""
        path = self._path(specifier, importer)
        return self.parsed(path) if path is not None else None

    def _path(self, specifier: str, importer: ScriptModule) -> str | None:
        if specifier.startswith("."):
            parts = importer.path.split("/")[:-1]
            for part in specifier.split("/"):
                if part == ".." and parts:
                    parts.pop()
                elif part not in (".", "..", ""):
                    parts.append(part)
            return self._at("/".join(parts))
        for alias in ("@/", "~/", "#", "src/"):
            if specifier.startswith(alias):
                rest = specifier.removeprefix(alias)
                above = importer.path.split("/")[:-1]
                roots = [
                    "/".join([*above[:end], *inner]) for end in range(len(above), -1, -1) for inner in (["src"], [])
                ]
                return next((found for root in roots if (found := self._at(f"{root}/{rest}".strip("/")))), None)
        return None

    def _at(self, path: str) -> str | None:
        stem = path
        for suffix in (".js", ".mjs", ".cjs", ".jsx"):
            stem = stem.removesuffix(suffix) if stem.endswith(suffix) else stem
        candidates = [path, *(stem + suffix for suffix in TYPESCRIPT), *(path + suffix for suffix in _INDEX)]
        return next((name for name in candidates if name in self._names), None)

    def resolve(self, expr: SyntaxNode, module: ScriptModule, depth: int = DEPTH) -> CodePart | External | None:
        """Return what an expression stands for: a definition in the tree, a name of another package, or None."""
        expr = bare(expr)
        if depth <= 0:
            return None
        if expr.kind in ("identifier", "type_identifier", "shorthand_property_identifier"):
            bound = module.bindings(expr)
            if bound:
                return self._bound(bound[-1], module, depth)
            return self._imported(expr.text, module, depth)
        if expr.kind == "member_expression":
            owner, name = expr.child("object"), expr.child("property")
            if owner is not None and name is not None:
                return self.property(owner, name.text, module, depth - 1)
        if expr.kind == "call_expression":
            return CodePart(module, expr)
        return CodePart(module, expr) if expr.kind in (*FUNCTIONS, *CLASSES, "new_expression", "object") else None

    def property(
        self, owner: SyntaxNode, name: str, module: ScriptModule, depth: int = DEPTH
    ) -> CodePart | External | None:
        """Return what a property of an object stands for: a member of its class, or of an object in the code."""
        if depth <= 0:
            return None
        kind = self.class_of(owner, module, depth - 1)
        if kind is not None:
            return self.member(kind, name, depth - 1)
        found = self.resolve(owner, module, depth - 1)
        if isinstance(found, External):
            inside = self._space(found, module)
            if inside is not None:
                return self._exported(inside, name, depth - 1)
            return External(found.specifier, name if found.name == "*" else f"{found.name}.{name}")
        if found is not None and found.node.kind == "object":
            for part in found.node.children:
                value = part.child("value") if part.kind == "pair" else part
                if value is not None and key_of(part) == name:
                    return self.resolve(value, found.module, depth - 1) or CodePart(found.module, bare(value))
        if found is not None and found.node.kind in CLASSES:
            return self.member(found, name, depth - 1)
        return None

    def _space(self, found: External, module: ScriptModule) -> ScriptModule | None:
        return self.module(found.specifier, module) if found.name == "*" else None

    def _bound(self, binding: Binding, module: ScriptModule, depth: int) -> CodePart | External | None:
        if binding.is_parameter:
            return None
        if not binding.path:
            return self.resolve(binding.node, module, depth - 1) or CodePart(module, binding.node)
        if len(binding.path) != 1 or binding.path[0] == "[]":
            return None
        node = binding.node
        if node.kind == "call_expression":  # const { server } = make()
            called = self.called(node, module)
            for value in returned(called.node) if called is not None else ():
                if value.kind == "object" and called is not None:
                    found = self.property(value, binding.path[0], called.module, depth - 1)
                    if found is not None:
                        return found
            return None
        return self.property(node, binding.path[0], module, depth - 1)

    def _imported(self, name: str, module: ScriptModule, depth: int) -> CodePart | External | None:
        if name not in module.imports:
            return None
        specifier, original = module.imports[name]
        inside = self.module(specifier, module)
        if inside is None or original == "*":
            return External(specifier, original)
        return self._exported(inside, original, depth - 1)

    def _exported(self, module: ScriptModule, name: str, depth: int) -> CodePart | External | None:
        if depth <= 0:
            return None
        stated = module.exports.get(name)
        if isinstance(stated, SyntaxNode):
            return self.resolve(stated, module, depth - 1) or CodePart(module, stated)
        if isinstance(stated, tuple):
            inside = self.module(stated[0], module)
            return External(*stated) if inside is None else self._exported(inside, stated[1], depth - 1)
        if stated is not None:
            bound = module.globals(stated)
            return self._bound(bound[-1], module, depth) if bound else self._imported(stated, module, depth - 1)
        for star in module.stars:
            inside = self.module(star, module)
            found = self._exported(inside, name, depth - 1) if inside is not None else None
            if found is not None:
                return found
        return None

    def member(self, owner: CodePart, name: str, depth: int = DEPTH) -> CodePart | External | None:
        """Return the method or the value of a field of a class, also of its base classes in the tree."""
        if depth <= 0:
            return None
        for node in owner.module.members(owner.node, name):
            if node.kind == "method_definition":
                return CodePart(owner.module, node)
            value = node.child("value") if node.kind.endswith("field_definition") else node
            if value is not None and "parameter" not in value.kind:
                found = self.resolve(value, owner.module, depth - 1)
                if found is not None:
                    return found
        above = self._base(owner, depth)
        return self.member(above, name, depth - 1) if above is not None else None

    def _base(self, owner: CodePart, depth: int) -> CodePart | None:
        for part in owner.node.children:
            if part.kind == "class_heritage":
                clause = next((each for each in part.within() if each.kind == "identifier"), None)
                found = self.resolve(clause, owner.module, depth - 1) if clause is not None else None
                return found if isinstance(found, CodePart) and found.node.kind in CLASSES else None
        return None

    def class_of(self, expr: SyntaxNode, module: ScriptModule, depth: int = DEPTH) -> CodePart | None:
        """Return the class of the tree that an expression is an object of, or None."""
        expr = bare(expr)
        if depth <= 0:
            return None
        if expr.kind == "this":
            owner = class_around(expr)
            return CodePart(module, owner) if owner is not None else None
        if expr.kind == "new_expression":
            made = expr.child("constructor")
            return self._class(made, module, depth) if made is not None else None
        if expr.kind == "identifier":
            for binding in module.bindings(expr):
                if binding.is_parameter and not binding.path:
                    return self._typed(binding.node, module, depth)
        if expr.kind == "call_expression":
            called = self.called(expr, module, depth - 1)
            found = (
                [self.class_of(value, called.module, depth - 2) for value in returned(called.node)] if called else []
            )
            return next((each for each in found if each is not None), None)
        if expr.kind == "member_expression":
            holder, name = expr.child("object"), expr.child("property")
            kind = self.class_of(holder, module, depth - 1) if holder is not None else None
            for node in kind.module.members(kind.node, name.text) if kind is not None and name is not None else ():
                of_type = self._typed(node, kind.module, depth) if kind is not None else None
                if of_type is not None:
                    return of_type
        if expr.kind not in ("identifier", "member_expression"):
            return None
        value = self.resolve(expr, module, depth - 1)
        if not isinstance(value, CodePart) or value.node.kind not in ("new_expression", "call_expression"):
            return None
        return self.class_of(value.node, value.module, depth - 1)

    def _typed(self, node: SyntaxNode, module: ScriptModule, depth: int) -> CodePart | None:
        annotation = node.child("type")
        names = (
            [part for part in annotation.within() if part.kind == "type_identifier"] if annotation is not None else []
        )
        return self._class(names[0], module, depth) if names else None

    def _class(self, name: SyntaxNode, module: ScriptModule, depth: int) -> CodePart | None:
        found = self.resolve(name, module, depth - 1)
        return found if isinstance(found, CodePart) and found.node.kind in CLASSES else None

    def external(self, expr: SyntaxNode, module: ScriptModule) -> External | None:
        """Return the name of another package that a class or a type is, or inherits from."""
        found = self.resolve(expr, module)
        for _ in range(DEPTH):
            if not isinstance(found, CodePart) or found.node.kind not in CLASSES:
                break
            heritage = next((part for part in found.node.children if part.kind == "class_heritage"), None)
            named = [each for each in heritage.within() if each.kind == "identifier"] if heritage is not None else []
            found = self.resolve(named[0], found.module) if named else None
        return found if isinstance(found, External) else None

    def called(self, call: SyntaxNode, module: ScriptModule, depth: int = DEPTH) -> CodePart | None:
        """Return the function of the tree that a call runs, or None."""
        if depth == DEPTH and call in self._called:
            return self._called[call]
        function = call.child("function")
        found = self.resolve(function, module, depth) if function is not None else None
        result = found if isinstance(found, CodePart) and found.node.kind in FUNCTIONS else None
        if depth == DEPTH:
            self._called[call] = result
        return result

    @cached_property
    def callers(self) -> dict[str, list[tuple[ScriptModule, SyntaxNode]]]:
        """The calls of each function, method or class, by its last name."""
        found: dict[str, list[tuple[ScriptModule, SyntaxNode]]] = defaultdict(list)
        for module in self.modules:
            for call in (*module.calls, *module.made):
                function = call.child("function") or call.child("constructor")
                name = function.child("property") or function if function is not None else None
                if name is not None:
                    found[name.text].append((module, call))
        return found

    def passed(self, parameter: SyntaxNode, module: ScriptModule) -> Iterator[tuple[ScriptModule, SyntaxNode]]:
        """Yield the arguments that calls in the tree give for a parameter."""
        function = next((each for each in parameter.around() if each.kind in FUNCTIONS), None)
        if function is None:
            return
        index = parameters(function).index(parameter) if parameter in parameters(function) else None
        name = function_name(function)
        if name == "constructor":
            owner = class_around(function)
            named = owner.child("name") if owner is not None else None
            name = named.text if named is not None else ""
        for other, call in self.callers.get(name, ()) if index is not None else ():
            given = call.arguments()
            if index is not None and index < len(given) and given[index].kind != "spread_element":
                yield other, given[index]


def function_name(function: SyntaxNode) -> str:
    """Return the name of a function: its own, or that of the variable or property that has it."""
    name = function.child("name")
    if name is not None:
        return name.text
    parent = function.parent
    if parent is not None and parent.kind in ("variable_declarator", "pair", "public_field_definition"):
        return key_of(parent)
    return ""
