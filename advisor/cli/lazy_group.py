"""A group of commands that starts fast: it imports only the command that is called, and typer does not load pydantic.

Since 0.29 typer converts every parameter with a pydantic adapter. To import pydantic and to build the adapters takes
longer than a recommendation. Words, lists of words, enumerations and options that are not given need no adapter.
With an older typer, which has no adapters, the conversion here is never called.
"""

from __future__ import annotations

from enum import Enum
from functools import partial
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command


class LazyGroup(TyperGroup):
    """The group of all commands. Its members only carry a name and a summary for `--help`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As `TyperGroup`, without pydantic."""
        _spare_pydantic(self, ctx)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """As `TyperGroup`, with the real command."""
        name, member, rest = super().resolve_command(ctx, args)
        return name, load_command(str(name), ctx) if member else None, rest


def load_command(name: str, ctx: Any) -> Any:
    """Import `advisor.cli.<name>` and make a command of its `app`, or of its function of that name.

    Args:
        name: of the command.
        ctx: the context of the program; it says how the help options are called.
    """
    module = import_module(f"advisor.cli.{name}")
    app: typer.Typer | None = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name)(getattr(module, name))
    command = get_command(app)
    command.name = name
    _spare_pydantic(command, ctx)
    return command


def _spare_pydantic(command: Any, ctx: Any) -> None:
    """Replace the conversion of parameters (`get_params`: with the help option) in a command and in those below it."""
    for parameter in command.get_params(ctx):
        if hasattr(parameter, "get_runtime_param"):
            parameter.get_runtime_param = partial(_Words, parameter.get_runtime_param)
    for member in getattr(command, "commands", {}).values():
        _spare_pydantic(member, ctx)


class _Words:
    """Stands in for typer's conversion, and calls it where there is more to convert than words."""

    def __init__(self, typers_own: Any) -> None:
        self._typers_own = typers_own

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the command takes it.

        Raises:
            typer.BadParameter: the value is not allowed.
        """
        kind = param.type_descriptor.annotation
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if kind in (str, list[str]):
            return value
        if isinstance(kind, type) and issubclass(kind, Enum):
            allowed = [member.value for member in kind]
            if isinstance(value, kind) or value in allowed:
                return kind(value)
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(map(repr, allowed))}.", ctx=ctx, param=param)
        return self._typers_own().coerce(value, param=param, ctx=ctx)
