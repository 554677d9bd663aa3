"""Words for the conditions and the outcomes of rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from advisor.engine.table import phrase
from advisor.sentences import listed

_OPERATORS = {
    "is": "is",
    "not": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "at_least": "is at least",
    "at_most": "is at most",
}
_LONGEST_FIRST = sorted(_OPERATORS, key=len, reverse=True)  # "not" also starts "not in"


def words(condition: Any) -> str:
    """A condition as the part of a sentence that follows the fact: `is many`, `is one of legacy, mixed`."""
    operator = next(iter(condition)) if isinstance(condition, dict) else "is"
    operand = phrase(condition).removeprefix(operator.replace("_", " ")).strip()
    return f"{_OPERATORS[operator]} {operand}"


def quoted_words(condition: Any) -> str:
    """The same as `words`, with each value as a code span: ``is `many` ``, ``is one of `legacy`, `mixed` ``."""
    return quoted_phrase(phrase(condition))


def quoted_phrase(said: str) -> str:
    """What `engine.table.phrase` says of a condition, with the words of this module and each value as a code span."""
    operator = next(name for name in _LONGEST_FIRST if said.startswith(f"{name.replace('_', ' ')} "))
    values = said[len(operator) + 1 :].split(", ")
    return f"{_OPERATORS[operator]} {', '.join(f'`{value}`' for value in values)}"


def sentence(phrases: Mapping[str, str], fact: str, condition: Any, pattern: str = "") -> str:
    """A condition, or an outcome, as a sentence without its full stop.

    Args:
        phrases: of the knowledge; rules/conditions.yaml has those of conditions.
        fact: its id.
        condition: a value, or an operator with its values, as rules write it.
        pattern: of an outcome, the pattern of the same rule, because some sentences depend on it; "" for a condition.
    """
    said = f"{fact} {words(condition)}"
    if (own := f"{said} if pattern is {pattern}") in phrases:
        return phrases[own]
    if said in phrases:
        return phrases[said]
    operator = next(iter(condition)) if isinstance(condition, dict) else "is"
    if fact not in phrases or operator not in ("is", "in"):
        return said
    values = phrase(condition).removeprefix(operator).strip().split(", ")
    return phrases[fact].format(value=listed(values, "or"))


_PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")


def in_words(text: str, phrases: Mapping[str, str], brackets: str = "<>") -> str:
    """The text of a warning, with words in brackets instead of each placeholder.

    Args:
        text: with placeholders, such as `{proxy.name}`.
        phrases: of the knowledge; rules/placeholders.yaml has those of placeholders.
        brackets: the opening and the closing bracket.
    """

    def words_of(found: re.Match[str]) -> str:
        name = found[1]
        said = phrases.get(f"placeholder.{name}") or phrases["placeholder"].format(name=name)
        return f"{brackets[0]}{said}{brackets[1]}"

    # The value of a placeholder after a full stop is a sentence that starts with a space.
    return _PLACEHOLDER.sub(words_of, text.replace(".{", ". {").replace("}{", "} {"))


def outcome(outputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The outputs of a rule that have a meaning: of a contradiction only the pattern, and no missing substitute."""
    if outputs.get("pattern") == "contradiction":
        return {"pattern": outputs["pattern"]}
    return {name: value for name, value in outputs.items() if (name, value) != ("substitute", "none")}
