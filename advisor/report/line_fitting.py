"""Makes texts short enough for a line of a terminal. All widths are in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from textwrap import wrap

from advisor.sentences import first_sentences


def cut(text: str, width: int) -> str:
    """Return the text, or its first words with three dots if it has more than `width` characters."""
    if len(text) <= width:
        return text
    shown = text[: max(width - 3, 0)]
    return f"{words.rstrip(',;:')} ..." if (words := shown.rpartition(" ")[0]) else f"{shown}..."


def cut_list(text: str, width: int) -> str:
    """Return a list with commas, or its first entries and the number of hidden entries: `a, b +2 more`.

    The first entry is always complete, also if it has more than `width` characters.
    """
    entries = text.split(", ")
    shown = text
    for count in range(len(entries), 0, -1):
        hidden = len(entries) - count
        shown = ", ".join(entries[:count]) + (f" +{hidden} more" if hidden else "")
        if len(shown) <= width:
            break
    return shown


def whole_sentences(text: str, length: int) -> str:
    """Return the first sentences of a text that have at most `length` characters together; at least one sentence."""
    return first_sentences(text, lambda shown: len(shown) <= length)


def first_names(names: Sequence[str], width: int, more: str, section: str, phrase: str = "{names}") -> str:
    """Return a phrase with the first names that fit into a line of `width` columns, and how many names are hidden."""
    width -= len(phrase.format(names=""))
    for count in range(len(names), 0, -1):
        hidden = len(names) - count
        text = ", ".join(names[:count]) + (f" {more.format(number=hidden, section=section)}" if hidden else "")
        if len(text) <= width:
            return phrase.format(names=text)
    return phrase.format(names=more.format(number=len(names), section=section))


def joined(texts: Sequence[str], width: int) -> list[str]:
    """Return the texts in as few lines as possible, without a change of their order."""
    lines = list(texts[:1])
    for text in texts[1:]:
        if len(lines[-1]) + len(text) + 2 <= width:
            lines[-1] += f"; {text}"
        else:
            lines.append(text)
    return lines


def change_and_result(change: str, result: str, width: int) -> tuple[str, str]:
    """Return a change and its result, so short that both fit into a line of `width` characters with an arrow.

    The result takes at most two thirds of the line, and less if the first key of the change needs the room.
    """
    result = cut(result, 2 * width // 3)
    shown = _short_change(change, width - len(result) - len(" -> "))
    return shown, cut(result, width - len(shown) - len(" -> "))


def change_lines(keys: Sequence[str], result: str, width: int) -> tuple[list[str], str]:
    """Return a change and its result for as few lines of `width` columns as possible. Nothing is cut.

    Args:
        keys: the edited keys with their new values.
        result: the new decision.
        width: the width of a line in columns.

    Returns:
        The lines of the keys with their values, and the text that follows the last of these lines. This line is empty
        if the result needs a line of its own.
    """
    if not keys:
        return [""], result
    arrow = f"-> {result}"
    lines = [keys[0]]
    for key in keys[1:]:
        lines[-1] += ","
        if len(lines[-1]) + 1 + len(key) + 1 <= width:  # with a comma at the end
            lines[-1] += f" {key}"
        else:
            lines.append(key)
    if len(lines[-1]) + 1 + len(arrow) <= width:
        return lines, f" {arrow}"
    return [*lines, ""], arrow


def _short_change(change: str, room: int) -> str:
    keys, colon, values = change.partition(": ")
    if ": " in values or keys.startswith("remove "):
        return cut_list(change, room)  # several keys, each with its value
    if len(change) > room and "(" not in keys:
        keys = keys.replace(" and ", ", ")  # a list, which can become shorter
    values = cut_list(values, max(room - len(keys) - len(colon), room // 2))
    return f"{cut_list(keys, room - len(colon) - len(values))}{colon}{values}"


@lru_cache(maxsize=32)
def column_widths(rows: tuple[tuple[str, ...], ...], width: int) -> tuple[int, ...]:
    """Return the widths of the three columns of the feature table, for which the table has the fewest lines.

    The first two columns are at most half as wide as the table. No word, such as a call, is broken. If the lines
    are as many, the titles get the room that they need.

    Args:
        rows: the texts of each row.
        width: the width of the table in columns, with two columns between neighbours.
    """
    longest = (max(map(len, column)) for column in zip(*rows, strict=True))
    natural = [min(wanted, most) for wanted, most in zip(longest, (width // 2, width // 2, width), strict=True)]
    words = [max(len(word) for text in column for word in text.split()) for column in zip(*rows, strict=True)]
    room = width - 4
    possible: list[tuple[int, ...]] = []
    widest = min(natural[0], max(room - words[1] - words[2], words[0]))
    for titles in dict.fromkeys((widest, min(widest, max(words[0], width // 3)), words[0])):
        rest = room - titles
        if natural[1] + natural[2] <= rest:
            possible.append((titles, natural[1], natural[2]))
            continue
        even = max(words[1], min(natural[1], max(rest // 2, rest - natural[2])))
        splits = dict.fromkeys((even, natural[1], min(rest - natural[2], natural[1])))
        fitted = (min(max(legacy, words[1]), rest - words[2]) for legacy in splits)
        possible += [(titles, legacy, rest - legacy) for legacy in fitted]
    return min(possible, key=lambda widths: _lines(rows, widths))


def _lines(rows: Iterable[Sequence[str]], widths: Sequence[int]) -> int:
    """Return the number of lines of a table."""
    return sum(max(len(wrap(text, width)) for text, width in zip(row, widths, strict=True)) for row in rows)
