"""Commands whose parameters are words: the parser does not load pydantic to check them.

Since 0.29 typer checks every parameter with a pydantic adapter, which takes longer to import than a recommendation
takes to make. Words, lists of words, enumerations and options that were not given need no adapter. With a typer that
works in another way, this changes nothing.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class LeanCommand(TyperCommand):
    """A typer command that converts words by itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As `TyperCommand`; only now are all parameters there (those for help and completion come late)."""
        _lighten(self.get_params(ctx))
        return super().parse_args(ctx, args)


class LeanGroup(TyperGroup):
    """The same for a group of commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As `TyperGroup`; only now are all parameters there (those for help and completion come late)."""
        _lighten(self.get_params(ctx))
        return super().parse_args(ctx, args)


def _lighten(parameters: list[Any]) -> None:
    for parameter in parameters:
        if getattr(parameter, "_runtime_param", True) is None and hasattr(parameter, "type_descriptor"):
            parameter._runtime_param = _Words(parameter.type_descriptor.annotation)


class _Words:
    """Stands in for typer's own conversion, and hands over to it where there is more to convert than words."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the command takes it; typer's error where it is not allowed."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if self.kind in (str, list[str]):
            return value
        if isinstance(self.kind, type) and issubclass(self.kind, Enum):
            return self._member(self.kind, value, param, ctx)
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)

    def _member(self, kind: type[Enum], value: Any, param: Any, ctx: Any) -> Enum:
        allowed = [one.value for one in kind]
        if isinstance(value, kind) or value in allowed:
            return kind(value)
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(map(repr, allowed))}.", ctx=ctx, param=param)
