"""Words of an answer that are no entries of the rules: patterns, mechanisms, outcomes, exit codes, values and terms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from advisor.errors import Exit
from advisor.knowledge import Knowledge
from advisor.knowledge.space import FactSpace
from advisor.requirements.schema import meanings

_SHORT = 3  # letters of the longest word whose last `s` is no plural
_NO_PLURAL = ("ss", "_s", "-s", " s")  # the end of a key such as `duration_s` is a unit


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


def answer_words(space: FactSpace, commands: Mapping[str, str]) -> dict[str, list[AnswerWord]]:
    """Return all words in the form that `plain` returns, each with its meanings.

    Args:
        space: the known facts.
        commands: the summary of each command of the program, by its name.
    """
    found: dict[str, list[AnswerWord]] = {}
    for word in _all(space):
        found.setdefault(plain(word.word), []).append(word)
    # The term says what the word means on a screen, so it comes before other meanings.
    kind = space.knowledge.phrases["word.term"]
    for term in space.knowledge.terms.values():
        name = plain(term.id)
        if name in found:
            found[name].insert(0, AnswerWord(term.id, kind, term.text))
    command = space.knowledge.phrases["word.command"]
    for word in (*(AnswerWord(name, command, means) for name, means in commands.items()), *_secondary(space)):
        found.setdefault(plain(word.word), [word])
    return {word: _grouped(meanings, space) for word, meanings in found.items()}


def _grouped(words: list[AnswerWord], space: FactSpace) -> list[AnswerWord]:
    """Return each meaning once. A value that has the same meaning for several facts has a single entry."""
    groups: dict[tuple[str, str], list[AnswerWord]] = {}
    for word in words:
        is_value = word.kind == space.knowledge.phrases["word.value"].format(fact=next(iter(word.see), ""))
        groups.setdefault((word.means, "" if is_value else word.kind), []).append(word)
    return [_together(group, space) if not kind else group[0] for (_, kind), group in groups.items()]


def _together(values: list[AnswerWord], space: FactSpace) -> AnswerWord:
    facts = list(dict.fromkeys(name for value in values for name in value.see))
    if len(facts) == 1:
        return values[0]
    return values[0]._replace(kind=space.knowledge.phrases["word.value"].format(fact=", ".join(facts)), see={})


def plain(word: str) -> str:
    """Return a word in lower case with spaces as separators, without punctuation around it and without a plural.

    Answers show words as `Needed (* preferred)`, "Log messages" or `session.send_log_message()`.
    """
    bare = word.lower().strip(" \t.,:;!?\"'`").removesuffix("()")
    bare = re.sub(r"^\((.*)\)$|\s+\(.*\)$", r"\1", bare)
    if len(bare) > _SHORT and bare.endswith("ies"):
        bare = f"{bare[:-3]}y"
    elif bare.endswith("sses"):
        bare = bare[:-2]
    elif len(bare) > _SHORT and bare.endswith("s") and not bare.endswith(_NO_PLURAL):
        bare = bare[:-1]
    return re.sub(r"[-_\s]+", " ", bare) or word


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
        for word in (str(code.value), f"exit code {code.value}", f"exit {code.value}"):
            yield AnswerWord(word, phrases["word.exit"], phrases[f"exit.{code.value}"])
    for fact in space.facts.values():
        for value, means in meanings(fact, space).items():
            yield AnswerWord(value, phrases["word.value"].format(fact=fact.id), means, {fact.id: fact.question})


def _secondary(space: FactSpace) -> Iterator[AnswerWord]:
    """The words that are explained only if no rule, value or outcome has the same name."""
    knowledge, phrases = space.knowledge, space.knowledge.phrases
    for term in knowledge.terms.values():
        for word in (term.id, *term.also):
            yield AnswerWord(word, phrases["word.term"], term.text)
    for feature in knowledge.features.values():
        title = {feature.id: feature.title}
        yield AnswerWord(feature.title, phrases["word.feature"], feature.does or feature.why or feature.title, title)
        kind = phrases["word.call"].format(feature=feature.id)
        for call in feature.calls:
            for word in dict.fromkeys((call.call, call.short)):
                if word:
                    yield AnswerWord(word, kind, feature.does or feature.why or feature.title, title)
    for table in knowledge.tables.values():
        yield AnswerWord(table.title, phrases["word.table"], table.title, {table.table: table.title})
    for event in knowledge.events:
        for word in (event.id, event.title):
            yield AnswerWord(word, phrases["word.fault"], event.title)
    for name, way in knowledge.topology.items():
        yield AnswerWord(name, phrases["word.strategy"], way.title)
    for finding in knowledge.findings.values():
        yield AnswerWord(finding.id, phrases["word.finding"], f"{finding.title}. {finding.why}")
    for cause in knowledge.failure_causes.values():
        yield AnswerWord(cause.id, phrases["word.cause"], f"{cause.title}. {cause.explains} {cause.fix}")
    for fact in space.facts.values():
        yield AnswerWord(fact.id.rpartition(".")[2], phrases["word.key"], fact.question, {fact.id: fact.question})
        for name, value in space.also(fact).items():
            kind = phrases["word.other-name"].format(value=value, fact=fact.id)
            yield AnswerWord(name, kind, meanings(fact, space).get(value, value), {fact.id: fact.question})


def _deciding(knowledge: Knowledge, value: object) -> dict[str, str]:
    """Return the titles of the rules whose outcome has a value, by their ids."""
    return {rule.id: rule.title for _, rule in knowledge.rules.values() if value in rule.then.values()}
