"""Lists and numbers in sentences, and the first sentences of a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

_ENDS = re.compile(r"(?<=[.?!]) (?=[A-Z`])")


def listed(words: Iterable[str], last: str = "and") -> str:
    """Return words as `a`, `a and b`, or `a, b and c`.

    Args:
        words: at least one.
        last: the conjunction before the last word.
    """
    *others, end = words
    return f"{', '.join(others)} {last} {end}" if others else end


def amount(number: int, thing: str) -> str:
    """Return a number with the name of its things: `1 file`, `1,200 files`. The plural has an `s`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def counted(phrases: Mapping[str, str], name: str, number: int, **values: str) -> str:
    """Return the phrase `name` for a number of things, or the phrase `name.one` for a single thing."""
    return phrases[f"{name}.one" if number == 1 else name].format(number=number, **values)


def inside(sentence: str) -> str:
    """Return a sentence as a part of another sentence: its first letter is small, unless it begins an abbreviation."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, each with its punctuation."""
    return _ENDS.split(text)


def first_sentences(text: str, fits: Callable[[str], bool]) -> str:
    """Return the first sentences of `text` that fit together; at least one sentence."""
    shown, *rest = sentences(text)
    for sentence in rest:
        longer = f"{shown} {sentence}"
        if not fits(longer):
            break
        shown = longer
    return shown
