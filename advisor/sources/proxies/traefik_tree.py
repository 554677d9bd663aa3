"""Reads the settings of Traefik from YAML, TOML and labels as the same tree. Traefik ignores the case of names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from advisor.deployment.model import Observation
from advisor.sources.platforms.marked import UnreadableError, YamlNode
from advisor.sources.proxies.wording import LONGEST

MOST_ALTERNATIVES = 50
_LONGEST_LINE = 5000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_LINES = 200

_TABLE = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?")
_PAIR = re.compile(r"\s*((?:\"[^\"]*\"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:\"[^\"]*\"|'[^']*'|[\w-]+))*)\s*=\s*(.*)")
_KEY = re.compile(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)")
_INLINE = re.compile(r"([{,]\s*(?:\"[^\"]*\"|[\w-]+))\s*=")
_INDEX = re.compile(r"(.*?)\[(\d{1,3})\]")
_CALL = re.compile(r"\s*(!*)\s*([A-Za-z]+)\(((?:\s*(?:`[^`]*`|\"[^\"]*\"|'[^']*')\s*,?)*)\s*\)")
_TEXT = re.compile(r"`([^`]*)`|\"([^\"]*)\"|'([^']*)'")


def at(node: YamlNode, *path: str) -> YamlNode:
    """Return the value under names whose case does not matter."""
    for name in path:
        node = next((value for key, value in node.pairs() if key.lower() == name.lower()), YamlNode(None, node.path))
    return node


class _TreeBuilder:
    """Adds values under dotted names."""

    def __init__(self) -> None:
        self.root = _mapping(0)
        self._known: dict[int, dict[str, yaml.Node]] = {}

    def set(self, mapping: yaml.MappingNode, name: str, value: yaml.Node, index: int) -> None:
        """Add a value to a mapping."""
        mapping.value.append((_scalar(name, index), value))
        self._known.setdefault(id(mapping), {})[name] = value

    def table(self, start: yaml.MappingNode, keys: list[str], index: int, *, is_list: bool = False) -> yaml.MappingNode:
        """Return the mapping under keys. Missing ones are made. An entry is added to the list of the last key."""
        now = start
        for depth, key in enumerate(keys):
            numbered = _INDEX.fullmatch(key)
            name = numbered[1] if numbered else key
            found = self._known.get(id(now), {}).get(name)
            if (is_list and depth == len(keys) - 1) or numbered:
                if not isinstance(found, yaml.SequenceNode):
                    found = yaml.SequenceNode("tag:yaml.org,2002:seq", [], _mark(index), _mark(index))
                    self.set(now, name, found, index)
                if not numbered or int(numbered[2]) >= len(found.value):
                    found.value.append(_mapping(index))
            elif found is None:
                found = _mapping(index)
                self.set(now, name, found, index)
            inner = found.value[-1] if isinstance(found, yaml.SequenceNode) and found.value else found
            if not isinstance(inner, yaml.MappingNode):
                return _mapping(index)
            now = inner
        return now


def toml_tree(text: str, path: str) -> YamlNode:
    """Return a TOML file. Dates, strings with several lines and other rare forms are left out.

    Raises:
        UnreadableError: the file is too long.
    """
    if len(text) > LONGEST:
        raise UnreadableError(f"longer than {LONGEST:,} characters")
    tree = _TreeBuilder()
    now = tree.root
    lines = iter(enumerate(text.split("\n")))
    for index, line in lines:
        table = _TABLE.fullmatch(line[:_LONGEST_LINE])
        pair = None if table else _PAIR.match(line[:_LONGEST_LINE])
        if table is not None:
            now = tree.table(tree.root, _keys(table[2]), index, is_list=table[1] == "[[")
        elif pair is not None:
            value = [pair[2]]
            depth = _opened(pair[2])
            while depth > 0 and len(value) < _MOST_LINES and (more := next(lines, None)) is not None:
                value.append(more[1])
                depth += _opened(more[1])
            *outer, last = _keys(pair[1])
            tree.set(tree.table(now, outer, index), last, _value("\n".join(value), index), index)
    return YamlNode(tree.root, path)


def label_tree(labels: Mapping[str, Observation]) -> YamlNode:
    """Return the labels of a container, such as `traefik.http.routers.mcp.rule`.

    Args:
        labels: the texts by their names. All are in the same file.
    """
    tree = _TreeBuilder()
    path = ""
    for name, stated in labels.items():
        path = stated.location.path
        line = (stated.location.line or 1) - 1
        *outer, last = name.split(".")
        if outer and len(outer) < 12:
            tree.set(tree.table(tree.root, outer, line), last, _scalar(str(stated.value), line), line)
    return YamlNode(tree.root, path)


def words_of(node: YamlNode) -> tuple[str, ...]:
    """Return the words of a list, or of a text with commas, which labels have."""
    texts = node.texts() if node.is_list else tuple(node.text.split(","))
    return tuple(text.strip() for text in texts if text.strip())


def _mark(index: int) -> yaml.Mark:
    return yaml.Mark("", 0, index, 0, None, 0)


def _mapping(index: int) -> yaml.MappingNode:
    return yaml.MappingNode("tag:yaml.org,2002:map", [], _mark(index), _mark(index))


def _scalar(text: str, index: int) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, _mark(index), _mark(index), style='"')


def _keys(text: str) -> list[str]:
    return [match[1] or match[2] or match[3] or "" for match in _KEY.finditer(text)]


def _opened(line: str) -> int:
    """Return how many brackets a line opens and does not close."""
    bare = re.sub(r"\"[^\"]*\"|'[^']*'|#.*", "", line[:_LONGEST_LINE])
    return bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")


def _value(text: str, index: int) -> yaml.Node:
    """Return a value. Lists and inline tables of TOML are like those of YAML, except for the sign after a name."""
    plain = text.strip()
    if plain[:1] in ("[", "{"):
        plain = _INLINE.sub(r"\1: ", plain)
    try:
        node = yaml.compose(plain, Loader=_LOADER) if len(plain) < 20_000 else None
    except (yaml.YAMLError, RecursionError, ValueError):
        node = None
    if node is None:
        return _scalar(text.strip(), index)
    _moved(node, index)
    return node


def _moved(node: yaml.Node, index: int) -> None:
    node.start_mark = _mark(index + node.start_mark.line)
    children = node.value if isinstance(node, yaml.SequenceNode) else []
    if isinstance(node, yaml.MappingNode):
        children = [part for pair in node.value for part in pair]
    for child in children:
        _moved(child, index)


Call = tuple[str, tuple[str, ...], bool]
"""A test of a rule: its name in lower case, its arguments, and whether it is negated."""


def rule_alternatives(rule: str) -> list[list[Call]]:
    """Return the alternatives of a rule such as `Host(`a`) && (Path(`/mcp`) || Path(`/sse`))`."""
    found, _ = _either(rule[:5000], 0)
    return found or [[]]


def _either(rule: str, depth: int) -> tuple[list[list[Call]], str]:
    found, rest = _both(rule, depth)
    while rest.lstrip().startswith("||"):
        more, rest = _both(rest.lstrip()[2:], depth)
        found = [*found, *more][:MOST_ALTERNATIVES]
    return found, rest


def _both(rule: str, depth: int) -> tuple[list[list[Call]], str]:
    found, rest = _single(rule, depth)
    while rest.lstrip().startswith("&&"):
        more, rest = _single(rest.lstrip()[2:], depth)
        found = [[*left, *right] for left in found for right in more][:MOST_ALTERNATIVES]
    return found, rest


def _single(rule: str, depth: int) -> tuple[list[list[Call]], str]:
    text = rule.lstrip()
    call = _CALL.match(text)
    if call is not None:
        args = tuple(match[1] or match[2] or match[3] or "" for match in _TEXT.finditer(call[3]))
        return [[(call[2].lower(), args, len(call[1]) % 2 == 1)]], text[call.end() :]
    is_negated = text.startswith("!")
    inner = text.lstrip("! ")
    if inner.startswith("(") and depth < 20:
        found, rest = _either(inner[1:], depth + 1)
        rest = rest.lstrip()
        single = len(found) == 1 and len(found[0]) == 1
        if is_negated:
            found = [[(*found[0][0][:2], not found[0][0][2])]] if single else [[]]
        return found, rest[1:] if rest.startswith(")") else ""
    return [[]], ""


def paths_of(call: Call) -> Iterator[tuple[str, str]]:
    """Yield the paths that a test allows, and how they are compared."""
    name, args, is_negated = call
    kinds = {"path": "exact", "pathprefix": "prefix", "pathregexp": "regex"}
    if name in kinds and not is_negated:
        yield from ((arg, kinds[name]) for arg in args)
