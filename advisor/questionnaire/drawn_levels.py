"""A list on the terminal in which Space changes the level of the current line. questionary has no such list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.styles import Style

from advisor.questionnaire.forms import LEVELS


@dataclass
class Cursor:
    """The current entry of a list.

    Attributes:
        line: the index of the entry, from 0.
    """

    line: int = 0


def level_list(
    head: str,
    lines: Sequence[tuple[Any, Sequence[str]]],
    chosen: dict[Any, str],
    names: Mapping[str, str],
    style: Style,
    cursor: Cursor,
) -> Application[dict[Any, str]]:
    """Return an application that shows the list and returns the levels by value.

    Args:
        head: the text above the list.
        lines: the value and the text of each entry. A text can have several lines.
        chosen: the level of each value. The keys of the user change it.
        names: the name of each level on the screen.
        style: the style of the classes `question`, `pointer` and `highlighted`.
        cursor: the current line. The keys of the user change it.
    """
    width = max(map(len, names.values()))
    indent = f"\n{' ' * (width + 3)}"

    def text() -> StyleAndTextTuples:
        shown: StyleAndTextTuples = [("class:question", head)]
        for index, (value, words) in enumerate(lines):
            here = index == cursor.line
            pointer = ("class:pointer", "> ") if here else ("", "  ")
            position = [("[SetCursorPosition]", "")] if here else []
            line = f"{names[chosen[value]]:<{width}} {indent.join(words)}"
            shown += [("", "\n"), *position, pointer, ("class:highlighted" if here else "", line)]
        return shown

    keys = KeyBindings()

    @keys.add("up")
    @keys.add("c-p")
    def _up(_event: Any) -> None:
        cursor.line = (cursor.line - 1) % len(lines)

    @keys.add("down")
    @keys.add("c-n")
    def _down(_event: Any) -> None:
        cursor.line = (cursor.line + 1) % len(lines)

    @keys.add(" ")
    def _change(_event: Any) -> None:
        value = lines[cursor.line][0]
        chosen[value] = LEVELS[(LEVELS.index(chosen[value]) + 1) % len(LEVELS)]

    @keys.add("enter", eager=True)
    def _accept(event: Any) -> None:
        event.app.exit(result=chosen)

    window = Window(FormattedTextControl(text, focusable=True, show_cursor=False), dont_extend_height=True)
    return Application(layout=Layout(window), key_bindings=keys, style=style, erase_when_done=True)
