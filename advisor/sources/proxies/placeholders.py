"""Replaces the placeholders of templates, so that a template can be read like the file that it makes."""

from __future__ import annotations

import re

_FIRST, _MOST = 0xE000, 6400
"""The characters that stand for placeholders: the private use area of Unicode."""
_MARK = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + _MOST - 1)}]")

EXPRESSION = re.compile(r"\{\{[^{}\n]{0,300}\}\}|<%=[^%\n]{0,300}%>")
_STATEMENT = re.compile(
    r"\{%[^%]{0,500}%\}|\{#[^#]{0,2000}#\}|<%[^=%][^%]{0,500}%>"
    r"|\{\{-?\s*(?:/\*|#|/|\^|(?:if|else|end|range|with|define|block|template|include)\b)[^{}]{0,500}\}\}"
)
_DEFAULT = re.compile(r"""\|\s*default\s*\(?\s*["']?([\w.:/-]+)["']?|\bdefault\s+["']?([\w.:/-]+)["']?\s""")

NGINX = re.compile(rf"{EXPRESSION.pattern}|\$\{{[A-Z][A-Z0-9_]*(?::?-[^}}\n]{{0,100}})?\}}|\$[A-Z][A-Z0-9_]+\b")
"""Upper-case names are variables of the environment. Variables of nginx have lower-case names."""
ENVIRONMENT = re.compile(rf"{EXPRESSION.pattern}|\$\{{\w+(?:\[\*\])?(?::?-[^}}\n]{{0,100}})?\}}")
CADDY = re.compile(rf"{EXPRESSION.pattern}|\{{\$\w+(?::[^}}\n]{{0,100}})?\}}")

_VARIABLE = re.compile(r"\{?\$\{?(?P<name>\w+)(?:\[\*\])?(?::?-|:)?(?P<default>[^}]*)\}?")


class Template:
    """A text in which a single character stands for each placeholder.

    Attributes:
        text: the text with the characters. Its lines are those of the file.
    """

    def __init__(self, text: str, pattern: re.Pattern[str]) -> None:
        """Args: text: the file; pattern: the placeholders."""
        self._found: list[str] = []
        plain = _STATEMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
        self.text = pattern.sub(self._replace, plain)

    def _replace(self, match: re.Match[str]) -> str:
        if len(self._found) == _MOST:
            return match[0]
        self._found.append(match[0])
        return chr(_FIRST + len(self._found) - 1)

    def restored(self, text: str, environment: dict[str, str] | None = None) -> tuple[str, bool]:
        """Return a part of the text with the placeholders, or with their defaults, and whether it has placeholders.

        Args:
            text: a part of `self.text`.
            environment: the known values of variables.
        """
        is_dynamic = False

        def original(match: re.Match[str]) -> str:
            nonlocal is_dynamic
            index = ord(match[0]) - _FIRST
            if index >= len(self._found):
                return match[0]
            is_dynamic = True
            return _default(self._found[index], environment or {})

        return _MARK.sub(original, text), is_dynamic


def _default(placeholder: str, environment: dict[str, str]) -> str:
    variable = _VARIABLE.fullmatch(placeholder)
    if variable is not None:
        return environment.get(variable["name"]) or variable["default"] or placeholder
    default = _DEFAULT.search(placeholder)
    return (default[1] or default[2]) if default else placeholder
