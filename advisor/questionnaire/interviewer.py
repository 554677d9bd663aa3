"""Asks the questions of an interview on a terminal and shows the review of the answers."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.questionnaire import review
from advisor.questionnaire.forms import Dialogue, Form, Option, told
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.question_forms import dialogue
from advisor.questionnaire.questions import NEEDS, Answer, Question
from advisor.questionnaire.terminal import PressedKey, Terminal, fitting, say

_HELP_LINES = 3


class Interviewer:
    """Asks a user the questions of an interview.

    Attributes:
        remedy: the values of the last remedy by the ids of their facts, None for a removed fact. {} without a remedy.
    """

    def __init__(self, advisor: Advisor, terminal: Terminal, interview: Interview) -> None:
        """Prepare the interviewer. Nothing is printed yet."""
        self._advisor = advisor
        self._terminal = terminal
        self._interview = interview
        self._words = advisor.knowledge.phrases
        self.remedy: Answer = {}
        self._stuck: Any = None  # how the user goes on with the contradiction so far, or None

    @property
    def back_key(self) -> str:
        """The name of the key that goes back."""
        return self._terminal.back_key

    def forget_typed(self) -> None:
        """Discard the keys that the user typed before the next question."""
        self._terminal.forget_typed()

    def run(self) -> None:
        """Ask questions until no open question matters and the user accepts the answers."""
        accepted = False
        while not accepted:
            self._ask_all()
            accepted = self._review()

    def tell(self) -> None:
        """Print the answers that are already known."""
        for name in self._interview.asked:
            for title, answer in self._answers(self._interview.questions[name]):
                say(f"{title} {answer}")

    def choose(self, title: str, options: list[Option], above: str = "") -> Any:
        """Ask the user for one of `options`. The first is the default. The line `above` is above the question.

        Returns:
            The value of the chosen option, or `PressedKey.BACK`.
        """
        return self._put(Form("select", title, options=tuple(options), default=options[0].value, above=above))

    def text(self, title: str, default: str = "") -> Any:
        """Ask the user for a line of text. Return None if the user goes back."""
        reply = self._put(Form("text", title, shown=default, read=lambda typed: typed.strip() or default))
        return None if reply is PressedKey.BACK else str(reply).strip()

    # --- questions ------------------------------------------------------------------------------------------------

    def _ask_all(self, *, editing: bool = False) -> None:
        while (question := self._interview.current) is not None:
            if not self._interview.revisits and self._goes_to_remedies():
                return
            question = self._interview.current or question
            answer = self._ask(question)
            if answer is None and editing:
                self._interview.stay()
            elif answer is None:
                self._interview.back()
            else:
                self._tell_dropped(self._interview.answer(answer))
                self._tell_undone()
            editing = False

    def _goes_to_remedies(self) -> bool:
        """Return whether the user leaves the open questions, because the answers so far are a contradiction.

        The user answers this question once for each contradiction.
        """
        answered = self._interview.answers.keys() <= set(self._interview.asked)  # else an edit opened a question
        if not (self._interview.has_needs and answered):
            return False
        leaning = review.leaning(self._advisor, self._interview)
        if leaning.feasible:
            self._stuck = None
        elif self._stuck is None:
            is_open = self._interview.is_open
            names = ("questions", "remedies") if is_open else ("remedies", "questions")
            options = [
                Option(name, self._words[f"ask.stuck.{name}"], self._words[f"ask.stuck.{name}.means"]) for name in names
            ]
            title = self._words["ask.stuck.open" if is_open else "ask.stuck"]
            chosen = self.choose(title, options, leaning.text)
            if chosen is PressedKey.BACK and self._interview.back():
                return False
            self._stuck = "questions" if chosen is PressedKey.BACK else chosen
        return bool(self._stuck == "remedies")

    def _ask(self, question: Question) -> Answer | None:
        """Ask a question. Return the answer, or None to go back. Each step runs the dialogue again from the start."""
        entered = self._resumed(question)
        replied: dict[str, Any] = {}  # by title; the user who goes back and forth gets these replies as defaults
        above = self._leaning() if self._interview.has_needs else ""
        while True:
            form, answer = _advance(self._dialogue(question), entered)
            if form is None:
                return answer
            self._interview.begin(entered)
            if form.offers(replied.get(form.title)):
                form = replace(form, default=replied[form.title])
            reply = self._put(replace(form, above=above))
            if reply is not PressedKey.BACK:
                entered.append(reply)
                replied[form.title] = reply
                say(f"{form.title} {form.in_words(reply, self._words)}")
                if note := form.note(reply):
                    say(note, "  ")
            elif entered:
                before = _advance(self._dialogue(question), entered[:-1])[0]
                replied |= {before.title: entered.pop()} if before else {}
            else:
                return None

    def _resumed(self, question: Question) -> list[Any]:
        """Print and return the replies of an interrupted run to the first prompts of a question."""
        begun, entered = self._interview.begun, list[Any]()
        if begun is None or begun.question != question.id:
            return entered
        forms = self._dialogue(question)
        with contextlib.suppress(StopIteration):
            form = next(forms)
            for reply in begun.replies:
                if not form.offers(reply):
                    break
                say(f"{form.title} {form.in_words(reply, self._words)}")
                entered.append(reply)
                form = forms.send(reply)
        return entered

    def _dialogue(self, question: Question, answer: Answer | None = None) -> Dialogue:
        """Return the dialogue of a question. Its defaults are those of `answer`, or else the current answer."""
        requirements = self._interview.requirements
        needs = {name: requirements[name] for name in self._interview.questions[NEEDS].facts}
        suggested = self._interview.suggested
        stated = {**needs, **suggested, **self._interview.values, **(answer or self._interview.stated(question))}
        return dialogue(question, self._advisor.space, stated)

    def _put(self, form: Form) -> Any:
        """Show a form until the user answers it. `?` prints the explanation and shows the form again."""
        while True:
            reply = self._terminal.ask(form)
            if reply is not PressedKey.HELP:
                return reply
            for line in (form.help, form.why and self._words["ask.why"].format(why=form.why)):
                if line:
                    say(fitting(line, _HELP_LINES, "  "), "  ")

    # --- messages ---------------------------------------------------------------------------------------------------

    def _tell_dropped(self, dropped: Answer) -> None:
        """Say which answers are removed, in the words of their questions."""
        if dropped:
            say(self._words["ask.dropped"].format(questions=""), "  ")
        for name, answer in dropped.items():
            forms = self._dialogue(self._interview.questions[name], answer)
            for each in told(forms, self._words):
                say(f"{each.title} {each.answer}", "    ")

    def _tell_undone(self) -> None:
        """Say that an answer undoes the last remedy: a fact of the remedy has another value or is removed."""
        held = self._interview.everything
        if any(held.get(name) != value for name, value in self.remedy.items()):
            say(self._words["ask.remedy.undone"], "  ")
            self.remedy = {}

    # --- review -----------------------------------------------------------------------------------------------------

    def _review(self) -> bool:
        """Show all answers, and let the user select an answer to edit. Return whether the user accepts them."""
        chosen: Any = "more"
        while chosen == "more":
            chosen = self._put(replace(self._review_form(), above=self._leaning()))
            if chosen == "more":
                for line in review.more(self._advisor, self._interview):
                    say(line.lstrip(), "  " if line.startswith(" ") else "")
        if chosen == "over":
            self._interview.start_over()
            self._stuck = None
        elif chosen == "open":
            self._stuck = "questions"
        elif chosen is PressedKey.BACK:
            self._interview.back()
        elif chosen != "accept":
            self._interview.edit(chosen)
            self._ask_all(editing=True)
        return bool(chosen == "accept")

    def _review_form(self) -> Form:
        words, interview = self._words, self._interview
        numbers = {"skipped": interview.skipped_count, "assumed": len(review.assumed(self._advisor, interview))}
        open_ = ("open",) if interview.current is not None else ()
        accept, *others = (
            Option(name, words[f"ask.review.{name}"], words[f"ask.review.{name}.means"].format(**numbers))
            for name in ("accept", *open_, "more", "over")
        )
        options = (accept, *map(self._answered, interview.editable), *others)
        return Form("select", words["ask.review"], options=options, default="accept", one_line=True)

    def _answered(self, question: Question) -> Option:
        """Return a line of the review: the first prompt of a question, with the answers to all its prompts."""
        prompts = told(self._dialogue(question), self._words)
        answers = [each.answer for place in ("first", "later") for each in prompts if each.place == place]
        whole = " ".join(f"{each.title} {each.answer}" for each in prompts)
        return Option(question.id, prompts[0].title, self._from_file(question, "; ".join(answers)), whole)

    def _answers(self, question: Question) -> list[tuple[str, str]]:
        """Return each question of a dialogue as it is put, with its answer."""
        lines = told(self._dialogue(question), self._words)
        return [(each.title, self._from_file(question, each.answer)) for each in lines]

    def _from_file(self, question: Question, line: str) -> str:
        """Return the words of an answer, with a note if the answer comes from the file and did not change."""
        given = question.id in self._interview.asked or question.id in self._interview.changed
        return line if given else self._words["ask.review.from-file"].format(answer=line)

    def _leaning(self) -> str:
        return review.leaning(self._advisor, self._interview).text


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
