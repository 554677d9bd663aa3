"""A group of commands that starts fast: it imports only the command that is called, and avoids pydantic.

Since release 0.29, typer converts every parameter with a pydantic adapter. The import of pydantic and the construction
of the adapters take longer than a recommendation. Strings, lists of strings, enumerations and missing options need no
adapter. An older typer has no adapters and never calls the conversion of this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from importlib import import_module
from typing import Any, get_args, get_origin

import typer
from typer.core import TyperGroup
from typer.main import get_command

from advisor.requirements.text import nearest
from advisor.sentences import listed


class LazyGroup(TyperGroup):
    """The group of all commands. Each member has only the name and the summary for `--help`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as `TyperGroup` does, without pydantic."""
        _spare_pydantic(self, ctx)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Resolve as `TyperGroup` does, and import the command."""
        name, member, rest = super().resolve_command(ctx, args)
        return name, load_command(str(name), ctx) if member else None, rest


def load_command(name: str, ctx: Any) -> Any:
    """Import `advisor.cli.<name>` and make a command from its `app`, or else from its function `<name>`.

    Args:
        name: the name of the command.
        ctx: the context of the program, which has the names of the help options.
    """
    module = import_module(f"advisor.cli.{name}")
    app: typer.Typer | None = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name, epilog=getattr(module, "EPILOG", None))(getattr(module, name))
    command = get_command(app)
    command.name = name
    _spare_pydantic(command, ctx)
    _plain_help(command, ctx)
    return command


def _plain_help(command: Any, ctx: Any) -> None:
    """Show arguments as most programs do: `FILE...` and `[FILE]`, without braces and Python types."""
    usage = command.collect_usage_pieces
    command.collect_usage_pieces = lambda ctx: [re.sub(r"[{}]", "", piece) for piece in usage(ctx)]
    for parameter in command.get_params(ctx):
        if parameter.param_type_name == "argument":
            parameter.get_help_record = partial(_without_type, parameter.get_help_record)
    for member in getattr(command, "commands", {}).values():
        _plain_help(member, ctx)


def _without_type(record: Callable[[Any], tuple[str, str] | None], ctx: Any) -> tuple[str, str] | None:
    shown = record(ctx)
    return shown and (re.sub(r" <[^>]*>$", "", shown[0]), shown[1])


def _spare_pydantic(command: Any, ctx: Any) -> None:
    """Replace the conversion of all parameters, including the help option, in a command and its subcommands."""
    for parameter in command.get_params(ctx):
        if hasattr(parameter, "get_runtime_param"):
            parameter.get_runtime_param = partial(_Conversion, parameter.get_runtime_param)
    for member in getattr(command, "commands", {}).values():
        _spare_pydantic(member, ctx)


class _Conversion:
    """Replaces typer's conversion of a parameter. For types other than strings and enumerations, it calls typer's."""

    def __init__(self, typers_own: Any) -> None:
        self._typers_own = typers_own

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value in the type that the command takes.

        Raises:
            typer.BadParameter: the value is not allowed.
        """
        kind = param.type_descriptor.annotation
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if kind in (str, list[str]):
            return value
        if isinstance(kind, type) and issubclass(kind, Enum):
            return _members(kind, [value], param, ctx)[0]
        (member,) = get_args(kind) or (None,)
        if get_origin(kind) is list and issubclass(member, Enum):
            return _members(member, value, param, ctx)
        try:
            return self._typers_own().coerce(value, param=param, ctx=ctx)
        except typer.BadParameter as error:  # its message does not name the value
            said = f"{value!r:.80} is not allowed: {error.message[:1].lower()}{error.message[1:]}"
            said = f"{value!r:.80} is not allowed. Allowed: {_integers(param)}." if kind is int else said
            raise typer.BadParameter(said, ctx=ctx, param=param) from None


def _integers(param: Any) -> str:
    """Return the integers that an option allows, in words."""
    ends = [("from", param.min), ("to", param.max)] if param.max is not None else [("not less than", param.min)]
    return " ".join(["an integer", *(f"{word} {end}" for word, end in ends if end is not None)])


def _members(kind: type[Enum], values: Sequence[Any], param: Any, ctx: Any) -> list[Enum]:
    """The members with these values. The error has every value that is not allowed."""
    allowed = [member.value for member in kind]
    wrong = [str(value) for value in values if not isinstance(value, kind) and value not in allowed]
    if not wrong:
        return [kind(value) for value in values]
    hints = " ".join(hint for value in wrong if (hint := nearest(value, allowed)))
    said = f"{listed(map(repr, wrong))} {'is' if len(wrong) == 1 else 'are'} not one of"
    raise typer.BadParameter(f"{said} {', '.join(map(repr, allowed))}. {hints}".strip(), ctx=ctx, param=param)
