"""Texts around the questions: the recommendation so far, the skipped questions, the review of the answers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.decision.core import Core
from advisor.questionnaire.interview import NEEDS, TOOLS, Answer, Interview, Skip
from advisor.questionnaire.question_forms import written


def leaning(advisor: Advisor, interview: Interview) -> str:
    """Return the recommendation for the answers so far on one line, with defaults for open facts."""
    return core_line(advisor.decide(interview.requirements).core, advisor.knowledge.phrases)


def core_line(core: Core, words: Mapping[str, str]) -> str:
    """Return a core as `sticky-fleet, stateless_http=False, json_response=False, nginx-sticky-learn`."""
    if not core.feasible:
        return words["ask.leaning.contradiction"].format(pattern=words[core.phrase])
    parts = [core.pattern, *(f"{name}={value}" for name, value in core.flags._asdict().items())]
    return ", ".join([*parts, *(mechanism for mechanism in (core.mechanism, core.substitute) if mechanism != "none")])


def answer_line(answer: Answer, words: Mapping[str, str]) -> str:
    """Return an answer on one line. An answer on needs has only the needed features."""
    if len(answer) == 1:
        return written(next(iter(answer.values())), words)
    needed = [f"{name.removeprefix(f'{NEEDS}.')} {level}" for name, level in answer.items() if level != "none"]
    return ", ".join(needed) or words["ask.none"]


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
    return words["ask.skip.any-of" if several else "ask.skip.irrelevant"].format(because=_listed(told))


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def review(advisor: Advisor, interview: Interview) -> list[str]:
    """Return the lines of the review: the answers, the skipped questions and the defaults. Headings have no indent."""
    words = advisor.knowledge.phrases
    rows = [(name, answer_line(interview.stated(interview.questions[name]), words), "") for name in interview.asked]
    rows += [(name, written(value, words), words["ask.review.from-file"]) for name, value in interview.fixed.items()]
    width = max((len(name) for name, _, _ in rows), default=0)
    lines = [words["ask.review"]]
    lines += [f"  {name:<{width}}  {answer}" + (f"  ({origin})" if origin else "") for name, answer, origin in rows]
    skipped = skip_lines(interview.skipped(), words)
    if skipped:
        lines += [words["ask.review.not-asked"], *(f"  {names}: {reason}" for names, reason in skipped)]
    assumed = _assumed(advisor, interview)
    if assumed:
        told = ", ".join(f"{name}: {written(value, words)}" for name, value in assumed.items())
        lines += [words["ask.review.assumed"], f"  {told}"]
    return lines


def _assumed(advisor: Advisor, interview: Interview) -> dict[str, Any]:
    """Return the facts that the questionnaire never asks, with their defaults."""
    never = {name for name, fact in advisor.space.facts.items() if fact.ask == "never"}
    return {name: value for name, value in interview.requirements.defaults.items() if name in never}
