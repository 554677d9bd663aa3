"""Prompts for a simple terminal (TERM=dumb, the shell of an editor): numbered options and one input line."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from typing import Any

from advisor.console.typed_keys import discard_typed
from advisor.errors import InputError
from advisor.questionnaire.forms import LEVELS, Form
from advisor.questionnaire.terminal import PressedKey, say

_BACK = "<"
_HELP = "?"
_NONE = "-"
_LONGEST = 65536  # bytes of a line; no terminal gives more to a read


class NumberedPrompts:
    """Forms with numbered options. `?` shows help and `<` goes back."""

    back_key = _BACK

    def __init__(self, words: Mapping[str, str]) -> None:
        """Args: words: the phrases of the rules, by id."""
        self._words = words

    def ask(self, form: Form) -> Any:
        """Show a form; see `Terminal.ask`."""
        say(form.above)
        say(form.title)
        for number, option in enumerate(form.options, 1):
            say(f"{number}. {option.title}: {option.means}".rstrip(": "), "  ")
        say(f"({self._hint(form)})", "  ")
        while True:
            typed = _line()
            if typed in (_BACK, _HELP):
                return PressedKey.BACK if typed == _BACK else PressedKey.HELP
            try:
                return form.read(typed) if form.kind == "text" else _pick(form, typed)
            except InputError as error:
                for problem in error.problems:
                    say(f"{problem.message} {problem.fix.text}", "  ")
            except _NoLevelError as error:
                say(self._words["ask.plain.no-level"].format(typed=error), "  ")
            except LookupError:
                say(self._words["ask.plain.not-there"].format(typed=typed, last=len(form.options)), "  ")

    def forget_typed(self) -> None:
        """Discard what the user typed before the next form; see `Terminal.forget_typed`."""
        discard_typed()

    def _hint(self, form: Form) -> str:
        if form.kind == "text":
            return form.hint(self._words, self.back_key)
        if form.kind == "levels":
            default = ", ".join(
                f"{option.title}={level}" for option in form.options if (level := form.default[option.value]) != "none"
            )
        else:
            marked = form.default if form.kind == "checkbox" else [form.default]
            default = ", ".join(option.title for option in form.options if option.value in marked)
        key = {"checkbox": "ask.keys.plain-many", "levels": "ask.keys.plain-levels"}.get(form.kind, "ask.keys.plain")
        return self._words[key].format(default=default or self._words["ask.none"])


def _line() -> str:
    """Return a typed line.

    Raises:
        KeyboardInterrupt: the user presses Ctrl-D, also after some text.
        OSError: the terminal was closed.
    """
    print("> ", end="", file=sys.stderr, flush=True)
    # A terminal gives a line to one read. Ctrl-D gives the text before it, without the end of a line.
    typed = os.read(sys.stdin.fileno(), _LONGEST).decode(sys.stdin.encoding, "replace")
    if not typed and not os.isatty(sys.stdin.fileno()):
        raise OSError(errno.EIO, "the terminal was closed")
    if not typed.endswith("\n"):
        raise KeyboardInterrupt
    return typed.strip()


def _pick(form: Form, typed: str) -> Any:
    """Return the value or the values of the options in a line of input.

    Raises:
        LookupError: an option does not exist.
    """
    if form.kind == "levels":
        return dict(form.default) if not typed else _levels(form, "" if typed == _NONE else typed)
    if not typed:
        return list(form.default) if form.kind == "checkbox" else form.default
    if form.kind == "select":
        return _option(form, typed)
    return [] if typed == _NONE else [_option(form, part.strip()) for part in typed.split(",")]


class _NoLevelError(Exception):
    """The text after `=` is no level."""


def _levels(form: Form, typed: str) -> dict[Any, str]:
    """Return the level of each option from `1, 3=useful, roots=unsure`. Without `=`, the option is required.

    Raises:
        LookupError: an option does not exist.
        _NoLevelError: a level does not exist.
    """
    names = {"": "required", "useful": "preferred", "unsure": "unknown", **{level: level for level in LEVELS}}
    levels = dict.fromkeys((option.value for option in form.options), "none")
    for part in filter(None, (part.strip() for part in typed.split(","))):
        title, _, level = (word.strip() for word in part.partition("="))
        if level not in names:
            raise _NoLevelError(level)
        levels[_option(form, title)] = names[level]
    return levels


def _option(form: Form, typed: str) -> Any:
    by_title = {option.title: option.value for option in form.options}
    if typed in by_title:
        return by_title[typed]
    number = int(typed) if typed.isdecimal() else 0
    if not 1 <= number <= len(form.options):
        raise LookupError(typed)
    return form.options[number - 1].value
