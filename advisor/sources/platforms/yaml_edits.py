"""Changes a value in the text of a YAML file at the marks of the parser. Every other character stays."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from advisor.knowledge.finding_kinds import PatchRule
from advisor.sources.splices import Splice

_NO_PLAIN_START = ("&", "!", "*", "|", ">")


def yaml_splice(text: str, line: int, rule: PatchRule) -> Splice | None:
    """Return the change of the value of a key, or None if it cannot be made.

    Args:
        text: the file.
        line: the line of the value.
        rule: names the key and its new value.
    """
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    for key, value in (pair for document in documents for pair in _pairs(document)):
        is_meant = isinstance(key, yaml.ScalarNode) and key.value == rule.key and value.start_mark.line + 1 == line
        if not is_meant or not isinstance(value, yaml.ScalarNode):
            continue
        start, end = value.start_mark.index, value.end_mark.index
        old = text[start:end]
        if not old or old.startswith(_NO_PLAIN_START) or value.start_mark.line != value.end_mark.line:
            return None
        quote = old[0] if old[0] in "\"'" else ""
        return Splice(start, end, f"{quote}{rule.set}{quote}")
    return None


def _pairs(root: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Yield the keys and values of all mappings, each node once."""
    pending, known = [root], set[int]()
    while pending:
        node = pending.pop()
        if node is None or id(node) in known:
            continue
        known.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            pending += node.value
        elif isinstance(node, yaml.MappingNode):
            yield from node.value
            pending += [value for _, value in node.value]
