"""Merges a patch into a resource of Kubernetes, as kustomize does it for a strategic merge without directives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from advisor.sources.platforms.marked import YamlNode, moved, remade

_DEEPEST = 60
_DIRECTIVE = "$"


class NotSimpleError(Exception):
    """A patch has a directive, or it is too deep."""


def merged(resource: YamlNode, patch: YamlNode, keys: Mapping[str, tuple[str, ...]]) -> YamlNode:
    """Return a resource with the values of a patch. Each value keeps the place of its own file.

    Args:
        resource: the resource.
        patch: a mapping with the values that change.
        keys: from the name of a list to the keys that identify its entries. Other lists are replaced.

    Raises:
        NotSimpleError: the patch is not a simple merge.
    """
    base, change = resource.tree, moved(patch)
    if not isinstance(base, yaml.MappingNode) or not isinstance(change, yaml.MappingNode):
        raise NotSimpleError
    return resource.with_tree(_mapping(base, change, patch, keys, 0))


def _mapping(
    base: yaml.MappingNode, change: yaml.MappingNode, patch: YamlNode, keys: Mapping[str, tuple[str, ...]], depth: int
) -> Any:
    if depth > _DEEPEST:
        raise NotSimpleError
    pairs = {key.value: (key, value) for key, value in base.value if isinstance(key, yaml.ScalarNode)}
    for key, value in change.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else _DIRECTIVE
        if name.startswith((_DIRECTIVE, "<<")):
            raise NotSimpleError
        old = pairs.get(name)
        if not YamlNode(value, patch.path):  # null removes a value
            pairs.pop(name, None)
        elif old is not None and isinstance(old[1], yaml.MappingNode) and isinstance(value, yaml.MappingNode):
            pairs[name] = old[0], _mapping(old[1], value, patch, keys, depth + 1)
        elif old is not None and isinstance(old[1], yaml.SequenceNode) and isinstance(value, yaml.SequenceNode):
            pairs[name] = old[0], _entries(name, old[1], value, patch, keys, depth + 1)
        else:
            _refuse_directives(value, depth)
            pairs[name] = key, moved(YamlNode(value, patch.path, patch.offset))
    return remade(base, list(pairs.values()))


def _entries(
    name: str,
    base: yaml.SequenceNode,
    change: yaml.SequenceNode,
    patch: YamlNode,
    keys: Mapping[str, tuple[str, ...]],
    depth: int,
) -> Any:
    """Return a list with the entries of a patch: merged by their key, or the list of the patch without such a key."""
    _refuse_directives(change, depth)
    nodes = [*base.value, *change.value]
    key = next((each for each in keys.get(name, ()) if all(_identity(node, each) for node in nodes)), "")
    if not key:
        return moved(YamlNode(change, patch.path, patch.offset))
    result = list(base.value)
    places = {_identity(node, key): index for index, node in enumerate(result)}
    for node in change.value:
        index = places.get(_identity(node, key))
        if index is None:
            result.append(moved(YamlNode(node, patch.path, patch.offset)))
        else:
            result[index] = _mapping(result[index], node, patch, keys, depth + 1)
    return remade(base, result)


def _identity(node: yaml.Node, key: str) -> str:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode) and name.value == key and isinstance(value, yaml.ScalarNode):
                return str(value.value)
    return ""


def _refuse_directives(root: yaml.Node, depth: int) -> None:
    """Refuse a directive in a part of a patch that replaces or adds a complete value."""
    pending = [(root, depth)]
    while pending:
        node, level = pending.pop()
        if level > _DEEPEST:
            raise NotSimpleError
        if isinstance(node, yaml.MappingNode):
            if any(str(key.value).startswith(_DIRECTIVE) for key, _ in node.value):
                raise NotSimpleError
            pending += [(value, level + 1) for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            pending += [(value, level + 1) for value in node.value]
