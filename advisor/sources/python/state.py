"""Finds values that tools change and that stay in the process between two calls, and tells caches from state."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from advisor.sources.code_state import StateChange, ValueNames
from advisor.sources.python.modules import Opaque
from advisor.sources.python.needs import FeatureUses, ReachedFunction
from advisor.sources.python.resolve import CodeTree, Defined

_CHANGES = {"append", "appendleft", "add", "update", "pop", "popitem", "popleft", "setdefault", "insert", "extend"}
_CHANGES |= {"remove", "discard", "clear"}
_REMOVALS = {"pop", "popitem", "popleft", "clear", "remove", "discard"}
_CONTAINERS = {"dict", "list", "set", "defaultdict", "deque", "OrderedDict", "Counter", "WeakKeyDictionary"}
_CONTAINERS |= {"WeakValueDictionary"}


class StateChanges:
    """The changes that functions make to values of the process."""

    def __init__(self, tree: CodeTree, needs: FeatureUses, names: ValueNames) -> None:
        """Args: tree: the code; needs: knows which expression is a session; names: knows the words in names."""
        self._tree, self._needs, self._names = tree, needs, names

    def changes(self, visit: ReachedFunction) -> Iterator[StateChange]:
        """Yield the changes in a function, except of values for diagnosis and of counts of running calls."""
        for node in visit.module.within(visit.function):
            if isinstance(node, ast.AugAssign) and _counts_calls(node, visit):
                continue
            for target, key, removes in _targets(node):
                found = self._change(target, key, removes, node, visit)
                yield from (change for change in found if not self._names.is_for_diagnosis(change.name))
            if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
                yield from (
                    change for change in self._rebound(node, visit) if not self._names.is_for_diagnosis(change.name)
                )

    def _change(
        self, target: ast.expr, key: ast.expr | None, removes: bool, node: ast.AST, visit: ReachedFunction
    ) -> Iterator[StateChange]:
        """Yield the change of a mutable value: `target` is the value, or a part of it."""
        by_session = key is not None and self._is_session(key, visit)
        root = target
        while isinstance(root, (ast.Subscript, ast.Attribute)) and not self._needs.role(root, visit):
            if isinstance(root, ast.Subscript):
                by_session = by_session or self._is_session(root.slice, visit)
            inner = root.value
            if isinstance(inner, ast.Name) and inner.id == "self" and isinstance(root, ast.Attribute):
                break
            root = inner
        place = visit.module.location(node)
        role = self._needs.role(root, visit)
        if (role in ("session", "lifespan") and root is not target) or role == "lifespan":
            name = ast.unparse(target if target is root else root)[:60]
            yield StateChange(name, "session" if role == "session" else "lifespan", place, place, removes, by_session)
        elif isinstance(root, ast.Attribute) and visit.roles.get("self", "").startswith("global "):
            name = f"{visit.roles['self'].removeprefix('global ')}.{root.attr}"
            owner = visit.module.class_of(root)
            is_cache = removes or self._names.is_cache(name) or self._reads_through(node, root, visit)
            if target is root and isinstance(node, ast.Assign):
                is_cache = is_cache or self._made_again(f"self.{root.attr}", node, visit)
            yield StateChange(name, "module", visit.module.location(owner or root), place, is_cache, by_session)
        elif isinstance(root, ast.Name):
            found = self._global(root, visit)
            if found is not None and _is_mutable(found.node, isinstance(target, ast.Attribute) or target is not root):
                direct = target is root
                is_cache = (
                    removes or self._names.is_cache(root.id) or (direct and self._reads_through(node, root, visit))
                )
                where = found.module.location(found.node)
                yield StateChange(root.id, "module", where, place, is_cache, by_session, _stored_as(found))

    def _rebound(
        self, node: ast.Assign | ast.AugAssign | ast.AnnAssign, visit: ReachedFunction
    ) -> Iterator[StateChange]:
        """Yield the changes of names that the function declares as global."""
        names = {name for scope in visit.module.scopes(node) for name in visit.module.globals_of.get(scope, ())}
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id in names and not self._is_server(node.value, visit):
                definitions = visit.module.bindings(None, target.id)
                where = visit.module.location(definitions[0]) if definitions else visit.module.location(node)
                again = isinstance(node, ast.Assign) and self._made_again(target.id, node, visit)
                is_cache = again or self._names.is_cache(target.id)
                yield StateChange(target.id, "module", where, visit.module.location(node), is_cache, False)

    def _is_server(self, value: ast.expr | None, visit: ReachedFunction) -> bool:
        """Return whether a value is the server itself, also as an argument with this type."""
        if value is None or isinstance(value, Opaque):
            return False
        given = getattr(value, "id", "")
        types = [each.annotation for each in _parameters(visit.function) if each.arg == given]
        return self._needs.is_server(value, types[0] if types else None, visit.module)

    @staticmethod
    def _made_again(name: str, node: ast.Assign, visit: ReachedFunction) -> bool:
        """Return whether a value is stored once, reset, or made without the arguments of the function."""
        if isinstance(node.value, ast.Constant):
            stored_once = node.value.value is None
        else:
            stored_once = not _uses_arguments(node.value, visit) and name not in ast.unparse(node.value)
        guarded = any(
            isinstance(parent, ast.If) and name in _names(parent.test) for parent, _ in visit.module.around(node)
        )
        returns_early = any(
            isinstance(part, ast.If) and name in ast.unparse(part.test) and isinstance(part.body[-1], ast.Return)
            for part in visit.module.within(visit.function)
        )
        return stored_once or guarded or returns_early

    def _global(self, name: ast.Name, visit: ReachedFunction) -> Defined | None:
        """Return the definition of a name of a module, or None for a local name."""
        module = visit.module
        for scope in module.scopes(name):
            declared = module.globals_of.get(scope, set())
            local = name.id in visit.roles or any(each.arg == name.id for each in _parameters(scope))
            if name.id not in declared and (local or module.bindings(scope, name.id)):
                return None
        definitions = module.bindings(None, name.id)
        if definitions:
            return Defined(module, definitions[0])
        found = self._tree.resolve(name, module)
        return found if isinstance(found, Defined) else None

    def _is_session(self, key: ast.expr, visit: ReachedFunction, depth: int = 3) -> bool:
        if self._needs.role(key, visit) == "session":
            return True
        if isinstance(key, ast.Attribute):
            return key.attr == "session_id" and self._needs.role(key.value, visit) == "ctx"
        if isinstance(key, ast.Call):
            return any(self._is_session(part, visit, depth - 1) for part in key.args) if depth > 0 else False
        if isinstance(key, ast.Name) and depth > 0:
            values = [each for scope in visit.module.scopes(key) for each in visit.module.bindings(scope, key.id)]
            return any(self._is_session(each, visit, depth - 1) for each in values if isinstance(each, ast.expr))
        return False

    @staticmethod
    def _reads_through(node: ast.AST, root: ast.expr, visit: ReachedFunction) -> bool:
        """Return whether a value is stored only if it is missing, and the same function returns the stored value."""
        name = ast.unparse(root)
        if any(removes and ast.unparse(part) == name for part, removes in _removed(visit)):
            return True  # only as long as the function runs
        if not isinstance(node, ast.Assign):
            return False
        stored = ast.unparse(node.targets[0])
        empty = isinstance(node.value, (ast.Dict, ast.List, ast.Set)) and not ast.unparse(node.value).strip("{}[]")
        if empty:
            return False
        local = {
            each
            for each, values in visit.module.names(visit.function).items()
            if any(isinstance(value, ast.expr) and name in _text(value) for value in values)
        }
        missing = any(
            isinstance(parent, ast.If) and (name in ast.unparse(parent.test) or _names(parent.test) & local)
            for parent, _ in visit.module.around(node)
        )
        results = {stored, ast.unparse(node.value)}
        returned = any(
            isinstance(part, ast.Return) and part.value is not None and ast.unparse(part.value) in results
            for part in visit.module.within(visit.function)
        )
        before = any(
            isinstance(part, ast.If) and name in ast.unparse(part.test) and isinstance(part.body[-1], ast.Return)
            for part in visit.module.within(visit.function)
        )
        return (missing and returned) or before


def _stored_as(found: Defined) -> str:
    """Return the name that a module gives a value."""
    names = found.module.names(None)
    return next((name for name, values in names.items() if any(each is found.node for each in values)), "")


def _targets(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None, bool]]:
    """Yield the mutable values that a statement changes, with the key, and whether it only removes something."""
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Subscript):
                yield target.value, target.slice, False
            elif isinstance(target, ast.Attribute):
                yield target, None, False
    elif isinstance(node, ast.Delete):
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                yield target.value, target.slice, True
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES:
        if node.func.attr == "add" and not _is_of_container(node):
            return
        key = node.args[0] if node.args and node.func.attr in ("setdefault", "pop") else None
        yield node.func.value, key, node.func.attr in _REMOVALS


def _removed(visit: ReachedFunction) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the mutable values that a function changes, and whether it removes something in a `finally`."""
    for node in visit.module.within(visit.function):
        for target, _, removes in _targets(node):
            last = any(
                isinstance(parent, ast.Try) and child in parent.finalbody for parent, child in visit.module.around(node)
            )
            yield target, removes and last


