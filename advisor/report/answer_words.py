"""Words of an answer that are no entries of the rules: patterns, mechanisms, outcomes, exit codes, values and terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from advisor.errors import Exit
from advisor.knowledge import Knowledge
from advisor.knowledge.space import FactSpace
from advisor.requirements.schema import meanings


class AnswerWord(NamedTuple):
    """A word with one of its meanings.

    Attributes:
        word: the word as an answer shows it.
        kind: what the word is, such as `deployment pattern`.
        means: the meaning.
        see: titles of related rules or facts by their ids.
    """

    word: str
    kind: str
    means: str
    see: Mapping[str, str] = {}


def answer_words(space: FactSpace) -> dict[str, list[AnswerWord]]:
    """Return all words in lower case, each with its meanings."""
    found: dict[str, list[AnswerWord]] = {}
    for word in _all(space):
        found.setdefault(word.word.lower(), []).append(word)
    return found


def _all(space: FactSpace) -> Iterator[AnswerWord]:
    knowledge = space.knowledge
    phrases = knowledge.phrases
    for pattern in knowledge.tables["session"].outputs["pattern"]:
        yield AnswerWord(
            str(pattern), phrases["word.pattern"], phrases[f"pattern.{pattern}"], _deciding(knowledge, pattern)
        )
    for name, mechanism in knowledge.mechanisms.items():
        where = phrases[f"owner-in.{mechanism.owner_in}"]
        yield AnswerWord(name, phrases["word.mechanism"], where, _deciding(knowledge, name))
    for key, text in phrases.items():
        outcome = key.removeprefix("outcome.").removesuffix(".means")
        if key == f"outcome.{outcome}.means":
            yield AnswerWord(outcome, phrases["word.outcome"], text)
            yield AnswerWord(phrases[f"outcome.{outcome}"], phrases["word.outcome"], text)
        term = key.removeprefix("term is ")
        if term != key:
            yield AnswerWord(term, phrases["word.term"], text.removeprefix(f"{term}: "))
    for code in Exit:
        for word in (str(code.value), f"exit code {code.value}"):
            yield AnswerWord(word, phrases["word.exit"], phrases[f"exit.{code.value}"])
    for fact in space.facts.values():
        for value, means in meanings(fact, space).items():
            yield AnswerWord(value, phrases["word.value"].format(fact=fact.id), means, {fact.id: fact.question})


def _deciding(knowledge: Knowledge, value: object) -> dict[str, str]:
    """Return the titles of the rules whose outcome has a value, by their ids."""
    return {rule.id: rule.title for _, rule in knowledge.rules.values() if value in rule.then.values()}
