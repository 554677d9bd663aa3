"""Prompts with arrow keys. Only this module and drawn_levels.py use the libraries questionary and prompt_toolkit."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any, TypeAlias

import questionary
from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition
from prompt_toolkit.input import create_input
from prompt_toolkit.input.typeahead import clear_typeahead
from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
from prompt_toolkit.layout import ScrollOffsets
from questionary.prompts.common import InquirerControl

from advisor.console.typed_keys import discard_typed
from advisor.errors import InputError
from advisor.questionnaire.drawn_levels import Cursor, level_list
from advisor.questionnaire.forms import LEVELS, Form, Option
from advisor.questionnaire.terminal import PressedKey, fitting, say
from advisor.report.line_fitting import cut

_Prompt: TypeAlias = tuple[questionary.Question, Callable[[], tuple[Any, int]]]
"""A prompt, and a function that returns the current marks as a default of the form, and the current line from 0."""

_MARGIN = 6  # columns for the pointer, the mark and a space before an option, and the last column
_TITLE = 46  # the widest title of an option next to a meaning; a longer title takes several lines
_MEANING = 26  # the columns that a narrow terminal keeps for the meaning of an option
_INDENT = 3  # columns before the second line of an option: the pointer and the blanks around it
_MARK = 2  # columns of the mark of an option with a blank
_LONG = 14  # options that fit on 24 lines with the question and an explanation; letters filter a longer list
_LINES = 3  # the longest explanation of an option; the rest is cut
_LEAST = 4  # a question in the review keeps a fourth of its line
_ANSWER = 5  # a hidden letter of an answer is as bad as so many hidden letters of its question
_STYLE = [(name, "bold") for name in ("question", "pointer", "highlighted", "answer")]
_STYLE += [(name, "noreverse nobold") for name in ("qmark", "selected", "instruction", "text")]


class DrawnPrompts:
    """Forms with arrow keys, Space and Enter. `?` shows help, and Esc or Ctrl-B goes back."""

    back_key = "Esc"

    def __init__(self, words: Mapping[str, str]) -> None:
        """Args: words: the phrases of the rules, by id."""
        self._words = words
        self._marked: tuple[str, Any] = ("", None)
        self._line = 0

    def ask(self, form: Form) -> Any:
        """Show a form; see `Terminal.ask`. After help, the form has the same marks and current line."""
        if form.kind == "text":
            return self._ask_text(form)
        title, marks = self._marked
        shown = replace(form, default=marks) if title == form.title else form
        prompts = {"select": self._select, "checkbox": self._checkbox, "levels": self._levels}
        prompt, marked = prompts[form.kind](shown)
        reply = self._run(prompt)
        self._marked, self._line = ("", None), 0
        if reply is PressedKey.HELP:
            marks, self._line = marked()
            self._marked = (form.title, marks)
        return reply

    def forget_typed(self) -> None:
        """Discard the keys that the user typed before the next form; see `Terminal.forget_typed`."""
        clear_typeahead(create_input())
        discard_typed()

    def _ask_text(self, form: Form) -> Any:
        typed = ""
        while True:
            reply = self._run(self._text(form, typed), typing=True)
            if isinstance(reply, PressedKey):
                return reply
            try:
                return form.read(reply)
            except InputError as error:
                typed = reply
                for problem in error.problems:
                    say(f"{problem.message} {problem.fix.text}", "  ")

    def _run(self, prompt: Any, *, typing: bool = False) -> Any:
        self._bind(prompt.application, typing=typing)
        for window in prompt.application.layout.find_all_windows():
            window.scroll_offsets = ScrollOffsets(bottom=_LINES)  # an option can take several lines
        try:
            return prompt.unsafe_ask()
        except EOFError:  # Ctrl-D, or the terminal was closed
            raise KeyboardInterrupt from None

    def _select(self, form: Form) -> _Prompt:
        choices, long = self._listed(form)
        marked = [c for c, o in zip(choices, form.options, strict=True) if o.has(form.default)]
        keys = self._words["ask.keys.one-line" if form.one_line else "ask.keys.select"]
        keys = self._words["ask.keys.long"].format(number=len(choices)) if long else keys
        prompt = questionary.select(
            _wrapped(form.title),
            choices,
            default=next(iter(marked), None),
            use_search_filter=long,
            **self._looks(form, f"({keys})"),
        )
        control = _control(prompt)
        if long:
            self._tell_no_match(prompt.application, control)
        return prompt, lambda: (control.get_pointed_at().value, 0)

    def _listed(self, form: Form) -> tuple[list[Any], bool]:
        """Return the options of a list, and whether the list is long: letters then filter it."""
        if not form.one_line:
            return _choices(form.options), len(form.options) > _LONG
        hint = self._words["ask.keys.one-line"]
        above = f"{_mark(form)} {_wrapped(form.title)}{_own_line(form.title, f'({hint})')}"
        room = shutil.get_terminal_size().lines - len(above.splitlines()) - len(form.options)
        return _one_line_choices(form.options, max(room, 0)), room < 0

    def _tell_no_match(self, application: Any, control: Any) -> None:
        """Say below a list that nothing matches the typed letters. Enter then selects nothing."""
        usual = control.get_search_string_tokens
        contents = [window.content for window in application.layout.find_all_windows()]
        below = next(content for content in contents if getattr(content, "text", None) == usual)
        unmatched = Condition(lambda: bool(control.search_filter) and not control.found_in_search)

        def text() -> Any:
            if control.filtered_choices and unmatched():
                words = self._words["ask.keys.no-match"].format(typed=repr(control.search_filter))
                return [("", "\n"), ("bold", words)]
            return usual()

        below.text = text
        keys = KeyBindings()

        @keys.add("enter", filter=unmatched, eager=True)
        def _stay(_event: Any) -> None:
            """Ignore the key."""

        application.key_bindings = merge_key_bindings([application.key_bindings, keys])

    def _checkbox(self, form: Form) -> _Prompt:
        choices = _choices(form.options, _INDENT + _MARK)
        for choice, option in zip(choices, form.options, strict=True):
            choice.checked = option.value in form.default
        long = len(choices) > _LONG
        keys = self._words["ask.keys.long-checkbox" if long else "ask.keys.checkbox"].format(number=len(choices))
        current = choices[self._line] if choices else None
        looks = self._looks(form, f"({keys})")
        prompt = questionary.checkbox(_wrapped(form.title), choices, initial_choice=current, **looks)
        return prompt, lambda: (list(_control(prompt).selected_options), _control(prompt).pointed_at)

    def _levels(self, form: Form) -> _Prompt:
        names = {level: self._words[f"ask.level.{level}"] for level in LEVELS}
        hint = textwrap.fill(f"({self._words['ask.keys.levels']})", _width() - 4, subsequent_indent="  ")
        head = f"{_mark(form)} {_wrapped(form.title)}\n  {hint}"
        longest = max(len(option.title) for option in form.options)
        room = _width() - max(map(len, names.values())) - 3
        lines = [(option.value, _in_columns(option.title, option.means, longest, room, " ")) for option in form.options]
        chosen = dict(form.default)
        cursor = Cursor(self._line)
        listed = level_list(head, lines, chosen, names, questionary.Style(_STYLE), cursor)
        return questionary.Question(listed), lambda: (chosen, cursor.line)

    def _looks(self, form: Form, hint: str) -> dict[str, Any]:
        return {
            "instruction": _own_line(form.title, hint),
            "qmark": _mark(form),
            "pointer": ">",
            "style": questionary.Style(_STYLE),
            "use_jk_keys": False,
            "erase_when_done": True,
        }

    def _text(self, form: Form, typed: str) -> Any:
        hint = f"({form.hint(self._words, self.back_key)})"
        return questionary.text(
            _wrapped(form.title),
            default=typed,
            instruction=f"{_own_line(form.title, hint)}\n ",
            qmark=_mark(form),
            style=questionary.Style(_STYLE),
            erase_when_done=True,
        )

    def _bind(self, application: Any, *, typing: bool) -> None:
        """Add the keys for help, back and interruption. In a text, `?` and Left do this only on an empty line."""
        keys = KeyBindings()
        empty = Condition(lambda: not typing or not get_app().current_buffer.text)

        @keys.add("?", filter=empty, eager=True)
        def _help(event: Any) -> None:
            event.app.exit(result=PressedKey.HELP)

        @keys.add("left", filter=empty, eager=True)
        @keys.add("escape")
        @keys.add("c-b", eager=True)
        def _back(event: Any) -> None:
            event.app.exit(result=PressedKey.BACK)

        @keys.add("c-d", eager=True)
        @keys.add("c-c", eager=True)
        @keys.add("<sigint>", eager=True)
        def _interrupt(event: Any) -> None:
            event.app.exit(exception=KeyboardInterrupt)

        application.key_bindings = merge_key_bindings([application.key_bindings, keys])
        # The codes of other keys also begin with Esc. The rest of such a code arrives within this time.
        application.ttimeoutlen = 0.05
        application.timeoutlen = 0.1


def _control(prompt: questionary.Question) -> InquirerControl:
    """Return the part of a prompt that knows the current line and the marked options."""
    windows = prompt.application.layout.find_all_windows()
    return next(window.content for window in windows if isinstance(window.content, InquirerControl))


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 100)


def _mark(form: Form) -> str:
    """Return the lines above the question, and the question mark before it."""
    return "\n".join([*textwrap.wrap(form.above, _width() - 1, subsequent_indent="  ", break_on_hyphens=False), "?"])


def _wrapped(title: str) -> str:
    return textwrap.fill(title, _width() - 4, subsequent_indent="  ", break_on_hyphens=False)


def _own_line(title: str, hint: str) -> str:
    """Return the hint for the line of the title, or for lines of its own if the two do not fit."""
    if len(title) + len(hint) + 6 <= _width():
        return hint
    return "\n" + textwrap.fill(hint, _width() - 2, initial_indent="  ", subsequent_indent="  ")


class _Row(str):
    """The title and the meaning of an option, in columns of several lines.

    Attributes:
        words: the title and the meaning, in which the letters of a filter are found.
    """

    words = ""

    def lower(self) -> str:
        """Return the words in lower case. The filter of questionary calls this."""
        return self.words.lower()


def _choices(options: Sequence[Option], indent: int = _INDENT) -> list[Any]:
    """Return the options with their meanings. The details appear below the current option."""
    room = _width() - _MARGIN
    title, means = (
        max(len(text) for text in texts) for texts in zip(*((o.title, o.means) for o in options), strict=True)
    )
    # The titles get what the meanings leave, but no more than they need.
    widest = min(title, max(_TITLE, room - 2 - means), room - 2 - min(means, _MEANING))
    return [_choice(option, widest, room, indent) for option in options]


def _one_line_choices(options: Sequence[Option], room: int) -> list[Any]:
    """Return the options, each cut to a line. A cut option has its details below, in at most `room` lines.

    A long answer takes room from its question, which keeps a part of the line.
    """
    width = _width() - _MARGIN

    def texts(option: Option, column: int) -> tuple[str, str, int]:
        """Return what the line shows of an option, and the columns of its title."""
        means = cut(option.means, width - 2 - width // _LEAST)
        title = max(min(column, width - 2 - len(means)), width // _LEAST)
        return cut(option.title, title), means, title

    def hidden(column: int) -> int:
        return sum(
            len(option.title) - len(title) + _ANSWER * (len(option.means) - len(means))
            for option in options
            for title, means, _ in [texts(option, column)]
        )

    column = min(range(width // 3, width // 2 + 1), key=hidden)
    choices = []
    for option in options:
        title, means, room_of_title = texts(option, column)
        row = _Row("  ".join((f"{title:<{room_of_title}}", means)).rstrip())
        row.words = f"{option.title} {option.means} {option.details}"
        below = _lines(option.details, room) if (title, means) != (option.title, option.means) else []
        choices.append(questionary.Choice(row, option.value, description="\n".join(below) or None))
    return choices


def _choice(option: Option, widest: int, room: int, indent: int) -> Any:
    row = _Row(f"\n{' ' * indent}".join(_in_columns(option.title, option.means, widest, room, "  ")))
    row.words = f"{option.title} {option.means}"
    return questionary.Choice(row, option.value, description=_below(option.details))


def _in_columns(title: str, means: str, widest: int, room: int, gap: str) -> list[str]:
    """Return lines with a title and its meaning next to each other, each in as many lines as it needs.

    Args:
        title: the text of the first column.
        means: the text of the second column. Without it, the title takes all columns.
        widest: the width of the first column.
        room: the width of both columns.
        gap: the blanks between the columns.
    """
    if not means:
        return textwrap.wrap(title, room, break_on_hyphens=False)
    first = textwrap.wrap(title, widest, break_on_hyphens=False)
    second = textwrap.wrap(means, room - widest - len(gap), break_on_hyphens=False)
    return [f"{left:<{widest}}{gap}{right}".rstrip() for left, right in zip_longest(first, second, fillvalue="")]


def _below(means: str) -> str | None:
    return "\n".join(_lines(fitting(means, _LINES, " " * 5), _LINES)) or None


def _lines(text: str, most: int) -> list[str]:
    """Return a text for the place after the label of an explanation, in at most so many lines. The rest is cut."""
    label = len("  Description: ")
    if not most:
        return []
    lines = textwrap.wrap(text, _width() - 1, initial_indent=" " * label, subsequent_indent="  ", max_lines=most)
    return [lines[0].strip(), *lines[1:]] if lines else []
