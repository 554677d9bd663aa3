"""Parses TypeScript and JavaScript with tree-sitter, which the extra `scan-ts` installs."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from advisor.sources.typescript.syntax import SyntaxNode

_MOST_NODES = 400_000
_MOST_ERRORS = 0.1  # of the bytes of a file


class UnreadableCodeError(Exception):
    """A file is no TypeScript or JavaScript. The text is the reason, as the end of a sentence."""


@cache
def is_installed() -> bool:
    """Return whether the packages of the extra are installed."""
    try:
        _parser("typescript")
    except ImportError:
        return False
    return True


def parse(source: bytes, path: str) -> SyntaxNode:
    """Return the root of the syntax tree. Small errors leave nodes with the kind ERROR.

    Raises:
        UnreadableCodeError: the file has too many errors or nodes.
    """
    parsed = _parser("typescript" if path.endswith(("ts", ".mts", ".cts")) else "tsx").parse(source)
    root, wrong = _converted(parsed, source)
    if wrong and sum(node.end - node.start for node in wrong) > _MOST_ERRORS * len(source):
        raise UnreadableCodeError(f"not valid TypeScript or JavaScript (line {wrong[0].line})")
    return root


@cache
def _parser(dialect: str) -> Any:
    tree_sitter: Any = importlib.import_module("tree_sitter")
    grammars: Any = importlib.import_module("tree_sitter_typescript")
    language = grammars.language_typescript() if dialect == "typescript" else grammars.language_tsx()
    return tree_sitter.Parser(tree_sitter.Language(language))


def _converted(parsed: Any, source: bytes) -> tuple[SyntaxNode, list[SyntaxNode]]:
    """Return the tree as nodes of this package, and its errors. Comments and most punctuation are left out."""
    cursor = parsed.walk()
    root = parent = _node(cursor, None, source)
    wrong: list[SyntaxNode] = []
    count = 0
    stack = [root]
    descend = cursor.goto_first_child()
    while stack:
        if not descend:
            if not cursor.goto_parent():
                break
            stack.pop()
            descend = bool(stack) and cursor.goto_next_sibling()
            continue
        raw, parent = cursor.node, stack[-1]
        if raw.type == "comment" or not (raw.is_named or cursor.field_name is not None):
            descend = cursor.goto_next_sibling()
            continue
        count += 1
        if count > _MOST_NODES:
            raise UnreadableCodeError("too large")
        node = _node(cursor, parent, source)
        parent.children.append(node)
        if node.kind == "ERROR":
            wrong.append(node)
        if cursor.goto_first_child():
            stack.append(node)
        else:
            descend = cursor.goto_next_sibling()
    return root, wrong


def _node(cursor: Any, parent: SyntaxNode | None, source: bytes) -> SyntaxNode:
    raw = cursor.node
    line = raw.start_point[0] + 1
    return SyntaxNode(raw.type, cursor.field_name or "", parent, source, (raw.start_byte, raw.end_byte), line)
