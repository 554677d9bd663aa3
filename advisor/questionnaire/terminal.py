"""What the questionnaire needs of a terminal."""

from __future__ import annotations

import enum
import shutil
import sys
import textwrap
from typing import Any, Protocol

from advisor.questionnaire.question_forms import Form


class PressedKey(enum.Enum):
    """What a user may press instead of answering."""

    BACK = "back"
    HELP = "help"


class Terminal(Protocol):
    """Shows forms to a user."""

    def ask(self, form: Form) -> Any:
        """What was entered, read (a value, a list of values), or a `PressedKey`.

        Raises:
            KeyboardInterrupt: the user, or a signal, wants to stop.
        """
        ...


def say(message: str = "", indent: str = "") -> None:
    """Talk to the user on stderr, wrapped to the terminal; `indent` stands before every line."""
    width = min(shutil.get_terminal_size().columns, 100) - 1
    for line in message.splitlines() or [""]:
        print(
            textwrap.fill(line, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False),
            file=sys.stderr,
        )
    sys.stderr.flush()
