"""Changes a text at random, for tests of readers with hostile input."""

from __future__ import annotations

import random
from collections.abc import Sequence

PARTS = 20
"""A weekly test with very many texts has so many parts, so that each ends in time on a busy machine."""


def changed(
    text: str, others: list[str], draw: random.Random, *, added: Sequence[str], replaced: Sequence[tuple[str, str]] = ()
) -> str:
    """Return a text with a few changes: lines and words are removed, doubled, swapped, or taken from another text.

    Args:
        text: the text.
        others: texts of the same kind, from which lines are taken.
        draw: decides each change.
        added: the lines and characters that can be added.
        replaced: pairs of parts of a line; the second replaces the first.
    """
    lines = text.splitlines(keepends=True)
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(lines) + 1)
        kind = draw.randrange(6 if replaced else 5)
        if kind == 0 and lines:
            lines.pop(min(place, len(lines) - 1))
        elif kind == 1 and lines:
            lines.insert(place, draw.choice(lines))
        elif kind == 2:
            lines[place:place] = draw.choice(others).splitlines(keepends=True)
        elif kind == 3 and lines:
            index = min(place, len(lines) - 1)
            words = lines[index].split(" ")
            draw.shuffle(words)
            lines[index] = " ".join(words)
        elif kind == 4 and lines and replaced:
            index = min(place, len(lines) - 1)
            old, new = draw.choice(replaced)
            lines[index] = lines[index].replace(old, new)
        else:
            lines[place:place] = [draw.choice(added)]
    return "".join(lines)
