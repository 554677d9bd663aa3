"""Words for a questionnaire: the recommendation so far, and the reasons for skipped questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from advisor.decision.advisor import Advisor
from advisor.decision.core import Core
from advisor.questionnaire.forms import written
from advisor.questionnaire.interview import Interview, Skip
from advisor.questionnaire.questions import NEEDS, TOOLS
from advisor.report.decision_wording import lost_for
from advisor.sentences import listed


class Leaning(NamedTuple):
    """The recommendation for the answers so far in words, and whether a configuration keeps every required feature."""

    text: str
    feasible: bool


def leaning(advisor: Advisor, interview: Interview) -> Leaning:
    """Return the recommendation for the answers so far, with defaults for open facts.

    A contradiction names the features that cannot be kept, and the reason.
    """
    core, means = advisor.verdict(interview.requirements)
    words = advisor.knowledge.phrases
    if core.feasible:
        return Leaning(words["ask.leaning"].format(leaning=in_words(core, means)), feasible=True)
    unmet = advisor.unmet(interview.requirements)
    rule = advisor.tables["session"].evaluate(advisor.decided_facts(interview.requirements)).rules[0]
    outcomes = "; ".join(dict.fromkeys(lost_for(row, words) for row in unmet))
    reason = words[f"screen.reason.{rule.id}"].format(outcomes=outcomes)
    phrase = words["ask.leaning.unmet" if unmet else "ask.leaning.unreached"]
    features = ", ".join(row.title for row in unmet)
    return Leaning(phrase.format(features=features, reason=reason), feasible=False)


def in_words(core: Core, means: str) -> str:
    """Return a core as `several instances with session affinity (sticky-fleet)`.

    Args:
        core: the core.
        means: its pattern in words.
    """
    return f"{means} ({core.pattern})" if core.feasible else means


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
    told = ", ".join(f"{name}: {written(value, words)}" for name, value in _unasked(interview).items())
    lines += [words["ask.review.stated"], f"  {told}"] if told else []
    assumed_values = assumed(advisor, interview)
    if assumed_values:
        told = ", ".join(f"{name}: {written(value, words)}" for name, value in assumed_values.items())
        lines += [words["ask.review.assumed"], f"  {told}"]
    return lines


def known(interview: Interview, origins: Sequence[str], words: Mapping[str, str]) -> str:
    """Return a line on the answers that come from `origins`, such as files; "" without such an answer."""
    number = sum(question.id not in {*interview.asked, *interview.changed} for question in interview.editable)
    phrase = words["ask.known.one" if number == 1 else "ask.known"]
    return phrase.format(number=number, origins=listed(origins)) if number and origins else ""


def _unasked(interview: Interview) -> dict[str, Any]:
    """Return the stated facts that no question asks for."""
    asked = {name for question in interview.questions.values() for name in (*question.facts, *question.also)}
    return {name: value for name, value in interview.fixed.items() if name not in asked}


def assumed(advisor: Advisor, interview: Interview) -> dict[str, Any]:
    """Return the facts that the questionnaire never asks, with their defaults."""
    never = {name for name, fact in advisor.space.facts.items() if fact.ask == "never"}
    return {name: value for name, value in interview.requirements.defaults.items() if name in never}
