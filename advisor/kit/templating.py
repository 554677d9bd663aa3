"""Renders the templates of a kit. There is a quoting filter for each file format."""

from __future__ import annotations

import json
import shlex
from functools import lru_cache
from typing import Any

from jinja2 import Environment

from advisor.kit.bytecode_cache import TemplateBytecodeCache
from advisor.knowledge.paths import templates_dir
from advisor.report.decision_markdown import cell, code_cell, prose
from advisor.templating import environment


def render(template: str, **variables: Any) -> str:
    """Render `templates/kit/<template>`; the text ends in exactly one newline."""
    return _environment().get_template(template).render(**variables).rstrip("\n") + "\n"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return environment(
        templates_dir() / "kit",
        bytecode_cache=TemplateBytecodeCache(),
        py=_py,
        yaml=_yaml,
        sh=_sh,
        nginx=_nginx,
        comment=comment,
        prose=prose,
        of_this_kit=_of_this_kit,
        cell=cell,
        code_cell=code_cell,
    )


def _of_this_kit(text: str) -> str:
    """The fix of a warning, in which "a generated kit" or "a generated server" is the kit that contains the text."""
    for whose, this in (("In a ", "In this "), ("in a ", "in this "), ("A ", "This "), ("a ", "this ")):
        text = text.replace(f"{whose}generated kit", f"{this}kit").replace(f"{whose}generated server", f"{this}kit")
    return text


def _py(value: Any) -> str:
    """A Python literal."""
    return repr(value)


def _yaml(value: Any) -> str:
    """A YAML scalar in double quotes. Every JSON string is valid YAML."""
    return json.dumps(value)


def _sh(value: Any) -> str:
    """One word for a shell."""
    return shlex.quote(str(value))


def _nginx(value: Any) -> str:
    """One quoted argument for nginx. Only plain words are allowed, because nginx expands `$` even in quotes.

    Raises:
        ValueError: the value is not a plain word.
    """
    text = str(value)
    if not text or any(char in text for char in "\"'\\;{}$\n\r\t #"):
        raise ValueError(f"not a plain word for nginx: {text!r}")
    return f'"{text}"'


def comment(value: Any) -> str:
    """Text for a line comment: one line of printable characters."""
    return "".join(char if char.isprintable() else " " for char in str(value))
