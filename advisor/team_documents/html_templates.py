"""The template engine of pages of HTML. It escapes each value.

The words of a page are in its template in templates/documents/, and the look is in page.css.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from advisor.knowledge.paths import templates_dir
from advisor.knowledge.template_cache import TemplateBytecodeCache
from advisor.sentences import inside
from advisor.templating import environment

_CODE_SPAN = re.compile(r"`([^`\n]+)`")
_FORBIDDEN = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""Characters that a page cannot contain, and white space that would look like other white space."""


def render_html(template: str, **values: Any) -> str:
    """Render a page, or a part of it, of templates/documents/ with the filters that all pages share."""
    made = environment(
        templates_dir() / "documents", bytecode_cache=TemplateBytecodeCache(), rich=rich, inside=inside, linked=linked
    )
    return cleaned(made.get_template(template).render(**values))


def cleaned(page: str) -> str:
    """Return a page without blank lines, and without characters that a page cannot contain."""
    text = _FORBIDDEN.sub(" ", page)
    return re.sub(r"\n(?:[^\S\n]*\n)+", "\n", text).strip("\n") + "\n"


def rich(text: object) -> Markup:
    """Return a text of the program as HTML. Its code spans are elements, and all other characters are escaped."""
    return _rich(str(text))


@lru_cache(maxsize=8192)  # The pages of a fleet share most texts.
def _rich(text: str) -> Markup:
    escaped = str(escape(" ".join(text.split())))
    return Markup(_CODE_SPAN.sub(r"<code>\1</code>", escaped))  # noqa: S704 (every other character is escaped)


def linked(reference: str) -> Markup:
    """Return a reference, as a link if it is a web address."""
    if re.fullmatch(r"https?://[^\s<>\"']+", reference):
        return Markup('<a href="{0}">{0}</a>').format(reference)
    return rich(reference)
