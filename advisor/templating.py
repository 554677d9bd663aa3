"""The environments of the templates: all are made here, once each, and never changed afterwards."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined


@lru_cache(maxsize=16)
def environment(
    folder: Path, /, bytecode_cache: BytecodeCache | None = None, **filters: Callable[..., Any]
) -> Environment:
    """The environment of a folder of templates: undefined variables are errors, blocks leave no blank lines.

    Nothing is escaped automatically: no template is HTML, and filters quote each value for its target.

    Args:
        folder: where its templates are.
        bytecode_cache: keeps compiled templates between runs.
        filters: by their names in the templates.
    """
    made = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (no template is HTML; filters quote)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=bytecode_cache,
    )
    made.filters.update(filters)
    return made
