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
        cell=cell,
        code_cell=code_cell,
    )


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
