"""The interface of the questionnaire to a terminal."""

from __future__ import annotations

import enum
import shutil
import sys
import textwrap
from typing import Any, Protocol

from advisor.questionnaire.forms import Form
from advisor.sentences import first_sentences


class PressedKey(enum.Enum):
    """A key that a user pressed instead of an answer."""

    BACK = "back"
    HELP = "help"


class Terminal(Protocol):
    """Shows forms to a user.

    Attributes:
        back_key: the name of the key that goes back.
    """

    back_key: str

    def ask(self, form: Form) -> Any:
        """Show a form and return the reply: a value, a list of values, or a `PressedKey`.

        Raises:
            KeyboardInterrupt: the user or a signal stops the questionnaire.
        """
        ...

    def forget_typed(self) -> None:
        """Discard the keys that the user typed before the next form, for example during work that takes seconds."""
        ...


def say(message: str = "", indent: str = "") -> None:
    """Print a message to standard error, wrapped to the terminal. Every line starts with `indent`."""
    width = _width()
    for line in message.splitlines() or [""]:
        print(
            textwrap.fill(line, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False),
            file=sys.stderr,
        )
    sys.stderr.flush()


def fitting(text: str, lines: int, indent: str = "") -> str:
    """Return the first sentences of `text` that fit into so many lines of the terminal; at least one sentence."""
    width = _width() - len(indent)
    return first_sentences(text, lambda shown: len(textwrap.wrap(shown, width, break_on_hyphens=False)) <= lines)


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 100) - 1
