"""Every question that a run asks stands in the review, with its answer, and can be edited. The review fits a screen."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.questionnaire.forms import LEVELS, Form
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.interviewer import Interviewer
from advisor.questionnaire.questions import BREAKS
from advisor.questionnaire.questions import TOOLS as TOOLS_ID
from advisor.questionnaire.relevance import Relevance
from advisor.requirements.completion import complete
from advisor.requirements.model import Tool

TEXTS = {
    "What is the service called?": ["svc", "orders"],
    "How many instances of the server run?": ["3", "2-5"],
    "Under which URL or host names do clients reach the server?": ["https://mcp.example.com/shop/mcp", ""],
}
TOOLS = "lookup, report: progress, suggest: sampling progress"


class User:
    """A terminal whose user answers at random, and accepts the review. It records each question with its answer.

    Attributes:
        leaves: whether the user takes the default if the answers so far are a contradiction.
    """

    back_key = "Esc"

    def __init__(self, advisor: Advisor, seed: int) -> None:
        self.words = advisor.knowledge.phrases
        self.stuck = self.words["ask.stuck"], self.words["ask.stuck.open"]
        self.leaves = False
        self.random = Random(seed)
        self.given: dict[str, str] = {}
        self.every: list[tuple[str, str]] = []
        self.review: list[str] = []

    def ask(self, form: Form) -> Any:
        if form.title == self.words["ask.review"]:
            self.review = [option.details for option in form.options]
            return "accept"
        reply = self.reply(form)
        if form.title not in self.stuck:
            self.given[form.title] = form.in_words(reply, self.words)
            self.every.append((form.title, self.given[form.title]))
        return reply

    def reply(self, form: Form) -> Any:
        values = [option.value for option in form.options]
        if form.kind == "select":
            if form.title in self.stuck:
                return form.default if self.leaves else "questions"
            if form.title.startswith("What is in front of that") and form.title in self.given:
                return "none"
            return self.random.choice([value for value in values if value != "another"])
        if form.kind == "checkbox":
            return self.random.sample(values, self.random.randint(0, 2))
        if form.kind == "levels":
            return {value: self.random.choice(LEVELS) for value in values}
        typed = self.random.choice(TEXTS.get(form.title, [""]))
        if "tools" in form.title and "sampling" in form.help:
            levels = self.given["Which features do the tools use?"]
            typed = (
                TOOLS
                if all(f"{name} {level}" in levels for name, level in NEEDED)
                else self.random.choice(["lookup", ""])
            )
        return form.read(typed)

    def forget_typed(self) -> None:
        """Nothing is typed."""


NEEDED = (("progress", "required"), ("sampling", "required"))


@pytest.mark.parametrize("seed", range(3))
def test_each_question_of_a_run_stands_in_the_review_with_its_answer(advisor: Advisor, seed: int) -> None:
    relevance = Relevance(advisor)
    for part in range(3):
        interview = Interview(advisor, relevance)
        user = User(advisor, 10 * seed + part)
        Interviewer(advisor, user, interview).run()
        lines = [" ".join(pair) for pair in user.every]
        assert [line for line in lines if not any(line in details for details in user.review)] == [], user.review
        assert len(user.given) > 8


class UserWithoutTools(User):
    """A user with a fleet and some needs, who lists no tools and takes the default at a contradiction."""

    def reply(self, form: Form) -> Any:
        if form.title == "How many instances of the server run?":
            return form.read("3")
        if form.kind == "levels":
            levels = ("none", "required", "preferred", "unknown")
            return {option.value: self.random.choice(levels) for option in form.options}
        return form.read("") if "tools" in form.title and form.kind == "text" else super().reply(form)


@pytest.mark.parametrize("seed", range(3))
def test_the_tools_are_asked_for_before_a_contradiction_that_tiers_resolve(advisor: Advisor, seed: int) -> None:
    relevance = Relevance(advisor)
    for part in range(8):
        interview = Interview(advisor, relevance)
        user = UserWithoutTools(advisor, 100 + 8 * seed + part)
        user.leaves = True
        Interviewer(advisor, user, interview).run()
        held = {name: value for name, value in interview.values.items() if name not in (TOOLS_ID, BREAKS)}
        levels = {
            name.removeprefix("needs."): value
            for name, value in interview.requirements.values.items()
            if name.startswith("needs.") and value in ("required", "preferred")
        }
        tools = (Tool("ask", levels), Tool("lookup", {}))
        divided, _ = advisor.verdict(complete(held, tools, advisor.space, "<answers>"))
        assert TOOLS_ID in interview.asked or divided == advisor.verdict(interview.requirements)[0]
