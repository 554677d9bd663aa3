"""Turns questions into forms for a terminal: a choice between options, or a line of text with its parser. Pure.

A dialogue is a generator. It yields forms, receives the replies, and returns the facts of the answer. Most questions
have one form. The question on the SDK can have two forms, and the question on needs can have three.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from advisor.engine.table import show
from advisor.errors import InputError
from advisor.findings import input_problem
from advisor.knowledge.facts import Fact
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.questionnaire.interview import NEEDS, TOOLS, Answer, Question
from advisor.requirements import text as allowed
from advisor.requirements.model import Tool
from advisor.requirements.values import INSTANCES_RULE, read_value


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a form: its value, its title on the screen, and its meaning."""

    value: Any
    title: str
    means: str = ""

    def has(self, value: Any) -> bool:
        """Whether `value` is the value of this option. 1 and True are different values."""
        return type(self.value) is type(value) and bool(self.value == value)


@dataclass(frozen=True, slots=True)
class Form:
    """One question on the screen.

    Attributes:
        kind: `select` for one option, `checkbox` for any number of options, `text` for a line of text.
        title: the question.
        help: the help text that `?` shows.
        why: the reason for the question, which `?` also shows.
        options: the options.
        default: the value of the default option, the list of marked values, or the value of an empty text. None means
            no default.
        shown: the default of a text in the notation of the prompt.
        clears: whether `-` enters "none" in a text with a default.
        read: converts a text to a value and raises InputError for an invalid text.
        above: the line above the question.
    """

    kind: Literal["select", "checkbox", "text"]
    title: str
    help: str = ""
    why: str = ""
    options: tuple[Option, ...] = ()
    default: Any = None
    shown: str = ""
    clears: bool = False
    read: Callable[[str], Any] = str
    above: str = ""

    def hint(self, words: Mapping[str, str]) -> str:
        """Return the hint of a text form: its keys and its default."""
        key = "text-clear" if self.clears else "text-default" if self.shown else "text"
        return words[f"ask.keys.{key}"].format(default=self.shown)


Dialogue: TypeAlias = Generator[Form, Any, Answer]

_NONE = "-"
_INSTANCES_RULE = "Allowed: an integer from 1 to 10000, or a range such as 2-10."


def dialogue(question: Question, space: FactSpace, stated: Answer, open_facts: Sequence[str]) -> Dialogue:
    """Return the dialogue of a question.

    Args:
        question: the question.
        space: the facts with their texts.
        stated: all known facts, for the defaults and for the features that a tool can need.
        open_facts: the ids of the facts that the answer must set.
    """
    if question.id == NEEDS:
        return (yield from _needs(space, stated, open_facts))
    if question.id == TOOLS:
        return (yield from _tools(question.fact, space, stated))
    fact = question.fact
    if fact.type == "release":
        return (yield from _release(fact, space, stated))
    current = stated.get(fact.id, fact.default)
    if fact.type in ("choice", "flag"):
        value = yield _select(fact, space, current)
        return {fact.id: value}
    return {fact.id: (yield _text(fact, space, current, has_default=fact.id in stated or not fact.required))}


def _select(fact: Fact, space: FactSpace, current: Any) -> Form:
    if fact.type == "flag":
        words = space.knowledge.phrases
        options = [Option(True, words["ask.yes"]), Option(False, words["ask.no"])]
        options += [Option(UNKNOWN, words["ask.unknown"])] if fact.unknown else []
    elif fact.values_from == "proxies":
        options = [
            Option(proxy.id, proxy.id, f"{proxy.name}. {proxy.affinity}") for proxy in space.knowledge.proxies.values()
        ]
    else:
        options = [Option(value.value, value.value, value.means) for value in fact.values]
    return Form("select", fact.question, fact.help, fact.why, tuple(options), current)


def _release(fact: Fact, space: FactSpace, stated: Answer) -> Dialogue:
    words = space.knowledge.phrases
    newest = {release.line.id: f"{release.package}=={release.line.newest}" for release in space.measured.values()}
    options = [Option(line, line, words["ask.newest"].format(release=exact)) for line, exact in newest.items()]
    options.append(Option(OTHER, OTHER, words["sdk.other"]))
    options.append(Option(None, words["ask.other-release"], words["ask.other-release.means"]))
    current = stated.get(fact.id, fact.default)
    known = {*newest, OTHER}
    chosen = yield Form(
        "select", fact.question, fact.help, fact.why, tuple(options), current if current in known else None
    )
    if chosen is None:
        exact = current if current not in known else None
        read = _reader(fact, space, exact)
        chosen = yield Form(
            "text", words["ask.which-release"], fact.help, fact.why, default=exact, shown=exact or "", read=read
        )
    return {fact.id: chosen}


def _text(fact: Fact, space: FactSpace, current: Any, *, has_default: bool) -> Form:
    clears = fact.default in (None, []) and not fact.required and current not in (None, [])
    read = _reader(fact, space, current if has_default else None, clears=clears, needed=not has_default)
    shown = written(current, space.knowledge.phrases) if has_default else ""
    return Form("text", fact.question, fact.help, fact.why, default=current, shown=shown, clears=clears, read=read)


