"""Reads YAML and JSON files of other people as nodes with their lines. Refuses large, deep and cyclic files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from advisor.findings import Location

# The loader on libyaml is ten times as fast, limits the depth, and is part of every wheel of PyYAML.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_SEPARATORS = 40_000
"""The most separators of a file, so that no file takes longer than a second."""
_MOST_VALUES = 200_000
"""The most values of a document after its aliases are replaced."""
_MOST_DOCUMENTS = 1000
_START = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_SEPARATORS = ("[", "{", ",", ":", "?", "- ", "-\n", "-\t")
_ORIGIN = "advisor_origin"
"""The attribute of a node of YAML with its file and offset, if the node is in the document of another file."""
_NULL = "tag:yaml.org,2002:null"
_TRUE = ("true", "yes", "on", "y", "enabled", "1")
_FALSE = ("false", "no", "off", "n", "disabled", "0")


class UnreadableError(Exception):
    """A document cannot be read. The text is the reason, as the end of a sentence."""


class YamlNode:
    """A value of a document: a mapping, a list, a scalar, or nothing. A key that is missing gives nothing.

    Attributes:
        path: the file.
        line: the 1-based line of the value. A mapping or a list under a key has the line of the key.
    """

    __slots__ = ("_node", "_offset", "line", "path")

    def __init__(self, node: yaml.Node | None, path: str, offset: int = 0, key: yaml.Node | None = None) -> None:
        """Make a node.

        Args:
            node: the value, or None for nothing.
            path: the file.
            offset: the number of lines before the document.
            key: the key of the value, or None.
        """
        is_null = isinstance(node, yaml.ScalarNode) and node.tag == _NULL and not node.style
        self._node = None if is_null else node
        self.path: str
        self._offset: int
        self.path, self._offset = getattr(node, _ORIGIN, (path, offset))
        start = node if key is None or isinstance(node, yaml.ScalarNode) else key
        self.line = self._offset + 1 + (start.start_mark.line if start is not None else 0)

    def __bool__(self) -> bool:
        """Whether there is a value."""
        return self._node is not None

    @property
    def location(self) -> Location:
        """The line of the value."""
        return Location(self.path, self.line)

    @property
    def offset(self) -> int:
        """The number of lines before the document."""
        return self._offset

    @property
    def tree(self) -> yaml.Node | None:
        """The value as the YAML library has it."""
        return self._node

    def with_tree(self, tree: yaml.Node) -> YamlNode:
        """Return another value in the same document."""
        return YamlNode(tree, self.path, self._offset)

    @property
    def is_mapping(self) -> bool:
        """Whether the value has keys."""
        return isinstance(self._node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return isinstance(self._node, yaml.SequenceNode)

    @property
    def text(self) -> str:
        """The text of a scalar as written, without quotes; "" for another value."""
        return str(self._node.value) if isinstance(self._node, yaml.ScalarNode) else ""

    @property
    def number(self) -> int | None:
        """The integer of a scalar; None for another value."""
        text = self.text.strip()
        return int(text) if re.fullmatch(r"-?\d{1,15}", text, re.ASCII) else None

    @property
    def truth(self) -> bool | None:
        """The truth value of a scalar; None for another value."""
        text = self.text.strip().lower()
        return True if text in _TRUE else False if text in _FALSE else None

    @property
    def content_line(self) -> int:
        """The line on which the text of a scalar starts. A block scalar starts below its indicator."""
        is_block = isinstance(self._node, yaml.ScalarNode) and self._node.style in ("|", ">")
        return self.line + is_block

    def get(self, path: str) -> YamlNode:
        """Return the value under keys such as `spec.template`. A number is the index of a list."""
        node: YamlNode = self
        for part in path.split("."):
            node = node.key(part)
        return node

    def key(self, name: str) -> YamlNode:
        """Return the value of a key, which can contain dots. The last value counts if the key is duplicate."""
        if isinstance(self._node, yaml.MappingNode):
            for key, value in reversed(self._node.value):
                if isinstance(key, yaml.ScalarNode) and key.value == name:
                    return YamlNode(value, self.path, self._offset, key)
            for source in self._merged():
                if found := source.key(name):
                    return found
            return self._nothing()
        if isinstance(self._node, yaml.SequenceNode) and name.isdecimal() and int(name) < len(self._node.value):
            return YamlNode(self._node.value[int(name)], self.path, self._offset)
        return self._nothing()

    def _nothing(self) -> YamlNode:
        return YamlNode(None, self.path, self.line - 1)

    def pairs(self) -> Iterator[tuple[str, YamlNode]]:
        """Yield keys and values, first those of merge keys (`<<`), so that the last value of a key counts."""
        if not isinstance(self._node, yaml.MappingNode):
            return
        for source in reversed(list(self._merged())):
            yield from source.pairs()
        for key, value in self._node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                yield key.value, YamlNode(value, self.path, self._offset, key)

    def _merged(self) -> Iterator[YamlNode]:
        """Yield the mappings of the merge key, the most important mapping first."""
        assert isinstance(self._node, yaml.MappingNode)
        for key, value in self._node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == "<<":
                merged = YamlNode(value, self.path, self._offset)
                yield from merged.items() if merged.is_list else [merged]

    def items(self) -> Iterator[YamlNode]:
        """Yield the values of a list."""
        if isinstance(self._node, yaml.SequenceNode):
            for node in self._node.value:
                yield YamlNode(node, self.path, self._offset)

    def texts(self) -> tuple[str, ...]:
        """Return the texts of the scalars of a list."""
        return tuple(item.text for item in self.items())


def moved(node: YamlNode) -> Any:
    """Return the tree of a value, which keeps its place when it becomes a part of another document."""
    tree = node.tree
    if tree is not None:
        setattr(tree, _ORIGIN, (node.path, node.offset))
    return tree


def remade(tree: Any, values: list[Any]) -> Any:
    """Return a mapping or a list of YAML with other entries, at the same place."""
    made = type(tree)(tree.tag, values, tree.start_mark, tree.end_mark)
    if hasattr(tree, _ORIGIN):
        setattr(made, _ORIGIN, getattr(tree, _ORIGIN))
    return made


def padded(value: YamlNode) -> str:
    """Return the text of a scalar after empty lines, so that each line has the number that it has in the file."""
    return "\n" * (value.content_line - 1) + value.text


def parts(text: str) -> Iterator[tuple[str, int]]:
    """Yield the texts of the documents of a file, each with the number of lines before it.

    Raises:
        UnreadableError: the file has too many documents or values.
    """
    if sum(1 for _ in _START.finditer(text)) > _MOST_DOCUMENTS:
        raise UnreadableError("the file has too many documents")
    if _separators(text) > _MOST_SEPARATORS:
        raise UnreadableError("the file has too many values")
    start = 0
    offset = 0
    for match in _START.finditer(text):
        if text[start : match.start()].strip():
            yield text[start : match.start()], offset
        offset += text.count("\n", start, match.start())
        start = match.start()
    if text[start:].strip():
        yield text[start:], offset


def document(text: str, path: str, offset: int = 0) -> YamlNode:
    """Return a document, or nothing if it has only comments.

    Args:
        text: the text of the document.
        path: the file.
        offset: the number of lines before the document.

    Raises:
        UnreadableError: the document is not YAML, or it is too large.
    """
    if _separators(text) > _MOST_SEPARATORS:
        raise UnreadableError(f"the document on line {offset + 1} has too many values")
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" (line {offset + 1 + mark.line})" if mark else ""
        raise UnreadableError(f"not valid YAML{place}") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise UnreadableError("not valid YAML") from None
    has_aliases = "&" in text and "*" in text  # without aliases, the text limits the values
    if root is not None and has_aliases and _size(root, {}) > _MOST_VALUES:
        raise UnreadableError(f"the aliases of the document on line {offset + 1} stand for too many values")
    return YamlNode(root, path, offset)


def _separators(text: str) -> int:
    return sum(map(text.count, _SEPARATORS))


def _size(root: yaml.Node, known: dict[int, int]) -> int:
    """Return the number of values with every alias replaced. A value that contains itself has more than any limit."""
    pending = [(root, False)]
    while pending:
        node, is_complete = pending.pop()
        if id(node) in known and not is_complete:
            continue
        children: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            children = node.value
        elif isinstance(node, yaml.MappingNode):
            children = [part for pair in node.value for part in pair]
        if is_complete:
            known[id(node)] = min(1 + sum(known[id(child)] for child in children), _MOST_VALUES + 1)
            continue
        known[id(node)] = _MOST_VALUES + 1  # as long as its children are counted: a cycle finds this value
        pending.append((node, True))
        pending += [(child, False) for child in children if id(child) not in known]
    return known[id(root)]
