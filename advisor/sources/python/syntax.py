"""Small questions about pieces of code that need no other module."""

from __future__ import annotations

import ast
from typing import Any

_TRUE = ("1", "true", "yes", "on", "t", "y")


def is_name(expr: ast.expr, name: str) -> bool:
    """Return whether an expression is this name."""
    return isinstance(expr, ast.Name) and expr.id == name


def flag_of(value: object) -> bool | None:
    """Return a value as True or False; None for a value that is no flag. Texts are read as in environments."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.strip().lower() in _TRUE
    return bool(value) if isinstance(value, int) else None


def dotted(expr: ast.expr) -> str:
    """Return a name with its attributes, such as `os.environ.get`; "" for another expression."""
    parts: list[str] = []
    while isinstance(expr, ast.Attribute):
        parts.append(expr.attr)
        expr = expr.value
    return ".".join([expr.id, *reversed(parts)]) if isinstance(expr, ast.Name) else ""


def last_name(expr: ast.expr) -> str:
    """Return the last part of a name, also of `Name[...]`; "" for another expression."""
    if isinstance(expr, ast.Subscript):
        expr = expr.value
    return str(getattr(expr, "attr", None) or getattr(expr, "id", ""))


def converted(name: str, value: Any) -> Any:
    """Return a value after a call of `bool`, `str` or `int`; None if the call fails."""
    try:
        return None if value is None else {"bool": bool, "str": str, "int": int}[name](value)
    except (TypeError, ValueError):
        return None


def default_of(name: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.expr | None:
    """Return the default of a parameter, or None."""
    positional = [*function.args.posonlyargs, *function.args.args]
    start = len(positional) - len(function.args.defaults)
    for index, parameter in enumerate(positional):
        if parameter.arg == name and index >= start:
            return function.args.defaults[index - start]
    for parameter, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if parameter.arg == name:
            return default
    return None


def annotated_parts(annotation: ast.expr | None) -> list[ast.expr]:
    """Return the parts of `Annotated[...]`; an empty list for another annotation."""
    if isinstance(annotation, ast.Subscript) and last_name(annotation.value) == "Annotated":
        return list(annotation.slice.elts) if isinstance(annotation.slice, ast.Tuple) else []
    return []
