"""Any text as Markdown that shows this text and nothing else.

A text of a user is quoted by `said`, or as a code span by `code`. A text of the rules has code spans of its own, and
`prose` keeps them. `linked` also keeps the links to headings.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# An underscore inside a word has no meaning in Markdown, so names such as stateless_http are not escaped.
_SPECIAL = re.compile(r"[\\*<>\[\]`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|~(?=~)|&(?=#?\w+;)")
_SPECIAL_OF_USERS = re.compile(rf"{_SPECIAL.pattern}|[~$&]")  # also formulas on GitHub
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_BLOCK = re.compile(r"^(#{1,6}|[-+*=>~]+|\d+[.)](?= |$))")
_ESCAPED_LINK = re.compile(r"\\\[([\w ]+)\\\]\(#([\w-]+)\)")
_ADDRESS = re.compile(r"(?i)\b(https?|ftp|www)([:.])")  # GitHub makes a link of an address


def one_line(text: object) -> str:
    """Return any text on a single line without characters that no document can contain."""
    return " ".join(_UNPRINTABLE.sub(" ", str(text)).split())


def code(text: object) -> str:
    """Return any text as a code span."""
    flat = one_line(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else ""


def code_cell(text: object) -> str:
    """Return any text as a code span inside a table."""
    return code(text).replace("|", "\\|")


def prose(text: object, outside: Callable[[str], str] = str) -> str:
    """Return text with its code spans unchanged and all other Markdown characters escaped.

    Args:
        text: the text.
        outside: a further change of the escaped parts outside of code spans.
    """
    flat = one_line(text)
    parts, start = [], 0
    for span in _CODE_SPAN.finditer(flat):
        parts += [outside(_escaped(flat[start : span.start()])), span[0]]
        start = span.end()
    return "".join((*parts, outside(_escaped(flat[start:]))))


def linked(text: object) -> str:
    """Return a text of the rules, escaped as in `prose`, with its links to headings of the document."""
    return _ESCAPED_LINK.sub(r"[\1](#\2)", prose(text))


def said(text: object) -> str:
    """Return any text of a user. It has no code spans: a backtick is a backtick."""
    flat = _SPECIAL_OF_USERS.sub(r"\\\g<0>", one_line(text))
    flat = _ADDRESS.sub(lambda found: f"{found[1]}\\{found[2]}", flat)
    return _BLOCK.sub(lambda found: found[1][:-1] + "\\" + found[1][-1], flat)


def cell(text: object, outside: Callable[[str], str] = str) -> str:
    """Return text inside a table, escaped as in `prose`."""
    return prose(text, outside).replace("|", "\\|")


def link(ref: str) -> str:
    """Return a reference, as a link if it is a web address."""
    return f"<{ref}>" if re.fullmatch(r"https?://[^\s<>]+", ref) else prose(ref)


def anchor(heading: str) -> str:
    """Return the name of a heading in an address, as GitHub and GitLab make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)
