"""A node of a syntax tree, and small questions about nodes that need no other module."""

from __future__ import annotations

from collections.abc import Iterator

FUNCTIONS = (
    *("function_declaration", "function_expression", "arrow_function", "method_definition"),
    *("generator_function_declaration", "generator_function"),
)
_SCOPES = frozenset(FUNCTIONS)
CLASSES = ("class_declaration", "class", "abstract_class_declaration")
_WRAPPERS = (
    *("parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"),
    *("await_expression", "type_assertion", "instantiation_expression"),
)
_ESCAPES = {"n": "\n", "t": "\t"}


class SyntaxNode:
    """A node of a syntax tree.

    Attributes:
        kind: the kind in the grammar of tree-sitter.
        field: the role in the parent, such as `function` or `arguments`; "" for none.
        parent: the node around it.
        children: the named nodes and those with a role, without comments.
        start, end: the first byte in the file, and the byte after the last byte.
        line: the line of the start. The first line is 1.
        scope: the innermost function around the node, or None.
    """

    __slots__ = ("children", "end", "field", "kind", "line", "parent", "scope", "source", "start")

    def __init__(
        self, kind: str, field: str, parent: SyntaxNode | None, source: bytes, span: tuple[int, int], line: int
    ) -> None:
        """Args: kind, field, parent, line: see the attributes; source: the file; span: start and end."""
        self.kind, self.field, self.parent, self.source, self.line = kind, field, parent, source, line
        self.start, self.end = span
        self.scope: SyntaxNode | None = parent if parent is None or parent.kind in _SCOPES else parent.scope
        self.children: list[SyntaxNode] = []

    @property
    def text(self) -> str:
        """The code of the node."""
        return self.source[self.start : self.end].decode("utf-8", errors="replace")

    def child(self, field: str) -> SyntaxNode | None:
        """Return the child with a role, or None."""
        return next((each for each in self.children if each.field == field), None)

    def within(self) -> Iterator[SyntaxNode]:
        """Yield the node and all nodes inside it, in the order of the code."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            todo.extend(reversed(node.children))

    def around(self) -> Iterator[SyntaxNode]:
        """Yield the nodes around this node, the innermost first."""
        parent = self.parent
        while parent is not None:
            yield parent
            parent = parent.parent

    def arguments(self) -> list[SyntaxNode]:
        """Return the arguments of a call or a `new` expression."""
        given = self.child("arguments")
        return given.children if given is not None and given.kind == "arguments" else []


def bare(node: SyntaxNode) -> SyntaxNode:
    """Return an expression without parentheses, type assertions and `await`."""
    while node.kind in _WRAPPERS and node.children:
        node = node.children[0] if node.kind != "type_assertion" else node.children[-1]
    return node


def text_of(node: SyntaxNode) -> str | None:
    """Return the value of a text without placeholders, or None."""
    if node.kind not in ("string", "template_string"):
        return None
    parts = []
    for part in node.children:
        if part.kind == "string_fragment":
            parts.append(part.text)
        elif part.kind == "escape_sequence":
            parts.append(_ESCAPES.get(part.text[1:], part.text[1:]))
        else:
            return None
    return "".join(parts)


def dotted(node: SyntaxNode) -> str:
    """Return a name with its properties, such as `process.env.PORT`; "" for another expression."""
    parts: list[str] = []
    node = bare(node)
    while node.kind == "member_expression":
        owner, name = node.child("object"), node.child("property")
        if owner is None or name is None:
            return ""
        parts.append(name.text)
        node = bare(owner)
    if node.kind not in ("identifier", "this", "super", "meta_property"):
        return ""
    return ".".join([node.text, *reversed(parts)])


def key_of(node: SyntaxNode) -> str:
    """Return the name of a property in an object, a pattern or a class; "" for a computed name."""
    name = node.child("key") or node.child("name") or node
    stated = text_of(name)
    if stated is not None:
        return stated
    return name.text if name.kind in ("property_identifier", "identifier", "shorthand_property_identifier") else ""


def function_around(node: SyntaxNode) -> SyntaxNode | None:
    """Return the innermost function around a node, or None for code of the module."""
    return node.scope


def class_around(node: SyntaxNode) -> SyntaxNode | None:
    """Return the innermost class around a node, or None."""
    return next((each for each in node.around() if each.kind in CLASSES), None)


def statements(block: SyntaxNode | None) -> list[SyntaxNode]:
    """Return the statements of a block, or a statement without a block."""
    if block is None:
        return []
    return block.children if block.kind in ("statement_block", "program", "class_body") else [block]


def parameters(function: SyntaxNode) -> list[SyntaxNode]:
    """Return the parameters of a function: names, patterns, or parameters with a type or a default."""
    single = function.child("parameter")
    if single is not None:
        return [single]
    given = function.child("parameters")
    return given.children if given is not None else []


def parameter_name(parameter: SyntaxNode) -> str:
    """Return the name of a parameter; "" for a pattern."""
    pattern = parameter.child("pattern") or parameter
    return pattern.text if pattern.kind == "identifier" else ""


def type_names(node: SyntaxNode) -> list[str]:
    """Return the names of the types in the annotation of a parameter or a field."""
    annotation = node.child("type")
    parts = annotation.within() if annotation is not None else ()
    return [part.text for part in parts if part.kind in ("type_identifier", "nested_type_identifier")]


def returned(function: SyntaxNode) -> list[SyntaxNode]:
    """Return the expressions that a function returns."""
    body = function.child("body")
    if body is None:
        return []
    if body.kind != "statement_block":
        return [bare(body)]
    ends = (part for part in body.within() if part.kind == "return_statement" and part.children)
    return [bare(part.children[0]) for part in ends if function_around(part) is function]
