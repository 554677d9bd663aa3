"""Asks the questions of an interview on a terminal and shows the review of the answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.questionnaire import review
from advisor.questionnaire.interview import NEEDS, Answer, Interview, Question
from advisor.questionnaire.question_forms import Dialogue, Form, Option, dialogue, written
from advisor.questionnaire.terminal import PressedKey, Terminal, say


class Interviewer:
    """Asks a user the questions of an interview."""

    def __init__(self, advisor: Advisor, terminal: Terminal, interview: Interview) -> None:
        """Prepare the interviewer. Nothing is printed yet."""
        self._advisor = advisor
        self._terminal = terminal
        self._interview = interview
        self._words = advisor.knowledge.phrases
        self._told: set[tuple[str, str]] = set()

    def run(self) -> None:
        """Ask questions until no open question matters and the user accepts the answers."""
        accepted = False
        while not accepted:
            self._ask_all()
            accepted = self._review()

    def tell(self) -> None:
        """Print the answers that are already known."""
        for name in self._interview.asked:
            question = self._interview.questions[name]
            say(f"{question.fact.question} {review.answer_line(self._interview.stated(question), self._words)}")
        self._tell_skipped()

    def choose(self, title: str, options: list[Option]) -> Any:
        """Ask the user for one of `options`. The first is the default.

        Returns:
            The value of the chosen option, or `PressedKey.BACK`.
        """
        return self._put(Form("select", title, options=tuple(options), default=options[0].value))

    def text(self, title: str) -> Any:
        """Ask the user for a line of text. Return None if the user goes back."""
        reply = self._put(Form("text", title))
        return None if reply is PressedKey.BACK else str(reply).strip()

    # --- questions ------------------------------------------------------------------------------------------------

    def _ask_all(self, *, editing: bool = False) -> None:
        while (question := self._interview.current) is not None:
            answer = self._ask(question)
            if answer is None and editing:
                self._interview.stay()
            elif answer is None:
                self._interview.back()
            else:
                dropped = self._interview.answer(answer)
                self._tell_dropped(dropped)
                self._tell_skipped()
            editing = False

    def _ask(self, question: Question) -> Answer | None:
        """Ask one question. Return the answer, or None to go back. Each step runs the dialogue again from the start."""
        entered: list[Any] = []
        leaning = self._words["ask.leaning"].format(leaning=review.leaning(self._advisor, self._interview))
        while True:
            form, answer = _advance(self._dialogue(question), entered)
            if form is None:
                return answer
            reply = self._put(replace(form, above=leaning if self._interview.values else ""))
            if reply is not PressedKey.BACK:
                entered.append(reply)
                say(f"{form.title} {self._shown(form, reply)}")
            elif entered:
                entered.pop()
            else:
                return None

    def _dialogue(self, question: Question) -> Dialogue:
        requirements = self._interview.requirements
        needs = {name: requirements[name] for name in self._interview.questions[NEEDS].facts}
        stated = {**needs, **self._interview.values, **self._interview.stated(question)}
        fixed = self._interview.fixed
        open_facts = [name for name in question.facts if name not in fixed] or list(question.facts)
        return dialogue(question, self._advisor.space, stated, open_facts)

    def _put(self, form: Form) -> Any:
        """Show a form until the user answers it. `?` prints the explanation and shows the form again."""
        while True:
            reply = self._terminal.ask(form)
            if reply is not PressedKey.HELP:
                return reply
            for line in (form.help, form.why and self._words["ask.why"].format(why=form.why)):
                if line:
                    say(line, "  ")

    def _shown(self, form: Form, reply: Any) -> str:
        titles = [option.title for option in form.options for value in _many(reply) if option.has(value)]
        return written(reply, self._words) if form.kind == "text" else ", ".join(titles) or self._words["ask.none"]

    # --- messages ---------------------------------------------------------------------------------------------------

    def _tell_skipped(self) -> None:
        new = [skip for skip in self._interview.skipped() if (skip.question, skip.reason) not in self._told]
        self._told.update((skip.question, skip.reason) for skip in new)
        for names, reason in review.skip_lines(new, self._words):
            say(self._words["ask.not-asked"].format(questions=names, reason=reason), "  ")

    def _tell_dropped(self, dropped: list[str]) -> None:
        if dropped:
            say(self._words["ask.dropped"].format(questions=", ".join(dropped)), "  ")

    # --- review -----------------------------------------------------------------------------------------------------

    def _review(self) -> bool:
        """Show all answers. Return whether the user accepts them."""
        say()
        for line in review.review(self._advisor, self._interview):
            say(line.lstrip(), "  " if line.startswith(" ") else "")
        say(self._words["ask.leaning"].format(leaning=review.leaning(self._advisor, self._interview)))
        say()
        chosen = self.choose(self._words["ask.review.what"], self._options("accept", "edit", "over"))
        if chosen == "edit":
            self._edit()
        elif chosen == "over":
            self._interview.start_over()
            self._told.clear()
        elif chosen is PressedKey.BACK:
            self._interview.back()
        return bool(chosen == "accept")

    def _options(self, *names: str) -> list[Option]:
        return [Option(n, self._words[f"ask.review.{n}"], self._words[f"ask.review.{n}.means"]) for n in names]

    def _edit(self) -> None:
        interview = self._interview
        known = [
            question
            for question in interview.questions.values()
            if question.id in interview.asked or set(question.facts) <= interview.fixed.keys()
        ]
        options = [
            Option(question.id, question.id, review.answer_line(interview.stated(question), self._words))
            for question in known
        ]
        chosen = self.choose(self._words["ask.review.which"], options)
        if chosen is not PressedKey.BACK:
            interview.edit(chosen)
            self._ask_all(editing=True)


def _advance(forms: Dialogue, entered: list[Any]) -> tuple[Form | None, Answer]:
    """Run a dialogue with the replies so far. Return the next form, or None and the complete answer."""
    try:
        form = next(forms)
        for reply in entered:
            form = forms.send(reply)
    except StopIteration as done:
        answer: Answer = done.value
        return None, answer
    return form, {}


def _many(reply: Any) -> list[Any]:
    return reply if isinstance(reply, list) else [reply]