def _reader(
    fact: Fact, space: FactSpace, default: Any, *, clears: bool = False, needed: bool | None = None
) -> Callable[[str], Any]:
    needed = default is None if needed is None else needed

    def read(text: str) -> Any:
        text = text.strip()
        if not text and not needed:
            return default
        if not text:
            raise InputError(fact.id, [input_problem(space.knowledge.phrases["ask.empty"], fact.help)])
        if text == _NONE and clears:
            return read_value(fact.id, fact.default, space)
        try:
            return read_value(fact.id, _PARSERS.get(fact.type, str)(text), space)
        except InputError as error:
            if error.problems[0].fix.text != INSTANCES_RULE:
                raise
            # The rule of the file has another notation than the prompt.
            problem = input_problem(f"{allowed.quote(text)} is not allowed.", _INSTANCES_RULE)
            raise InputError(fact.id, [problem]) from None

    return read


def _number(text: str) -> Any:
    if re.fullmatch(r"\d{1,9}", text):
        return int(text)
    return float(text) if re.fullmatch(r"\d{1,9}\.\d{1,6}", text) else text


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"[,\s]+", text) if part]


def _instances(text: str) -> Any:
    low, dash, high = (part.strip() for part in text.partition("-"))
    return {"min": _number(low), "max": _number(high)} if dash else _number(text)


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "integer": _number,
    "seconds": _number,
    "instances": _instances,
    "hosts": _parts,
    "origins": _parts,
}


def _needs(space: FactSpace, stated: Answer, open_facts: Sequence[str]) -> Dialogue:
    words = space.knowledge.phrases
    features = {name: space.knowledge.features[name.removeprefix(f"{NEEDS}.")] for name in open_facts}
    options = tuple(Option(name, feature.id, feature.question.split(": ", 1)[-1]) for name, feature in features.items())
    why = space.knowledge.facts[NEEDS].why
    levels = dict.fromkeys(open_facts, "none")
    for level in ("required", "preferred", UNKNOWN):
        left = tuple(option for option in options if levels[option.value] == "none")
        marked = tuple(name for name in open_facts if stated.get(name) == level and levels[name] == "none")
        if left:
            title, help_ = words[f"ask.needs.{level}"], words[f"ask.needs.{level}.help"]
            levels.update(dict.fromkeys((yield Form("checkbox", title, help_, why, left, marked)), level))
    return levels


def _tools(fact: Fact, space: FactSpace, stated: Answer) -> Dialogue:
    words = space.knowledge.phrases
    current: tuple[Tool, ...] = stated.get(TOOLS, ())
    help_ = f"{fact.help} {words['ask.tools.how']}"

    def read(text: str) -> tuple[Tool, ...]:
        if not text.strip() or text.strip() == _NONE:
            return () if text.strip() else current
        return read_tools(text, stated, space)

    tools = yield Form(
        "text",
        fact.question,
        help_,
        fact.why,
        (),
        current,
        tools_written(current) or words["ask.none"],
        bool(current),
        read,
    )
    return {TOOLS: tools}


def read_tools(text: str, needs: Answer, space: FactSpace) -> tuple[Tool, ...]:
    """Read tools in the notation of the prompt: `lookup, suggest: sampling progress, report: progress`.

    After a comma, the name of a feature belongs to the previous tool if that tool has needs.

    Args:
        text: the typed text.
        needs: from the id of a need to its level. Each tool gets the level of the service for its features.
        space: the known facts.

    Raises:
        InputError: a tool name is invalid, or a feature is unknown or not needed by the service.
    """
    found: dict[str, list[str]] = {}
    name = ""
    for entry in (part.strip() for part in re.split(r"[,;]", text)):
        head, colon, rest = (part.strip() for part in entry.partition(":"))
        if not colon and found.get(name) and head in space.knowledge.features:
            found[name].append(head)
        elif head:
            name = head
            _check_tool(name, found)
            found[name] = rest.split()
    return tuple(Tool(tool, _levels(tool, features, needs, space)) for tool, features in found.items())


def _check_tool(name: str, found: Mapping[str, Any]) -> None:
    if not allowed.is_tool(name):
        message = f"{allowed.quote(name)} is not a tool name."
        raise InputError(TOOLS, [input_problem(message, f"Allowed: {allowed.TOOL_RULE}.")])
    if name in found:
        raise InputError(TOOLS, [input_problem(f"the tool {name!r} is listed twice.")])


def _levels(tool: str, features: list[str], needs: Answer, space: FactSpace) -> dict[str, Any]:
    known = [name.removeprefix(f"{NEEDS}.") for name in space.facts if name.startswith(f"{NEEDS}.")]
    for feature in features:
        if feature not in known:
            hint = allowed.nearest(feature, known) or f"Allowed: {', '.join(known)}."
            raise InputError(TOOLS, [input_problem(f"{allowed.quote(feature)} is not a feature.", hint)])
        if needs.get(f"{NEEDS}.{feature}", "none") in ("none", UNKNOWN):
            message = space.knowledge.phrases["ask.tools.not-needed"].format(tool=tool, feature=feature)
            raise InputError(TOOLS, [input_problem(message)])
    return {feature: needs[f"{NEEDS}.{feature}"] for feature in features}


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
