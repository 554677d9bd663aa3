"""Reads the blocks of Terraform files. Tolerant: what is no block and no argument is left out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice

from advisor.findings import Location
from advisor.sources.platforms.marked import UnreadableError

_MOST_TOKENS = 40_000
_MOST_DEPTH = 100
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\f\ufeff]+)|(?P<comment>(?:\#|//)[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z))|(?P<line>\n)"
    r"|<<[-~]?(?P<heredoc>\w+)[^\n]*\n|(?P<quote>\")|(?P<word>[\w.*-]+)|(?P<mark>.)",
    re.DOTALL,
)
_OPEN, _CLOSE = "{[(", "}])"


@dataclass
class Argument:
    """An argument: its expression as written, without the quotes of a text, and whether it is a text."""

    text: str
    location: Location
    is_text: bool = False


@dataclass
class HclBlock:
    """A block with its labels, arguments and inner blocks."""

    kind: str
    labels: tuple[str, ...]
    location: Location
    arguments: dict[str, Argument] = field(default_factory=dict)
    blocks: list[HclBlock] = field(default_factory=list)

    def inner(self, kind: str) -> HclBlock:
        """Return the first inner block of a kind, or an empty block. A `dynamic` block counts by its label."""
        return next(iter(self.all(kind)), HclBlock(kind, (), self.location))

    def all(self, kind: str) -> list[HclBlock]:
        """Return the inner blocks of a kind."""
        return [block for block in self.blocks if block.kind == kind]


class _Token:
    __slots__ = ("kind", "line", "text")

    def __init__(self, kind: str, text: str, line: int) -> None:
        self.kind, self.text, self.line = kind, text, line


def blocks(text: str, path: str) -> list[HclBlock]:
    """Return the blocks of a file.

    Raises:
        UnreadableError: the file is too large.
    """
    tokens = _tokens(text)
    root = HclBlock("", (), Location(path, 1))
    stack = [root]
    position = 0
    start: list[_Token] = []  # the words before a brace or an equal sign
    while position < len(tokens):
        token = tokens[position]
        position += 1
        if token.kind in ("word", "text"):
            start.append(token)
        elif token.text == "=" and start:
            value, position = _expression(tokens, position)
            stack[-1].arguments.setdefault(start[-1].text, _argument(value, Location(path, start[-1].line)))
            start = []
        elif token.text == "{" and start:
            labels = tuple(word.text for word in start[1:])
            block = HclBlock(start[0].text, labels, Location(path, start[0].line))
            if len(stack) > _MOST_DEPTH:
                raise UnreadableError(f"line {token.line} has too many nested blocks")
            stack[-1].blocks.append(block)
            stack.append(block)
            start = []
        elif token.text == "}":
            if len(stack) > 1:
                stack.pop()
            start = []
        elif token.kind == "line":
            start = []
    return root.blocks


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            break
        position = match.end()
        kind = match.lastgroup or "mark"
        if kind == "quote":
            end = _end_of_text(text, position)
            found.append(_Token("text", text[position:end], line))
            line += text.count("\n", position, end)
            position = end + 1
        elif kind == "heredoc":
            closing = re.compile(rf"^[ \t]*{re.escape(match['heredoc'])}[ \t]*$", re.MULTILINE).search(text, position)
            end = closing.start() if closing else len(text)
            found.append(_Token("text", text[position:end], line))
            line += match[0].count("\n") + text.count("\n", position, end)
            position = closing.end() if closing else len(text)
        else:
            if kind not in ("space", "comment"):
                found.append(_Token(kind, match[0], line))
            line += match[0].count("\n")
        if len(found) > _MOST_TOKENS:
            raise UnreadableError("the file has too many values")
    return found


def _end_of_text(text: str, position: int) -> int:
    """Return the end of a quoted text. An expression in `${ }` can contain quotes."""
    depth = 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif text.startswith(("${", "%{"), position):
            depth += 1
            position += 1
        elif character == "}" and depth:
            depth -= 1
        elif (character == '"' and not depth) or character == "\n":
            return position
        position += 1
    return len(text)


def _expression(tokens: list[_Token], position: int) -> tuple[list[_Token], int]:
    """Return the tokens of an expression, which ends at the end of its line outside of brackets."""
    found: list[_Token] = []
    depth = 0
    while position < len(tokens):
        token = tokens[position]
        if token.kind == "mark" and token.text in _OPEN:
            depth += 1
        elif token.kind == "mark" and token.text in _CLOSE:
            if not depth:
                break
            depth -= 1
        if token.kind == "line" and not depth:
            break
        found.append(token)
        position += 1
    return found, position


def _argument(tokens: list[_Token], location: Location) -> Argument:
    words = [token for token in tokens if token.kind != "line"]
    if len(words) == 1:
        return Argument(words[0].text, location, is_text=words[0].kind == "text")
    shown = (f'"{token.text}"' if token.kind == "text" else token.text for token in islice(words, 500))
    return Argument(" ".join(shown), location)
