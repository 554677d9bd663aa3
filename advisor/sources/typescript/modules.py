"""A parsed module: its imports and exports, its definitions, and the place of each node."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from advisor.findings import Location
from advisor.sources.typescript.grammar import parse
from advisor.sources.typescript.syntax import (
    CLASSES,
    FUNCTIONS,
    SyntaxNode,
    bare,
    class_around,
    function_around,
    key_of,
    parameters,
    text_of,
)


class Binding(NamedTuple):
    """A definition of a name.

    Attributes:
        node: the value, the function, the class, or the parameter.
        path: the properties that a pattern takes from the value, such as `("server",)` in `const {server} = make()`.
        is_parameter: whether the name is a parameter of a function.
    """

    node: SyntaxNode
    path: tuple[str, ...] = ()
    is_parameter: bool = False


class ScriptModule:
    """A module of the tree.

    Attributes:
        path: the path of the file, relative to the tree.
        root: the parsed file.
        imports: from each local name to the specifier of the module and the imported name. `*` is the module itself.
        exports: from each exported name to the local name, or to a specifier and a name.
        stars: the specifiers of `export * from`.
        calls: the calls.
        made: the `new` expressions.
        functions: the functions.
    """

    def __init__(self, path: str, content: bytes) -> None:
        """Parse a file.

        Raises:
            UnreadableCodeError: the file cannot be parsed.
        """
        self.path = path
        self.root = parse(content, path)
        self.imports: dict[str, tuple[str, str]] = {}
        self.exports: dict[str, str | tuple[str, str] | SyntaxNode] = {}
        self.stars: list[str] = []
        self.calls: list[SyntaxNode] = []
        self.made: list[SyntaxNode] = []
        self.functions: list[SyntaxNode] = []
        self.assigned: list[SyntaxNode] = []
        self._bound: dict[SyntaxNode | None, dict[str, list[Binding]]] = defaultdict(lambda: defaultdict(list))
        self._members: dict[SyntaxNode, dict[str, list[SyntaxNode]]] = {}
        for node in self.root.within():
            self._index(node)

    def location(self, node: SyntaxNode) -> Location:
        """Return the place of a node."""
        return Location(self.path, node.line)

    def bindings(self, name: SyntaxNode) -> list[Binding]:
        """Return the definitions of a name in the innermost function around it that has some, or in the module."""
        scope = function_around(name)
        while scope is not None:
            found = self._bound[scope].get(name.text) if scope in self._bound else None
            if found:
                return found
            scope = function_around(scope)
        return self.globals(name.text)

    def globals(self, name: str) -> list[Binding]:
        """Return the definitions of a name of the module."""
        return self._bound[None].get(name, [])

    def is_global(self, name: SyntaxNode) -> bool:
        """Return whether a name stands for a definition of the module."""
        found = self.bindings(name)
        return bool(found) and found is self._bound[None].get(name.text)

    def members(self, owner: SyntaxNode, name: str) -> list[SyntaxNode]:
        """Return the methods, fields, parameter properties and assigned values of a name of a class."""
        if owner not in self._members:
            self._members[owner] = self._of_class(owner)
        return self._members[owner].get(name, [])

    def _of_class(self, owner: SyntaxNode) -> dict[str, list[SyntaxNode]]:
        found: dict[str, list[SyntaxNode]] = defaultdict(list)
        body = owner.child("body")
        for part in body.children if body is not None else ():
            if part.kind in ("method_definition", "public_field_definition", "field_definition"):
                found[key_of(part)].append(part)
            if part.kind == "method_definition" and key_of(part) == "constructor":
                for parameter in parameters(part):
                    if any(each.kind in ("accessibility_modifier", "readonly") for each in parameter.children):
                        pattern = parameter.child("pattern")
                        found[pattern.text if pattern is not None else ""].append(parameter)
        for node in self.assigned:
            left, right = node.child("left"), node.child("right")
            if left is not None and right is not None and left.kind == "member_expression":
                target = left.child("object")
                if target is not None and target.kind == "this" and class_around(node) is owner:
                    found[key_of(left.children[-1])].append(right)
        return found

    def _index(self, node: SyntaxNode) -> None:
        kind = node.kind
        if kind in FUNCTIONS:
            self.functions.append(node)
            for parameter in parameters(node):
                self._pattern(parameter.child("pattern") or parameter, Binding(parameter, (), True), node)
        if kind == "call_expression":
            self.calls.append(node)
            self._require(node)
        elif kind == "new_expression":
            self.made.append(node)
        elif kind in ("function_declaration", "generator_function_declaration", *CLASSES):
            name = node.child("name")
            if name is not None and not (kind == "class" and node.field):
                self._bound[function_around(node)][name.text].append(Binding(node))
        elif kind == "variable_declarator":
            name, value = node.child("name"), node.child("value")
            if name is not None:
                self._pattern(name, Binding(bare(value) if value is not None else node), function_around(node))
        elif kind in ("assignment_expression", "augmented_assignment_expression"):
            self.assigned.append(node)
            left, right = node.child("left"), node.child("right")
            if left is not None and right is not None and left.kind == "identifier" and kind[0:2] == "as":
                self._assigned_name(left, right)
        elif kind == "for_in_statement":
            left, right = node.child("left"), node.child("right")
            if left is not None and right is not None:
                self._pattern(left, Binding(right, ("[]",)), function_around(node))
        elif kind == "import_statement":
            self._import(node)
        elif kind == "export_statement":
            self._export(node)

    def _assigned_name(self, left: SyntaxNode, right: SyntaxNode) -> None:
        """Add the value of an assignment to the definitions of a name, which the code has further up."""
        scope = function_around(left)
        while scope is not None and left.text not in self._bound.get(scope, {}):
            scope = function_around(scope)
        self._bound[scope][left.text].append(Binding(bare(right)))

    def _pattern(self, pattern: SyntaxNode, value: Binding, scope: SyntaxNode | None) -> None:
        """Bind the names of a pattern. Patterns inside patterns add to the path."""
        if pattern.kind in ("identifier", "shorthand_property_identifier_pattern"):
            path = value.path if pattern.kind == "identifier" else (*value.path, pattern.text)
            self._bound[scope][pattern.text].append(value._replace(path=path))
        elif pattern.kind == "object_pattern":
            for part in pattern.children:
                if part.kind == "pair_pattern":
                    inner = part.child("value")
                    if inner is not None:
                        self._pattern(inner, value._replace(path=(*value.path, key_of(part))), scope)
                elif part.kind == "object_assignment_pattern":
                    self._pattern(part.child("left") or part.children[0], value, scope)
                else:
                    self._pattern(part, value, scope)
        elif pattern.kind == "array_pattern":
            for part in pattern.children:
                self._pattern(part, value._replace(path=(*value.path, "[]")), scope)
        elif pattern.kind in ("assignment_pattern", "required_parameter", "optional_parameter") and pattern.children:
            self._pattern(pattern.children[0], value, scope)

    def _require(self, node: SyntaxNode) -> None:
        called, given = node.child("function"), node.arguments()
        specifier = text_of(given[0]) if given else None
        declarator = node.parent
        if called is None or called.text != "require" or specifier is None or declarator is None:
            return
        name = declarator.child("name") if declarator.kind == "variable_declarator" else None
        if name is not None and name.kind == "identifier":
            self.imports[name.text] = (specifier, "*")
        for part in name.children if name is not None and name.kind == "object_pattern" else ():
            local = part.child("value") or part
            self.imports[local.text] = (specifier, key_of(part) or part.text)

    def _import(self, node: SyntaxNode) -> None:
        source = node.child("source")
        specifier = text_of(source) if source is not None else None
        if specifier is None:
            return
        for part in node.within():
            if part.kind == "import_specifier":
                name, alias = part.child("name"), part.child("alias")
                if name is not None:
                    self.imports[(alias or name).text] = (specifier, name.text)
            elif part.kind == "namespace_import":
                self.imports[part.children[-1].text] = (specifier, "*")
            elif part.kind == "import_clause" and part.children and part.children[0].kind == "identifier":
                self.imports[part.children[0].text] = (specifier, "default")

    def _export(self, node: SyntaxNode) -> None:
        source, declared = node.child("source"), node.child("declaration")
        specifier = text_of(source) if source is not None else None
        clause = next((part for part in node.children if part.kind == "export_clause"), None)
        for part in clause.children if clause is not None else ():
            name, alias = part.child("name"), part.child("alias")
            if name is not None:
                exported = (alias or name).text
                self.exports[exported] = name.text if specifier is None else (specifier, name.text)
        if specifier is not None and clause is None:
            space = next((part for part in node.children if part.kind == "namespace_export"), None)
            if space is None:
                self.stars.append(specifier)
            else:
                self.exports[space.children[-1].text] = (specifier, "*")
        value = node.child("value")
        if value is not None:
            self.exports["default"] = bare(value)
        if declared is not None:
            names = [part.child("name") for part in (declared, *declared.children)]
            found = [name.text for name in names if name is not None and "identifier" in name.kind]
            self.exports.update((exported, exported) for exported in found)
            if "default" in node.text[:20].split() and found:
                self.exports["default"] = found[0]
