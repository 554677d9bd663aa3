"""Turns questions into dialogues of forms. Pure.

A dialogue is a generator. It yields forms, receives the replies, and returns the facts of the answer. Most questions
have one form. guided_forms.py has the dialogues with several forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from advisor.errors import InputError
from advisor.findings import Finding, input_problem
from advisor.knowledge.facts import Fact
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.questionnaire import guided_forms
from advisor.questionnaire.forms import NONE, Dialogue, Form, Option, reader, tools_written, written
from advisor.questionnaire.questions import CURRENT, NEEDS, TOOLS, Answer, Question
from advisor.requirements import text as allowed
from advisor.requirements.model import Tool


def dialogue(question: Question, space: FactSpace, stated: Answer) -> Dialogue:
    """Return the dialogue of a question.

    Args:
        question: the question.
        space: the facts with their texts.
        stated: all known facts, for the defaults and for the features that a tool can need.
    """
    fact = question.fact
    if question.id == NEEDS:
        levels: Answer = yield guided_forms.needs_form(space, stated, question.facts)
        return levels
    if question.id == TOOLS:
        return (yield from _tools(fact, space, stated))
    if question.id == CURRENT:
        return (yield from guided_forms.current_dialogue(space, stated))
    if fact.type == "release":
        return (yield from guided_forms.sdk_dialogue(fact, space, stated))
    if fact.type == "hosts":
        return (yield from guided_forms.hosts_dialogue(fact, space, stated))
    if fact.values_from == "proxies":
        return (yield from guided_forms.path_dialogue(fact, space, stated))
    current = stated.get(fact.id, fact.default)
    if fact.type == "apps":
        return {fact.id: (yield guided_forms.apps_form(fact, space, current))}
    if fact.type in ("choice", "flag"):
        value = yield _select(fact, space, current)
        return {fact.id: value}
    return {fact.id: (yield _text(fact, space, current, has_default=fact.id in stated or not fact.required))}


def _select(fact: Fact, space: FactSpace, current: Any) -> Form:
    if fact.type == "flag":
        words = space.knowledge.phrases
        options = [Option(True, words["ask.yes"]), Option(False, words["ask.no"])]
        options += [Option(UNKNOWN, words["ask.unknown"])] if fact.unknown else []
    else:
        options = [Option(value.value, value.value, value.means) for value in fact.values]
    return Form("select", fact.question, fact.help, fact.why, tuple(options), current)


def _text(fact: Fact, space: FactSpace, current: Any, *, has_default: bool) -> Form:
    clears = fact.default in (None, []) and not fact.required and current not in (None, [])
    read = reader(fact, space, current if has_default else None, clears=clears, needed=not has_default)
    shown = written(current, space.knowledge.phrases) if has_default else ""
    return Form("text", fact.question, fact.help, fact.why, default=current, shown=shown, clears=clears, read=read)


def _tools(fact: Fact, space: FactSpace, stated: Answer) -> Dialogue:
    words = space.knowledge.phrases
    current: tuple[Tool, ...] = stated.get(TOOLS, ())
    help_ = f"{fact.help} {words['ask.tools.how']}"

    def read(text: str) -> tuple[Tool, ...]:
        if not text.strip() or text.strip() == NONE:
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
    problems: list[Finding] = []
    name = ""
    for entry in (part.strip() for part in re.split(r"[,;]", text)):
        head, colon, rest = (part.strip() for part in entry.partition(":"))
        if not colon and found.get(name) and head in space.knowledge.features:
            found[name].append(head)
        elif head:
            name = head
            problems += _name_problems(name, found)
            found[name] = rest.split()
    for tool, features in found.items():
        problems += _need_problems(tool, features, needs, space)
    if problems:
        raise InputError(TOOLS, problems)
    return tuple(
        Tool(tool, {feature: needs[f"{NEEDS}.{feature}"] for feature in features}) for tool, features in found.items()
    )


def _name_problems(name: str, found: Mapping[str, Any]) -> list[Finding]:
    if not allowed.is_tool(name):
        return [input_problem(f"{allowed.quote(name)} is not a tool name.", f"Allowed: {allowed.TOOL_RULE}.")]
    return [input_problem(f"the tool {name!r} is listed twice.")] if name in found else []


def _need_problems(tool: str, features: list[str], needs: Answer, space: FactSpace) -> Iterator[Finding]:
    known = [name.removeprefix(f"{NEEDS}.") for name in space.facts if name.startswith(f"{NEEDS}.")]
    for feature in features:
        if feature not in known:
            hint = allowed.nearest(feature, known) or f"Allowed: {', '.join(known)}."
            yield input_problem(f"{allowed.quote(feature)} is not a feature.", hint)
        elif needs.get(f"{NEEDS}.{feature}", "none") in ("none", UNKNOWN):
            yield input_problem(space.knowledge.phrases["ask.tools.not-needed"].format(tool=tool, feature=feature))
