"""Formats entries of the files under rules/ as YAML: one line for each key, and short values in braces."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import yaml
from yaml.events import ScalarEvent

_WIDTH = 120
_LIKE_NUMBERS = re.compile(r"\d\S*")


def item(
    entry: Mapping[str, Any],
    *,
    block: Collection[str] = (),
    folded: Collection[str] = (),
    quoted: Collection[str] = (),
) -> str:
    """The YAML text of an entry in a list of a file.

    Args:
        entry: the keys and values, in the order of the text.
        block: keys whose value has one line for each part, even if the value is short.
        folded: keys whose text continues in the next line if it is too long for one line.
        quoted: keys whose texts always have quotes.
    """
    return "".join(f"  {line}\n" for line in _item(_lines(_marked(entry, quoted), block, folded)))


def flow(value: Any) -> str:
    """The YAML text of a value on a single line."""
    dumped: str = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=True, sort_keys=False, width=100_000, allow_unicode=True
    )
    return dumped.rstrip("\n").removesuffix("\n...")


def _lines(entry: Mapping[str, Any], block: Collection[str], folded: Collection[str]) -> Iterator[str]:
    for key, value in entry.items():
        line = f"{key}: {flow(value)}"
        if isinstance(value, (dict, list)) and (key in block or not _is_short(value)):
            yield f"{key}:"
            parts = [_lines(value, block, folded)] if isinstance(value, dict) else map(_item, _parts(value))
            yield from (f"  {line}" for lines in parts for line in lines)
        elif key in folded and len(line) > _WIDTH - 4:
            yield f"{key}: >-"
            yield from (f"  {line}" for line in _wrapped(value))
        else:
            yield line


def _marked(entry: Mapping[str, Any], quoted: Collection[str]) -> dict[str, Any]:
    found = {}
    for key, value in entry.items():
        if isinstance(value, dict):
            value = _marked(value, value if key in quoted else quoted)
        found[key] = _Quoted(value) if key in quoted and isinstance(value, str) else value
    return found


def _parts(values: list[Any]) -> Iterator[Iterator[str]]:
    for value in values:
        yield _lines(value, (), ()) if isinstance(value, dict) else iter([flow(value)])


def _item(lines: Iterator[str]) -> Iterator[str]:
    return (f"{'  ' if number else '- '}{line}" for number, line in enumerate(lines))


def _is_short(value: dict[str, Any] | list[Any]) -> bool:
    """Whether a value contains only words, numbers, and lists of words and numbers."""
    parts = list(value.values() if isinstance(value, dict) else value)
    parts += [inner for part in parts if isinstance(part, list) for inner in part]
    return not any(isinstance(part, dict) for part in parts)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH - 6, break_long_words=False, break_on_hyphens=False)


class _Quoted(str):
    """A text that always has quotes."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes double quotes if a value needs quotes, and around releases and dates."""

    def choose_scalar_style(self) -> str:
        """The style of a scalar: plain or with double quotes."""
        style: str = super().choose_scalar_style()
        event = self.event
        bare = isinstance(event, ScalarEvent) and event.implicit[1] and _LIKE_NUMBERS.fullmatch(event.value)
        return '"' if style == "'" or bare else style


_Dumper.add_representer(_Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))
