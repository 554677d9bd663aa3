"""Reads YAML and JSON files of proxies, also templates with placeholders."""

from __future__ import annotations

import re

from advisor.sources.platforms.marked import YamlNode, document, parts
from advisor.sources.proxies.placeholders import EXPRESSION, Template

_WORDS = re.compile(r"\w+")


def yaml_documents(text: str, path: str) -> list[YamlNode]:
    """Return the documents of a file. A placeholder of a template such as `{{ port }}` is its default, or else `$port`.

    Raises:
        UnreadableError: the file is not YAML, or it is too large.
    """
    template = Template(text, EXPRESSION)  # YAML without placeholders never has two braces next to each other
    plain = template.restored(template.text)[0]
    return [document(part, path, offset) for part, offset in parts(EXPRESSION.sub(_variable, plain))]


def _variable(match: re.Match[str]) -> str:
    return "$" + "_".join(_WORDS.findall(match[0]))
