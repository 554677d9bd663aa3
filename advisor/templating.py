"""Creates the Jinja environments of the templates, one for each list of folders."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined


@lru_cache(maxsize=16)
def environment(
    *folders: Path, bytecode_cache: BytecodeCache | None = None, **filters: Callable[..., Any]
) -> Environment:
    """Return the Jinja environment of folders of templates. Do not change it, because calls share it.

    An undefined variable is an error. A block leaves no blank line. Templates whose name ends in .html.j2 or .svg.j2
    escape each value. In all other templates, filters quote each value for its target.

    Args:
        folders: the folders of the templates. The first folder that has a template counts.
        bytecode_cache: stores compiled templates between runs.
        filters: functions by their names in the templates.
    """
    made = Environment(
        loader=FileSystemLoader(folders),
        undefined=StrictUndefined,
        autoescape=_is_markup,  # noqa: S701 (filters quote each value of the other templates)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=bytecode_cache,
    )
    made.filters.update(filters)
    return made


def _is_markup(template: str | None) -> bool:
    return template is not None and template.endswith((".html.j2", ".svg.j2"))
