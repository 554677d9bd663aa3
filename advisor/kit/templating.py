"""The jinja2 environment of all templates, with one quoting filter for each target."""

from __future__ import annotations

import json
import shlex
from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from advisor.knowledge.paths import templates_dir


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The environment: undefined variables are errors, blocks leave no blank lines, nothing is escaped by itself."""
    made = Environment(  # no HTML here: each value is quoted for its target by a filter
        loader=FileSystemLoader(templates_dir() / "kit"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(py=_py, yaml=_yaml, sh=_sh, nginx=_nginx, comment=_comment)
    return made


def render(template: str, **variables: Any) -> str:
    """Render `templates/kit/<template>`; the text ends in exactly one newline."""
    return environment().get_template(template).render(**variables).rstrip("\n") + "\n"


def _py(value: Any) -> str:
    """A Python literal."""
    return repr(value)


def _yaml(value: Any) -> str:
    """A YAML scalar in double quotes: JSON strings are YAML, whatever is in them."""
    return json.dumps(value)


def _sh(value: Any) -> str:
    """One word for a shell."""
    return shlex.quote(str(value))


def _nginx(value: Any) -> str:
    """One quoted argument for nginx; what is not a plain word is refused, since nginx expands `$` even in quotes."""
    text = str(value)
    if not text or any(char in text for char in "\"'\\;{}$\n\r\t #"):
        raise ValueError(f"not a plain word for nginx: {text!r}")
    return f'"{text}"'


def _comment(value: Any) -> str:
    """Text for a line comment: one line, printable."""
    return "".join(char if char.isprintable() else " " for char in str(value))
