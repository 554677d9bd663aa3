"""The questions of the questionnaire, in their order, and what their answers set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from advisor.decision.advisor import Advisor
from advisor.knowledge.facts import Fact
from advisor.requirements.hops import HOPS

Answer: TypeAlias = Mapping[str, Any]
"""From the id of a fact to its validated value. The fact `tools` has a tuple of tools.

An answer can also have `BREAKS`, which is no fact: the symptoms of a server in use, by their ids.
"""

NEEDS = "needs"
TOOLS = "tools"
CURRENT = "current.stateless_http"
BREAKS = "current#breaks"

_TOGETHER = {CURRENT: (CURRENT, "current.json_response")}
"""The facts that the question of a fact asks for together, apart from the needs."""

_ALSO = {
    CURRENT: (BREAKS,),
    "sdk": ("language",),
    "environment.hosts": ("environment.path",),
    "environment.proxy.kind": (HOPS,),
}
"""What an answer can also set, by the id of the question."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the questionnaire.

    Attributes:
        id: the id of the fact. The question `needs` asks for all features together.
        fact: the fact, which has the text of the question.
        facts: the ids of the facts that an answer sets.
        also: the ids of facts that an answer can also set.
    """

    id: str
    fact: Fact
    facts: tuple[str, ...]
    also: tuple[str, ...] = ()


class Begun(NamedTuple):
    """A question with several prompts, of which the user has answered only the first ones.

    Attributes:
        question: the id of the question.
        replies: the reply to each answered prompt: strings and booleans.
    """

    question: str
    replies: tuple[Any, ...]


def questions(advisor: Advisor) -> list[Question]:
    """Return all questions in the order of `ask.order` in rules/questionnaire.yaml."""
    facts = advisor.knowledge.facts
    first = [name for name in advisor.knowledge.phrases["ask.order"].split() if name in facts]
    order = dict.fromkeys([*first, *facts])
    features = tuple(name for name in advisor.space.facts if name.startswith(f"{NEEDS}."))
    return [
        Question(name, facts[name], features if name == NEEDS else _TOGETHER.get(name, (name,)), _ALSO.get(name, ()))
        for name in order
        if facts[name].ask != "never"
    ]
