"""Finds values that tools change and that stay in the process between two calls, and tells caches from state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from advisor.sources.code_model import KeptState
from advisor.sources.code_state import StateChange, ValueNames
from advisor.sources.typescript.modules import ScriptModule
from advisor.sources.typescript.needs import ReachedCode, ScriptUses
from advisor.sources.typescript.resolve import CodePart, ScriptTree
from advisor.sources.typescript.syntax import (
    CLASSES,
    SyntaxNode,
    bare,
    class_around,
    function_around,
    returned,
    statements,
)

_CHANGES = {"set", "add", "push", "unshift", "splice", "pop", "shift", "delete", "clear", "fill", "sort", "reverse"}
_REMOVALS = {"pop", "shift", "delete", "clear"}
_CONTAINERS = {"Map", "Set", "WeakMap", "WeakSet", "Array"}


class _Target(NamedTuple):
    """A value that a statement changes: the container, the key, and whether the statement only removes something."""

    root: SyntaxNode
    key: SyntaxNode | None
    removes: bool
    direct: bool


class ScriptState:
    """The changes that functions make to values of the process."""

    def __init__(self, tree: ScriptTree, needs: ScriptUses, names: ValueNames) -> None:
        """Args: tree: the code; needs: knows the context of a request; names: knows the words in names."""
        self._tree, self._needs, self._names = tree, needs, names
        self._singletons: dict[SyntaxNode, bool] = {}
        self.read: set[tuple[str, str]] = set()

    def changes(self, visit: ReachedCode) -> Iterator[StateChange]:
        """Yield the changes in a function, except of values for diagnosis. `read` gets the values that it reads."""
        targets: set[SyntaxNode] = set()
        for node in visit.function.within():
            target = _target(node)
            if target is None:
                continue
            targets.add(target.root)
            change = self._change(target, node, visit)
            if change is not None and not self._names.is_for_diagnosis(change.name, change.defined.path):
                yield change
        for node in visit.function.within():
            if node not in targets and node.kind in (
                "identifier",
                "shorthand_property_identifier",
                "member_expression",
            ):
                held = self._held(node, visit)
                if held is not None:
                    self.read.add((held[0], held[1].path))

    def is_read(self, kept: KeptState) -> bool:
        """Return whether a tool reads a value, as far as `changes` has visited the functions."""
        return (kept.name, kept.location.path) in self.read

    def _change(self, target: _Target, node: SyntaxNode, visit: ReachedCode) -> StateChange | None:
        held = self._held(target.root, visit)
        if held is None:
            return None
        name, module, defined = held
        if not target.direct and not _is_mutable(defined):
            return None
        by_session = target.key is not None and self._is_session(target.key, visit)
        is_cache = target.removes or self._names.is_cache(name) or _made_again(target, node, visit)
        where, place = module.location(defined), visit.module.location(node)
        return StateChange(name, "module", where, place, is_cache, by_session)

    def _held(self, root: SyntaxNode, visit: ReachedCode) -> tuple[str, ScriptModule, SyntaxNode] | None:
        """Return the name, the module and the definition of a value that lives as long as the process, or None."""
        if root.kind in ("identifier", "shorthand_property_identifier"):
            if visit.module.is_global(root):
                defined = visit.module.globals(root.text)[0].node
                return None if defined.kind in CLASSES else (root.text, visit.module, defined)
            if visit.module.bindings(root) or root.text not in visit.module.imports:
                return None
            found = self._tree.resolve(root, visit.module)
            if isinstance(found, CodePart) and found.node.kind not in CLASSES:
                return root.text, found.module, found.node
            return None
        owner, name = root.child("object"), root.child("property")
        if owner is None or name is None or owner.kind != "this":
            return None
        around = class_around(root)
        if around is None or not self._is_singleton(CodePart(visit.module, around)):
            return None
        fields = [each for each in visit.module.members(around, name.text) if each.kind != "method_definition"]
        if not fields:
            return None
        value = fields[0].child("value") if fields[0].kind.endswith("field_definition") else fields[0]
        class_name = around.child("name")
        return f"{class_name.text if class_name else 'class'}.{name.text}", visit.module, value or fields[0]

    def _is_singleton(self, owner: CodePart) -> bool:
        """Return whether the code of a module makes an object of a class, so that all calls have the same object."""
        if owner.node not in self._singletons:
            self._singletons[owner.node] = any(
                function_around(made) is None
                and class_around(made) is None
                and (kind := self._tree.class_of(made, module)) is not None
                and kind.node is owner.node
                for module in self._tree.modules
                for made in module.made
            )
        return self._singletons[owner.node]

    def _is_session(self, key: SyntaxNode, visit: ReachedCode, depth: int = 3) -> bool:
        key = bare(key)
        if self._needs.role(key, visit) == "context.sessionId":
            return True
        if key.kind == "binary_expression" or key.kind == "template_string":
            return any(self._is_session(part, visit, depth - 1) for part in key.children) if depth > 0 else False
        if key.kind == "template_substitution":
            return any(self._is_session(part, visit, depth - 1) for part in key.children) if depth > 0 else False
        if key.kind == "identifier" and depth > 0:
            values = [each.node for each in visit.module.bindings(key) if not each.is_parameter and not each.path]
            return any(self._is_session(value, visit, depth - 1) for value in values if value is not key)
        return False


def _target(node: SyntaxNode) -> _Target | None:
    """Return what a statement changes, or None."""
    if node.kind in ("assignment_expression", "augmented_assignment_expression", "update_expression"):
        left = node.child("left") or node.child("argument")
        if left is None:
            return None
        left = bare(left)
        if left.kind == "identifier":
            return _Target(left, None, _is_reset(node), True)
        return _part(left, _is_reset(node) and left.kind == "member_expression")
    if node.kind == "unary_expression" and node.text.startswith("delete "):
        return _part(bare(node.children[-1]), True)
    function = node.child("function") if node.kind == "call_expression" else None
    name = function.child("property") if function is not None and function.kind == "member_expression" else None
    if function is None or name is None or name.text not in _CHANGES:
        return None
    owner = function.child("object")
    given = node.arguments()
    key = given[0] if name.text in ("set", "delete") and given else None
    root = _root(bare(owner)) if owner is not None else None
    return _Target(root[0], key or root[1], name.text in _REMOVALS, False) if root is not None else None


def _part(left: SyntaxNode, removes: bool) -> _Target | None:
    if left.kind == "member_expression":
        owner = left.child("object")
        if owner is not None and owner.kind == "this":
            return _Target(left, None, removes, True)
    root = _root(left)
    return _Target(root[0], root[1], removes, False) if root is not None else None


def _root(node: SyntaxNode) -> tuple[SyntaxNode, SyntaxNode | None] | None:
    """Return the name, or the field of `this`, that holds a value, and the first key; None for another expression."""
    key: SyntaxNode | None = None
    node = bare(node)
    while node.kind in ("member_expression", "subscript_expression"):
        owner = node.child("object")
        if owner is None or owner.kind == "this":
            break
        key = node.child("index") or key
        node = bare(owner)
    kinds = ("identifier", "member_expression")
    return (node, key) if node.kind in kinds else None


def _is_reset(node: SyntaxNode) -> bool:
    """Return whether a statement assigns an empty value."""
    right = node.child("right")
    return right is not None and bare(right).text in ("null", "undefined", "[]", "{}", "new Map()", "new Set()")


def _is_mutable(defined: SyntaxNode) -> bool:
    if defined.kind in ("object", "array"):
        return True
    if defined.kind in ("variable_declarator", "public_field_definition"):
        return True
    made = defined.child("constructor") if defined.kind == "new_expression" else None
    return made is not None and (made.text in _CONTAINERS or "cache" in made.text.lower())


def _made_again(target: _Target, node: SyntaxNode, visit: ReachedCode) -> bool:
    """Return whether a value is stored only if it is missing, or before the function ends for a stored value."""
    name = target.root.text
    right = node.child("right")
    plain = node.kind == "assignment_expression" and right is not None and target.direct
    if plain and right is not None and name not in right.text and not _uses_arguments(right, visit):
        return True
    if f"{name}.length = 0" in visit.function.text:
        return True  # filled again
    for parent in node.around():
        if parent is visit.function:
            break
        condition = parent.child("condition") if parent.kind in ("if_statement", "ternary_expression") else None
        if (
            condition is not None
            and _tests(condition, name, visit)
            and (target.direct or _returns_stored(name, node, visit))
        ):
            return True
        if parent.kind == "statement_block":
            before = [each for each in parent.children if each.start < node.start and each.kind == "if_statement"]
            for each in before:
                tested = each.child("condition")
                last = statements(each.child("consequence"))[-1:]
                if tested is not None and last and last[0].kind == "return_statement" and _tests(tested, name, visit):
                    return target.direct or name in last[0].text or _returns_stored(name, node, visit)
    if node.kind == "augmented_assignment_expression":
        operator = node.child("operator")
        return operator is not None and operator.text == "??="
    return False


def _uses_arguments(value: SyntaxNode, visit: ReachedCode, depth: int = 3) -> bool:
    """Return whether a value depends on an argument of a function, also through local names, or is a plain value."""
    if value.kind in ("true", "false", "number", "string"):
        return True
    for part in value.within():
        if part.kind not in ("identifier", "shorthand_property_identifier"):
            continue
        for binding in visit.module.bindings(part):
            inner = binding.node
            local = not binding.is_parameter and inner is not part and not visit.module.is_global(part)
            if binding.is_parameter or (local and depth > 0 and _uses_arguments(inner, visit, depth - 1)):
                return True
    return False


def _tests(condition: SyntaxNode, name: str, visit: ReachedCode) -> bool:
    """Return whether a condition looks at a value, also through a local name."""
    if name in condition.text:
        return True
    for part in condition.within():
        if part.kind == "identifier":
            values = [each.node for each in visit.module.bindings(part) if not each.is_parameter]
            if any(f"{name}." in value.text[:200] or f"{name}[" in value.text[:200] for value in values):
                return True
    return False


def _returns_stored(name: str, node: SyntaxNode, visit: ReachedCode) -> bool:
    """Return whether the function returns the value that it stores."""
    stored = [node.child("right"), *node.arguments()[-1:]]
    texts = {bare(each).text for each in stored if each is not None}
    results = [bare(each) for each in returned(visit.function)]
    return any(each.text in texts or each.text.startswith((f"{name}.get(", f"{name}[")) for each in results)
