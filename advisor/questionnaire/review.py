"""Words for a questionnaire: the recommendation so far, the answers, and the reasons for skipped questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.decision.core import Core
from advisor.knowledge.space import UNKNOWN
from advisor.questionnaire.forms import flags_written, needs_written, written
from advisor.questionnaire.interview import BREAKS, CURRENT, NEEDS, TOOLS, Answer, Interview, Question, Skip
from advisor.requirements.hops import HOPS
from advisor.sentences import listed


def leaning(advisor: Advisor, interview: Interview) -> str:
    """Return the recommendation for the answers so far in words, with defaults for open facts.

    A contradiction names the features that cannot be kept.
    """
    core, means = advisor.verdict(interview.requirements)
    lost = () if core.feasible else advisor.unmet(interview.requirements)
    phrase = advisor.knowledge.phrases["ask.leaning.unmet"]
    return (
        phrase.format(verdict=means, features=", ".join(row.title for row in lost)) if lost else in_words(core, means)
    )


def in_words(core: Core, means: str) -> str:
    """Return a core as `several instances with session affinity (sticky-fleet)`.

    Args:
        core: the core.
        means: its pattern in words.
    """
    return f"{means} ({core.pattern})" if core.feasible else means


def answer_lines(question: Question, answer: Answer, advisor: Advisor, title: str) -> list[tuple[str, str]]:
    """Return the lines of the review for an answer, as pairs of a question and its answer.

    The question about a server in use has a line for each of its three questions.

    Args:
        question: the question.
        answer: the answer.
        advisor: has the words.
        title: the question as it is put.
    """
    words, symptoms = advisor.knowledge.phrases, advisor.knowledge.symptoms
    flags = {name: value for name, value in answer.items() if name != BREAKS and value != UNKNOWN}
    breaks = [symptoms[name].text for name in answer.get(BREAKS, ())]
    if question.id != CURRENT or not (flags or breaks):
        return [(title, answer_line(question, answer, advisor))]
    told = words["ask.current.breaks"].format(number=len(breaks), symptoms=", ".join(breaks))
    return [
        (title, words["ask.yes"]),
        (words["ask.current.flags"], flags_written(flags) or words["ask.unknown"]),
        (words["ask.breaks"], told if len(breaks) > 1 else "".join(breaks) or words["ask.none"]),
    ]


def answer_line(question: Question, answer: Answer, advisor: Advisor) -> str:
    """Return an answer on a line, in the words of its question."""
    words, knowledge = advisor.knowledge.phrases, advisor.knowledge
    if question.id == NEEDS:
        return needs_written(answer, words)
    if question.id == CURRENT:
        return _current(answer, advisor)
    value = answer[question.facts[0]]
    if question.fact.type == "apps":
        return ", ".join(knowledge.clients[app].name for app in value) or words["ask.unknown"]
    if answer.get(HOPS):
        return " > ".join(str(hop["kind"]) for hop in answer[HOPS])
    path = answer.get("environment.path")
    language = answer.get("language", UNKNOWN)
    more = [path] if path else [] if language == UNKNOWN else [knowledge.languages[language].name]
    return ", ".join([_word(question, value, words), *more])


def _word(question: Question, value: Any, words: Mapping[str, str]) -> str:
    if question.fact.type == "flag" and value != UNKNOWN:
        return words["ask.yes" if value else "ask.no"]
    return words["ask.unknown"] if value == UNKNOWN else written(value, words)


def _current(answer: Answer, advisor: Advisor) -> str:
    words, symptoms = advisor.knowledge.phrases, advisor.knowledge.symptoms
    flags = {name: value for name, value in answer.items() if name != BREAKS and value != UNKNOWN}
    told = [flags_written(flags), *(symptoms[name].text for name in answer.get(BREAKS, ()))]
    return ", ".join(filter(None, told)) or words["ask.current.none"]


def skip_lines(skips: Iterable[Skip], words: Mapping[str, str]) -> list[tuple[str, str]]:
    """Group skipped questions by their reasons. Return pairs: the ids of the questions, and the reason."""
    groups: dict[str, list[str]] = {}
    for skip in skips:
        groups.setdefault(_reason(skip, words), []).append(skip.question)
    return [(", ".join(names), reason) for reason, names in groups.items()]


def _reason(skip: Skip, words: Mapping[str, str]) -> str:
    if skip.reason == "inferred":
        return words["ask.skip.inferred"].format(because=skip.text)
    if skip.reason == "only-when":
        return words["ask.skip.only-when"].format(because=skip.facts[0][0])
    absent = [name for name, value in skip.facts if name.startswith(f"{NEEDS}.") and value == "none"]
    stated = {name: written(value, words) for name, value in skip.facts if name not in (*absent, TOOLS)}
    told = [words["ask.skip.fact"].format(fact=name, value=value) for name, value in stated.items()]
    told += [words["ask.skip.tools"]] if any(name == TOOLS for name, _ in skip.facts) else []
    told += [words["ask.skip.needs"]] if absent else []
    told = told or [words["ask.skip.rule"].format(rule=rule.id, title=rule.title) for rule in skip.rules]
    several = not skip.facts and len({tuple(rule.then.items()) for rule in skip.rules}) > 1
    return words["ask.skip.any-of" if several else "ask.skip.irrelevant"].format(because=listed(told))


def more(advisor: Advisor, interview: Interview) -> list[str]:
    """Return the lines about skipped questions with the reasons, and about defaults. Headings have no indent."""
    words = advisor.knowledge.phrases
    lines: list[str] = []
    skipped = skip_lines(interview.skipped(), words)
    if skipped:
        lines += [words["ask.review.not-asked"], *(f"  {names}: {reason}" for names, reason in skipped)]
    assumed_values = assumed(advisor, interview)
    if assumed_values:
        told = ", ".join(f"{name}: {written(value, words)}" for name, value in assumed_values.items())
        lines += [words["ask.review.assumed"], f"  {told}"]
    return lines


def assumed(advisor: Advisor, interview: Interview) -> dict[str, Any]:
    """Return the facts that the questionnaire never asks, with their defaults."""
    never = {name for name, fact in advisor.space.facts.items() if fact.ask == "never"}
    return {name: value for name, value in interview.requirements.defaults.items() if name in never}