def _uses_arguments(value: ast.expr, visit: ReachedFunction, depth: int = 3) -> bool:
    """Return whether a value depends on an argument of the function, also through local names."""
    arguments = {each.arg for each in _parameters(visit.function)} - {"self", "cls"}
    for name in _names(value):
        if name in arguments:
            return True
        bound = visit.module.bindings(visit.function, name) if depth > 0 else []
        if any(isinstance(each, ast.expr) and _uses_arguments(each, visit, depth - 1) for each in bound):
            return True
    return False


def _text(value: ast.expr) -> str:
    return "" if isinstance(value, Opaque) else ast.unparse(value)


def _is_mutable(node: ast.AST, changes_part: bool) -> bool:
    """Return whether a definition is a container, or an object whose attributes are changed."""
    if isinstance(node, Opaque) or not isinstance(node, ast.expr):
        return False
    if isinstance(node, (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)):
        return True
    if isinstance(node, ast.Call):
        func = node.func.value if isinstance(node.func, ast.Subscript) else node.func
        name = str(getattr(func, "attr", getattr(func, "id", "")))
        if name in ("getLogger", "get_logger"):
            return False
        return name in _CONTAINERS or changes_part or "cache" in name.lower()
    return False


def _is_of_container(call: ast.Call) -> bool:
    """Return whether a call such as `x.add(y)` can be of a container. A counter of metrics gets a number."""
    return len(call.args) == 1 and not call.keywords and not _is_number(call.args[0])


def _is_number(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, (int, float))


def _counts_calls(node: ast.AugAssign, visit: ReachedFunction) -> bool:
    """Return whether a statement counts for metrics, or counts the calls that run: a `finally` counts back."""
    name = ast.unparse(node.target)
    if not _is_number(node.value):
        return False
    return name.endswith("_total") or any(
        isinstance(part, ast.AugAssign) and ast.unparse(part.target) == name
        for tried in visit.module.within(visit.function)
        if isinstance(tried, ast.Try)
        for last in tried.finalbody
        for part in ast.walk(last)
    )


def _names(expr: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(expr) if isinstance(part, ast.Name)}


def _parameters(scope: ast.AST) -> list[ast.arg]:
    arguments = getattr(scope, "args", None)
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs] if arguments is not None else []
