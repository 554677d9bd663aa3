"""The interface of the questionnaire to a terminal."""

from __future__ import annotations

import enum
import shutil
import sys
import textwrap
from typing import Any, Protocol

from advisor.questionnaire.question_forms import Form


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


def say(message: str = "", indent: str = "") -> None:
    """Print a message to standard error, wrapped to the terminal. Every line starts with `indent`."""
    width = min(shutil.get_terminal_size().columns, 100) - 1
    for line in message.splitlines() or [""]:
        print(
            textwrap.fill(line, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False),
            file=sys.stderr,
        )
    sys.stderr.flush()
