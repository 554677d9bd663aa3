"""An interview: which question is next, which questions are skipped and why, back and edit. Pure.

The state of an interview is its answers. The next question follows from them by a replay from the start: each question
that is open and can still change the outcome takes its answer; the first without an answer is next. So going back and
answering otherwise asks again exactly what that made stale, and keeps everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from advisor.decision.advisor import Advisor
from advisor.engine.rules import Rule
from advisor.knowledge.facts import Fact
from advisor.questionnaire.relevance import Relevance
from advisor.requirements.model import Requirements, Tool
from advisor.requirements.validate import complete

Answer: TypeAlias = Mapping[str, Any]
"""Fact id → value, validated; the fact `tools` has a tuple of tools."""

Reason: TypeAlias = Literal["irrelevant", "only-when", "inferred"]

NEEDS = "needs"
TOOLS = "tools"


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the questionnaire.

    Attributes:
        id: the fact that it asks for; `needs` asks for all features at once.
        fact: its wording.
        facts: the facts that it answers.
    """

    id: str
    fact: Fact
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skip:
    """A question that is not asked.

    Attributes:
        question: its id.
        reason: `irrelevant` (it cannot change the outcome), `only-when` (its condition does not hold), `inferred` (it
            follows from other answers).
        rules: the rules that settle what it could have changed; where `facts` are given, or there are several with
            different results, whichever of them holds.
        facts: the answers that settle it, where rules alone do not.
        text: what it follows from.
    """

    question: str
    reason: Reason
    rules: tuple[Rule, ...] = ()
    facts: tuple[tuple[str, Any], ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """The result of a replay: the questions that took their answers, the next question, and the questions skipped."""

    asked: tuple[str, ...]
    next: Question | None
    skipped: dict[str, Reason]
    values: dict[str, Any]


def questions(advisor: Advisor) -> list[Question]:
    """Every question, in the order in which they are put (`ask.order` in rules/questionnaire.yaml)."""
    facts = advisor.knowledge.facts
    first = [name for name in advisor.knowledge.phrases["ask.order"].split() if name in facts]
    order = dict.fromkeys([*first, *facts])
    features = tuple(name for name in advisor.space.facts if name.startswith(f"{NEEDS}."))
    return [
        Question(name, facts[name], features if name == NEEDS else (name,))
        for name in order
        if facts[name].ask != "never"
    ]


class Interview:
    """A run of the questionnaire.

    Attributes:
        questions: every question by id, in order.
        fixed: facts that were known before; they are not asked and not dropped.
        answers: question id → answer; answers that the replay does not reach wait here.
    """

    def __init__(
        self,
        advisor: Advisor,
        relevance: Relevance,
        fixed: Answer | None = None,
        answers: Mapping[str, Answer] | None = None,
    ) -> None:
        """Start, or resume with `answers`."""
        self._advisor = advisor
        self._relevance = relevance
        self.questions = {question.id: question for question in questions(advisor)}
        self.fixed: dict[str, Any] = dict(fixed or {})
        self.answers: dict[str, Answer] = dict(answers or {})
        self._cursor: str | None = None
        self._reasons: dict[str, Skip] = {}
        self._place = self._replay()

    # --- where it stands ------------------------------------------------------------------------------------------

    @property
    def current(self) -> Question | None:
        """The question to put now; None when nothing that is open can change the outcome."""
        return self.questions[self._cursor] if self._cursor else self._place.next

    @property
    def asked(self) -> tuple[str, ...]:
        """The questions that were put and answered, in order."""
        return self._place.asked

    @property
    def values(self) -> dict[str, Any]:
        """The facts stated so far: fixed ones and answers, `tools` among them."""
        return self._place.values

    @property
    def requirements(self) -> Requirements:
        """What is known, with defaults for the rest."""
        return self._requirements(self._place.values)

    def stated(self, question: Question) -> Answer:
        """The present answer to a question, or {}."""
        known = {**self.fixed, **self.answers.get(question.id, {})}
        return {name: known[name] for name in question.facts if name in known}

    def skipped(self) -> list[Skip]:
        """The questions skipped before the current question, with the reason for each."""
        return [self._skip(name, reason) for name, reason in self._place.skipped.items()]

    @property
    def everything(self) -> dict[str, Any]:
        """Fixed facts and all answers, also those that the replay does not reach: what an interrupt saves."""
        return {**self.fixed, **{name: value for answer in self.answers.values() for name, value in answer.items()}}

    def skipped_facts(self) -> list[str]:
        """The facts that the questions passed over ask for."""
        return [fact for name in self._place.skipped for fact in self.questions[name].facts]

    # --- moves ----------------------------------------------------------------------------------------------------

    def answer(self, answer: Answer) -> list[str]:
        """Answer the current question.

        Returns:
            When this was the last question: the answers that no longer matter and were dropped.
        """
        question = self.current
        if question is None:
            raise ValueError("there is no question to answer")
        if set(question.facts) & set(self.fixed) and question.id not in self.answers:
            self.fixed.update(answer)
        else:
            self.answers[question.id] = dict(answer)
        self._cursor = None
        self._settle_tools()
        self._place = self._replay()
        return self._drop() if self._place.next is None else []

    def back(self) -> bool:
        """Make the previous question current again; False at the first."""
        asked = self._place.asked
        position = asked.index(self._cursor) if self._cursor in asked else len(asked)
        if position == 0:
            return False
        self._cursor = asked[position - 1]
        return True

    def edit(self, question: str) -> None:
        """Make an answered question current again."""
        self._cursor = question

    def resume(self, fixed: Answer, answers: Mapping[str, Answer]) -> None:
        """Go on from the answers of an earlier run."""
        self.fixed, self.answers = dict(fixed), dict(answers)
        self._place = self._replay()
        if self._place.next is None:
            self._drop()

    def stay(self) -> None:
        """Leave the answer that was made current as it is."""
        self._cursor = None

    def start_over(self) -> None:
        """Forget the answers; what was fixed stays."""
        self.answers.clear()
        self._reasons.clear()
        self._cursor = None
        self._place = self._replay()

    def missing(self) -> list[str]:
        """Every question that must be put, or may have to be, before the outcome is certain."""
        values = self._place.values
        requirements = self._requirements(values)
        known = self._known(values, requirements)
        return [
            question.id for question in self.questions.values() if self._verdict(question, requirements, known) == "ask"
        ]

    # --- the replay -----------------------------------------------------------------------------------------------

    def _replay(self) -> _Place:
        asked: list[str] = []
        values = dict(self.fixed)
        while True:
            requirements = self._requirements(values)
            known = self._known(values, requirements)
            skipped: dict[str, Any] = {}
            following = None
            for question in self.questions.values():
                verdict = self._verdict(question, requirements, known)
                if verdict == "ask":
                    following = question
                    break
                if verdict != "stated" and question.id not in asked:
                    skipped[question.id] = verdict
            if following is None or following.id not in self.answers:
                return _Place(tuple(asked), following, skipped, values)
            asked.append(following.id)
            values.update(self.answers[following.id])

    def _verdict(self, question: Question, requirements: Requirements, known: set[str]) -> str:
        """`ask`, `stated`, or the reason to skip it."""
        open_facts = [name for name in question.facts if name not in known]
        if not open_facts:
            stated = set(question.facts) <= requirements.given or question.id == TOOLS
            return "stated" if stated else "inferred"
        if question.fact.ask == "always":
            return "ask"
        only = question.fact.only_when
        if only is not None and only.fact in known and requirements[only.fact] not in only.any_of:
            return "only-when"
        if any(self._relevance.matters(name, requirements, known) for name in open_facts):
            return "ask"
        return "irrelevant"

    def _known(self, values: Answer, requirements: Requirements) -> set[str]:
        known = {*requirements.given, *requirements.inferred}
        if TOOLS in values:
            known.add(TOOLS)
            if requirements.tools:
                # The needs are the union of the tools' needs when tools are listed.
                known.update(self.questions[NEEDS].facts)
        return known

    def _requirements(self, values: Answer) -> Requirements:
        tools: tuple[Tool, ...] = values.get(TOOLS, ())
        stated = {name: value for name, value in values.items() if name != TOOLS}
        return complete(stated, tools, self._advisor.space, "<answers>")

    def _settle_tools(self) -> None:
        """Forget tools that need what, by a newer answer, is not needed."""
        needs = {**self.fixed, **self.answers.get(NEEDS, {})}
        for place in (self.answers, self.fixed):
            held = place.get(TOOLS)
            tools: Sequence[Tool] = held[TOOLS] if isinstance(held, Mapping) else (held or ())
            if any(needs.get(f"{NEEDS}.{feature}") == "none" for tool in tools for feature in tool.needs):
                del place[TOOLS]

    def _drop(self) -> list[str]:
        stale = [name for name in self.answers if name not in self._place.asked]
        for name in stale:
            del self.answers[name]
        return stale

    # --- reasons --------------------------------------------------------------------------------------------------

    def _skip(self, name: str, reason: Reason) -> Skip:
        """The reason, worked out once for as long as the question stays skipped for it."""
        known = self._reasons.get(name)
        if known is None or known.reason != reason or any(self._place.values.get(n) != v for n, v in known.facts):
            known = self._reasons[name] = self._explain(self.questions[name], reason)
        return known

    def _explain(self, question: Question, reason: Reason) -> Skip:
        requirements, values = self.requirements, self._place.values
        if reason == "only-when" and question.fact.only_when is not None:
            only = question.fact.only_when.fact
            return Skip(question.id, reason, facts=((only, requirements[only]),))
        if reason == "inferred":
            return Skip(question.id, reason, text=requirements.inferred.get(question.facts[0], TOOLS))
        known = self._known(values, requirements)
        relevance = self._relevance
        rules = {rule.id: rule for name in question.facts for rule in relevance.rules(name, requirements, known)}
        if rules:
            return Skip(question.id, reason, rules=tuple(rules.values()))
        named = {n for fact in question.facts for n in relevance.facts(fact, requirements, known, values)}
        facts = tuple((name, values[name]) for name in values if name in named)
        return Skip(question.id, reason, relevance.possible(question.facts[0], requirements, known), facts)
