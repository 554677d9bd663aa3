"""Forms: one question on the screen, with its options or its parser. Pure."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from advisor.engine.table import show
from advisor.errors import InputError
from advisor.findings import input_problem
from advisor.knowledge.facts import Fact
from advisor.knowledge.space import FactSpace
from advisor.questionnaire.questions import NEEDS, Answer
from advisor.requirements.model import Tool
from advisor.requirements.values import read_value

HOSTS = "environment.hosts"
PATH = "environment.path"

LEVELS = ("none", "required", "preferred", "unknown")
"""The levels of a need, in the order in which Space goes through them."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a form.

    Attributes:
        value: the value of the option.
        title: the name of the option.
        means: the meaning, on the line of the title.
        details: more on the option, which is shown while the option is the current option.
    """

    value: Any
    title: str
    means: str = ""
    details: str = ""

    def has(self, value: Any) -> bool:
        """Whether `value` is the value of this option. 1 and True are different values."""
        return type(self.value) is type(value) and bool(self.value == value)


@dataclass(frozen=True, slots=True)
class Form:
    """One question on the screen.

    Attributes:
        kind: `select` for one option, `checkbox` for any number of options, `levels` for a level of `LEVELS` for each
            option, `text` for a line of text.
        title: the question.
        help: the help text that `?` shows.
        why: the reason for the question, which `?` also shows.
        options: the options.
        default: the value of the default option, the list of marked values, the levels by value, or the value of an
            empty text. None means no default.
        shown: the default of a text in the notation of the prompt.
        clears: whether `-` enters "none" in a text with a default.
        read: converts a text to a value and raises InputError for an invalid text.
        above: the line above the question.
        echo: returns a reply in the notation of the prompt; None for the notation of `written`.
        note: returns a message about a reply, or "".
        one_line: whether each option takes one line of a drawn list. A cut option has its complete text in its details.
        first: whether the line of the review begins with the answer, although it is not the first prompt of a question.
        leads: the reply that only leads to the next prompt. The line of the review leaves it out.
    """

    kind: Literal["select", "checkbox", "levels", "text"]
    title: str
    help: str = ""
    why: str = ""
    options: tuple[Option, ...] = ()
    default: Any = None
    shown: str = ""
    clears: bool = False
    read: Callable[[str], Any] = str
    above: str = ""
    echo: Callable[[Any], str] | None = None
    note: Callable[[Any], str] = lambda _reply: ""
    one_line: bool = False
    first: bool = False
    leads: Any = None

    def hint(self, words: Mapping[str, str], back: str) -> str:
        """Return the hint of a text form: its keys and its default. `back` is the name of the key that goes back."""
        key = "text-clear" if self.clears else "text-default" if self.shown else "text"
        return words[f"ask.keys.{key}"].format(default=self.shown, back=back)

    def offers(self, reply: Any) -> bool:
        """Whether a reply, for example of an interrupted run, is an option of a choice."""
        return self.kind == "select" and any(option.has(reply) for option in self.options)

    def reply_of_default(self) -> Any:
        """Return the reply of a user who accepts the default."""
        if self.kind == "text":
            return self.read("")
        return list(self.default) if self.kind == "checkbox" else self.default

    def in_words(self, reply: Any, words: Mapping[str, str]) -> str:
        """Return a reply in the notation of the prompt."""
        if self.echo is not None:
            return self.echo(reply)
        replies = reply if isinstance(reply, list) else [reply]
        titles = [option.title for option in self.options for value in replies if option.has(value)]
        return written(reply, words) if self.kind == "text" else ", ".join(titles) or words["ask.none"]


Dialogue: TypeAlias = Generator[Form, Any, Answer]

NONE = "-"
"""The text for "none"."""


def reader(
    fact: Fact, space: FactSpace, default: Any, *, clears: bool = False, needed: bool | None = None
) -> Callable[[str], Any]:
    """Return the function that reads a line of text as a value of `fact`; see `Form.read`.

    Args:
        fact: the fact.
        space: the known facts.
        default: the value of an empty text.
        clears: whether `-` means the default of the fact.
        needed: whether an empty text is an error. By default, it is an error without a default.
    """
    needed = default is None if needed is None else needed

    def read(text: str) -> Any:
        text = text.strip()
        if not text and not needed:
            return default
        if not text:
            raise InputError(fact.id, [input_problem(space.knowledge.phrases["ask.empty"])])
        if text == NONE and clears:
            return read_value(fact.id, fact.default, space)
        return read_value(fact.id, _PARSERS.get(fact.type, str)(text), space, typed=True)

    return read


def parts(text: str) -> list[str]:
    """Return the parts of a text that commas or spaces separate."""
    return [part for part in re.split(r"[,\s]+", text) if part]


def _number(text: str) -> Any:
    if re.fullmatch(r"\d{1,9}", text):
        return int(text)
    return float(text) if re.fullmatch(r"\d{1,9}\.\d{1,6}", text) else text


def instances(text: str) -> Any:
    """Return the instances that a text such as `3` or `2-10` stands for. Other text stays text."""
    low, high = (_number(part.strip()) for part in text.partition("-")[::2])
    return _number(text) if isinstance(low, str) or isinstance(high, str) else {"min": low, "max": high}


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "integer": _number,
    "seconds": _number,
    "instances": instances,
    "hosts": parts,
    "origins": parts,
}


def tools_written(tools: Sequence[Tool]) -> str:
    """Return tools in the notation of the prompt."""
    return ", ".join(f"{tool.name}: {' '.join(tool.needs)}" if tool.needs else tool.name for tool in tools)


def written(value: Any, words: Mapping[str, str]) -> str:
    """Return a value in the notation of the prompt: `2-10`, `a.example.com, b.example.com`, `not known`."""
    if value is None:
        return words["ask.unknown"]
    if isinstance(value, dict):
        return f"{value['min']}-{value['max']}"
    if isinstance(value, (list, tuple)):
        if value and isinstance(value[0], Tool):
            return tools_written(value)
        return ", ".join(map(str, value)) or words["ask.none"]
    return show(value)


def needs_written(levels: Answer, words: Mapping[str, str]) -> str:
    """Return the needed features with their levels: `elicitation required, roots not sure`."""
    needed = {name.removeprefix(f"{NEEDS}."): level for name, level in levels.items() if level != "none"}
    return (
        ", ".join(f"{feature} {words[f'ask.level.{level}']}" for feature, level in needed.items()) or words["ask.none"]
    )


def flags_written(flags: Answer) -> str:
    """Return the flags of a server in use: `stateless_http=True, json_response=False`."""
    return ", ".join(f"{name.removeprefix('current.')}={show(value).capitalize()}" for name, value in flags.items())


class TypedHosts(NamedTuple):
    """The names of hosts and the path in typed URLs and host names. Without a URL that has a path, `path` is ""."""

    names: list[str]
    path: str


class ToldPrompt(NamedTuple):
    """A prompt with its answer in words.

    Attributes:
        title: the question as it is put.
        answer: the answer.
        place: where the line of the review has the answer: among the first answers, among the others, or nowhere.
    """

    title: str
    answer: str
    place: Literal["first", "later", "nowhere"]


def told(forms: Dialogue, words: Mapping[str, str]) -> list[ToldPrompt]:
    """Return each prompt of a dialogue, with the answer that the defaults of its forms have."""
    lines: list[ToldPrompt] = []
    with contextlib.suppress(StopIteration):
        form = next(forms)
        while True:
            reply = form.reply_of_default()
            leads = form.leads is not None and reply == form.leads
            place: Literal["first", "later", "nowhere"] = "nowhere" if leads else "first" if form.first else "later"
            lines.append(ToldPrompt(form.title, form.in_words(reply, words), place))
            form = forms.send(reply)
    return lines


def endpoint(text: str) -> TypedHosts:
    """Take the host names and the path from a text of URLs and host names.

    Raises:
        ValueError: a URL has invalid brackets.
    """
    urls = [urlsplit(part) for part in parts(text) if "://" in part]
    names = [urlsplit(part).netloc if "://" in part else part for part in parts(text)]
    return TypedHosts(names, next((url.path for url in urls if url.path.strip("/")), ""))
