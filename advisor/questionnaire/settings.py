"""Reads `--set KEY=VALUE` and `--with KEY=VALUE,VALUE`.

A value is YAML, or has the notation of the prompts: `2-5` or `a, b`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from advisor.errors import AdvisorError, InputError, UsageError
from advisor.knowledge.space import FactSpace
from advisor.questionnaire.forms import HOSTS, PATH, endpoint, instances, parts
from advisor.questionnaire.saved_answers import stated
from advisor.requirements import reader, validate
from advisor.requirements.text import printable

_NOTATIONS: Mapping[str, Callable[[str], Any]] = {
    "instances": instances,
    "hosts": parts,
    "origins": parts,
    "apps": parts,
    "tools": parts,
    "hops": lambda text: [{"kind": kind} for kind in parts(text)],
}
"""By the type of a fact: the function that reads a text in the notation of the prompts."""


def read_settings(given: Iterable[str], space: FactSpace) -> dict[str, Any]:
    """Return the facts of the entries `KEY=VALUE`.

    Raises:
        UsageError: an entry has no `=`, or a key or a value is not allowed. The message has every fault.
    """
    found: dict[str, Any] = {}
    problems: list[str] = []
    for entry in given:
        try:
            found.update(_setting(entry, space, "--set"))
        except AdvisorError as error:
            problems.append(str(error))
    if problems:
        raise UsageError("\n".join(problems))
    return found


def read_values(given: Iterable[str], space: FactSpace) -> dict[str, list[Any]]:
    """Return the values of each fact in the entries `KEY=VALUE,VALUE` of `--with`, in their order.

    A fact with a list as its value, such as `clients.apps`, has a single value in each entry.

    Raises:
        UsageError: an entry has no `=`, or a key or a value is not allowed. The message has every fault.
    """
    found: dict[str, list[Any]] = {}
    problems: list[str] = []
    for entry in given:
        key, sign, text = entry.partition("=")
        fact = space.facts.get(key)
        is_list = (fact is not None and fact.type in _NOTATIONS and fact.type != "instances") or "{" in text
        for value in [text] if is_list else text.split(","):
            try:
                for name, content in _setting(f"{key}{sign}{value.strip()}", space, "--with").items():
                    found.setdefault(name, []).append(content)
            except AdvisorError as error:
                problems.append(str(error))
    if problems:
        raise UsageError("\n".join(dict.fromkeys(problems)))
    return found


def _setting(entry: str, space: FactSpace, option: str) -> dict[str, Any]:
    """Return the facts of an entry of an option.

    Raises:
        AdvisorError: the entry cannot be used. The message names the entry and no line, because an entry has no lines.
    """
    key, sign, value = entry.partition("=")
    if not sign:
        example = f"write KEY=VALUE, for example {option} scale.instances=3."
        raise UsageError(f"{option} {entry!r:.80}: {example}")
    fact = space.facts.get(key)
    notation = _NOTATIONS.get(fact.type) if fact else None
    name = f"{option} {printable(entry, 80)}"
    try:
        data: Any = _value(value)
        if isinstance(data, bool) and fact and fact.type != "flag":
            data = value  # a message shows the typed text, such as `yes`
        given = {key: notation(data) if notation and isinstance(data, str) else data}
        if key == HOSTS and isinstance(data, str) and "://" in data:
            given = _of_urls(data)
        data = {}
        for path, content in given.items():
            *sections, last = path.split(".")
            branch = data
            for section in sections:
                branch = branch.setdefault(section, {})
            branch[last] = content
        return stated(validate(reader.SourceDocument(name, data, {}), space, partial=True, typed=True))
    except reader.ReadError as error:
        raise UsageError(f"{name}: {error.problem}.") from None
    except InputError as error:
        raise UsageError("\n".join(problem.text(name) for problem in error.problems)) from None


def _of_urls(typed: str) -> dict[str, Any]:
    """Return the host names of typed URLs, and their path, as the question for host names does."""
    try:
        found = endpoint(typed)
    except ValueError:  # invalid brackets: the check of host names reports the text
        return {HOSTS: [typed]}
    return {HOSTS: found.names, **({PATH: found.path} if found.path else {})}


def _value(text: str) -> Any:
    """Return a value as YAML. Text that is not YAML on one line stands for itself.

    Raises:
        ReadError: the text has a character that no file can have.
    """
    if "\n" not in text and "#" not in text:
        try:
            return _member(f"value: {text}")
        except reader.ReadError:
            pass  # for example `a:b:`, which a shell passes without quotes
    return _member(f"value: {json.dumps(text)}")


def _member(text: str) -> Any:
    data = reader.read_bytes(text.encode(errors="replace"), "").data
    return data["value"] if isinstance(data, dict) else None
