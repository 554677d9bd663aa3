"""The state of a questionnaire: the answers, the next question, and the skipped questions with the reasons. Pure.

The answers are the only state. A replay computes the next question from them. It goes through the questions in order
and uses the answer of each open question that can still change the recommendation. The first such question without an
answer is the next question. So after a changed answer, only the questions that the change affects are asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from advisor.decision.advisor import Advisor
from advisor.engine.rules import Rule
from advisor.knowledge.space import UNKNOWN
from advisor.questionnaire.path_answers import decided, in_hops, with_kind
from advisor.questionnaire.questions import BREAKS, NEEDS, TOOLS, Answer, Begun, Question, questions
from advisor.questionnaire.relevance import Relevance
from advisor.requirements.completion import complete
from advisor.requirements.model import Requirements, Tool

Reason: TypeAlias = Literal["irrelevant", "only-when", "inferred"]


@dataclass(frozen=True, slots=True)
class Skip:
    """A question that is not asked.

    Attributes:
        question: the id of the question.
        reason: `irrelevant` (no answer can change the recommendation), `only-when` (the condition of the question is
            false) or `inferred` (the value follows from other answers).
        rules: the rules that make the question irrelevant. If they have different results, one of them will apply.
        facts: the answers that make the question irrelevant, by id, if the rules alone do not explain it.
        text: the reason of an inferred value.
    """

    question: str
    reason: Reason
    rules: tuple[Rule, ...] = ()
    facts: tuple[tuple[str, Any], ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """The result of a replay: the answered questions, the next question, the skipped questions and the facts so far."""

    asked: tuple[str, ...]
    next: Question | None
    skipped: dict[str, Reason]
    values: dict[str, Any]


class Interview:
    """A run of the questionnaire.

    Attributes:
        questions: all questions by id, in order.
        fixed: facts from a file. They are not asked and never removed.
        answers: from the id of a question to its answer. Answers that the replay does not use stay here.
        changed: the ids of the questions whose fixed facts an answer replaced.
        begun: the question whose first prompts the user has answered, or None.
        recorded: called when an answer, or the reply to a prompt, was recorded.
    """

    def __init__(
        self,
        advisor: Advisor,
        relevance: Relevance,
        fixed: Answer | None = None,
        answers: Mapping[str, Answer] | None = None,
    ) -> None:
        """Start an interview, or resume one with `answers`."""
        self.recorded: Callable[[], object] = lambda: None
        self._advisor = advisor
        self._relevance = relevance
        self.questions = {question.id: question for question in questions(advisor)}
        self.fixed: dict[str, Any] = with_kind(fixed or {})
        self.answers: dict[str, Answer] = dict(answers or {})
        self.changed: set[str] = set()
        self.begun: Begun | None = None
        self._cursor: str | None = None
        self._reasons: dict[str, Skip] = {}
        self._place = self._replay()

    # --- current state ---------------------------------------------------------------------------------------------

    @property
    def current(self) -> Question | None:
        """The question to ask now; None if no open question can change the recommendation."""
        return self.questions[self._cursor] if self._cursor else self._place.next

    @property
    def revisits(self) -> bool:
        """Whether `edit` or `back` made the current question current."""
        return self._cursor is not None

    @property
    def asked(self) -> tuple[str, ...]:
        """The ids of the answered questions, in order."""
        return self._place.asked

    @property
    def values(self) -> dict[str, Any]:
        """The known facts: the fixed facts and the answers, with `tools`. Answers about the path are in its hops."""
        return in_hops(self._place.values)

    @property
    def requirements(self) -> Requirements:
        """The requirements from the known facts, with defaults for all other facts."""
        return self._requirements(self._place.values)

    def stated(self, question: Question) -> Answer:
        """Return the current answer to a question, or {}."""
        known = {**self.fixed, **self.answers.get(question.id, {})}
        return {name: known[name] for name in (*question.facts, *question.also) if name in known}

    @property
    def breaks(self) -> tuple[str, ...]:
        """The ids of the symptoms of the server in use."""
        return tuple(self._place.values.get(BREAKS, ()))

    @property
    def suggested(self) -> dict[str, Any]:
        """The values that the symptoms of the server in use suggest, as defaults of later questions."""
        symptoms = self._advisor.knowledge.symptoms
        found: dict[str, Any] = {}
        for name in self.breaks:
            found |= symptoms[name].suggests if name in symptoms else {}
        return found

    @property
    def has_needs(self) -> bool:
        """Whether the needs are known. Before that, a recommendation says little."""
        return NEEDS in self.asked or set(self.questions[NEEDS].facts) <= self._place.values.keys()

    @property
    def editable(self) -> list[Question]:
        """The questions with an answer, in order."""
        return [
            question
            for question in self.questions.values()
            if question.id in self.asked or self.fixed.keys() & set(question.facts)
        ]

    @property
    def skipped_count(self) -> int:
        """The number of skipped questions before the current question."""
        return len(self._place.skipped)

    def skipped(self) -> list[Skip]:
        """Return the skipped questions before the current question, each with the reason."""
        return [self._skip(name, reason) for name, reason in self._place.skipped.items()]

    @property
    def everything(self) -> dict[str, Any]:
        """Fixed facts and all answers, including unused answers. An interruption saves these facts."""
        return {**self.fixed, **{name: value for answer in self.answers.values() for name, value in answer.items()}}

    # --- moves ----------------------------------------------------------------------------------------------------

    def begin(self, replies: Sequence[Any]) -> None:
        """Record the replies to the first prompts of the current question."""
        begun = Begun(self.current.id, tuple(replies)) if self.current and replies else None
        if begun != self.begun:
            self.begun = begun
            self.recorded()

    def answer(self, answer: Answer) -> dict[str, Answer]:
        """Answer the current question.

        Returns:
            After the last question: the answers that no longer matter and were removed, by the ids of their questions.
        """
        question = self.current
        if question is None:
            raise ValueError("there is no question to answer")
        if lacking := set(question.facts) - answer.keys() - self.fixed.keys():
            raise ValueError(f"the answer to {question.id} has no {', '.join(lacking)}")
        if set(question.facts) & set(self.fixed) and question.id not in self.answers:
            self.fixed.update(answer)
            self.changed.add(question.id)
        else:
            self.answers[question.id] = dict(answer)
        self.begun = None
        self.recorded()  # before the work that follows, so that no interruption can lose the answer
        self._cursor = None
        self._settle_tools()
        self._place = self._replay()
        return self._drop() if self._place.next is None else {}

    def back(self) -> bool:
        """Make the previous question current again. Return False if there is no previous question."""
        asked = self._place.asked
        before = asked[: asked.index(self._cursor)] if self._cursor in asked else asked
        self._cursor = before[-1] if before else self._cursor
        return bool(before)

    def edit(self, question: str) -> None:
        """Make an answered question current again."""
        self._cursor = question

    def resume(self, fixed: Answer, answers: Mapping[str, Answer], begun: Begun | None = None) -> None:
        """Continue with the answers of an earlier run. `begun` is the question at which that run was interrupted."""
        self.fixed, self.answers, self.begun = with_kind(fixed), dict(answers), begun
        self._cursor = None
        self._place = self._replay()
        if self._place.next is None:
            self._drop()
        if begun and any(question.id == begun.question for question in self.editable):
            self.edit(begun.question)

    def revise(self, stated: Answer) -> None:
        """Continue with other values of the stated facts, for example after a remedy.

        The answers of this run and the revised values count as changed, so the review does not say that they are from
        the file.
        """
        before, given = self.everything, {*self.asked, *self.changed}
        self.resume(stated, {})
        self.changed = given
        self.note_changes(before)

    def note_changes(self, before: Answer) -> None:
        """Count the questions whose fixed facts differ from the facts `before` as changed."""
        held = with_kind(before)
        for question in self.questions.values():
            if any(held.get(name) != self.fixed.get(name) for name in question.facts):
                self.changed.add(question.id)

    def stay(self) -> None:
        """Keep the answer of the question that `edit` or `back` made current."""
        self._cursor = None

    def start_over(self) -> None:
        """Remove all answers. Fixed facts stay."""
        self.answers.clear()
        self._reasons.clear()
        self._cursor = None
        self._place = self._replay()

    def missing(self) -> list[str]:
        """Return the ids of all open questions whose answers can change the recommendation."""
        values = self._place.values
        requirements = self._requirements(values)
        known = self._known(values, requirements)
        return [
            question.id
            for question in self.questions.values()
            if question.fact.ask != "offered" and self._verdict(question, requirements, known, brief=True) == "ask"
        ]

    @property
    def is_open(self) -> bool:
        """Whether an open question can still change the pattern, the flags, the affinity or a replaced feature."""
        known = self._known(self._place.values, self.requirements)
        return any(
            self._relevance.matters(name, self.requirements, known)
            for question in self.questions.values()
            for name in question.facts
            if name not in known and question.fact.ask != "offered"
        )

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

    def _verdict(self, question: Question, requirements: Requirements, known: set[str], *, brief: bool = False) -> str:
        """Return `ask`, `stated`, or the reason to skip the question.

        Args:
            question: the question.
            requirements: the known facts, with defaults for all other facts.
            known: the ids of the known facts.
            brief: whether to skip questions that only change the warnings and the kit.
        """
        open_facts = [name for name in question.facts if name not in known]
        if not open_facts:
            stated = set(question.facts) <= requirements.given or question.id == TOOLS
            return "stated" if stated else "inferred"
        only = question.fact.only_when
        always = question.fact.ask == "always"
        if only is not None and (always or only.fact in known) and requirements[only.fact] not in only.any_of:
            return "only-when"
        if question.fact.ask in ("always", "offered"):
            return "ask"
        also = question.fact.asked_if
        if also is not None and not brief and also.fact in known and requirements[also.fact] in also.any_of:
            return "ask"
        if any(self._relevance.matters(name, requirements, known) for name in open_facts):
            return "ask"
        return "irrelevant"

    def _known(self, values: Answer, requirements: Requirements) -> set[str]:
        known = {*requirements.given, *values, *decided(requirements, self._advisor.knowledge.proxies)} - {BREAKS}
        for fact in self._advisor.space.facts.values():
            by = fact.settled_by
            if by and by.fact in known and requirements[by.fact] in by.any_of:
                known.add(fact.id)
        if TOOLS in values:
            known.add(TOOLS)
            if requirements.tools:
                # If the requirements list tools, the needs of the service follow from the needs of the tools.
                known.update(self.questions[NEEDS].facts)
        return known

    def _requirements(self, values: Answer) -> Requirements:
        tools: tuple[Tool, ...] = values.get(TOOLS, ())
        stated = {name: value for name, value in in_hops(values).items() if name not in (TOOLS, BREAKS)}
        return complete(stated, tools, self._advisor.space, "<answers>")

    def _settle_tools(self) -> None:
        """Remove the tools if a tool needs a feature that is not needed by a newer answer."""
        needs = {**self.fixed, **self.answers.get(NEEDS, {})}
        for place in (self.answers, self.fixed):
            held = place.get(TOOLS)
            tools: Sequence[Tool] = held[TOOLS] if isinstance(held, Mapping) else (held or ())
            if any(needs.get(f"{NEEDS}.{feature}") in ("none", UNKNOWN) for tool in tools for feature in tool.needs):
                del place[TOOLS]

    def _drop(self) -> dict[str, Answer]:
        return {name: self.answers.pop(name) for name in [*self.answers] if name not in self._place.asked}

    # --- reasons --------------------------------------------------------------------------------------------------

    def _skip(self, name: str, reason: Reason) -> Skip:
        """Return the skip with its explanation. The explanation is cached until the answers in it change."""
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
            settled = question.fact.settled_by
            if settled and question.facts[0] not in requirements.inferred:
                return Skip(question.id, reason, text=self._advisor.knowledge.phrases[settled.because])
            return Skip(question.id, reason, text=requirements.inferred.get(question.facts[0], TOOLS))
        known = self._known(values, requirements)
        relevance = self._relevance
        rules = {rule.id: rule for name in question.facts for rule in relevance.rules(name, requirements, known)}
        if rules:
            return Skip(question.id, reason, rules=tuple(rules.values()))
        named = {n for fact in question.facts for n in relevance.facts(fact, requirements, known, values)}
        facts = tuple(part for part in values.items() if part[0] in named)
        return Skip(question.id, reason, relevance.possible(question.facts[0], requirements, known), facts)
