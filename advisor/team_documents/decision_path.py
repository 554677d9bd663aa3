"""The steps of a decision as a tree: each step has the answer that was taken, and the answers that were not."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from functools import lru_cache
from typing import NamedTuple

from advisor.decision.model import Decision, PathStep
from advisor.knowledge import Knowledge
from advisor.report.step_wording import FactText, answer_text, fact_texts, rule_answer
from advisor.sentences import sentences


class PathNode(NamedTuple):
    """A step of the tree.

    Attributes:
        step: the step of the decision.
        answer: what its rule decides, in sentences.
        others: what the other rules of the table decide, each without the sentences of `answer`.
        facts: the facts that the step uses.
    """

    step: PathStep
    answer: str
    others: tuple[str, ...]
    facts: tuple[FactText, ...]


class DrawnStep(NamedTuple):
    """A step in a drawing of the tree, with the first sentence of each answer.

    Attributes:
        question: the question of the step.
        answer: the answer that was taken.
        others: boxes with the answers that were not taken. The last box can say how many more there are.
    """

    question: str
    answer: str
    others: tuple[tuple[str, ...], ...]


_DRAWN = 2
"""The boxes of a step for the answers that were not taken, on both sides of the answer that was taken."""


def path_nodes(decision: Decision) -> list[PathNode]:
    """Return the steps that reports show, in their order."""
    return [_node(step, decision) for step in decision.steps]


def drawn_steps(decision: Decision) -> list[DrawnStep]:
    """Return the steps of `path_nodes` for a drawing."""
    found = []
    for node in path_nodes(decision):
        firsts = list(dict.fromkeys(sentences(other)[0] for other in node.others))
        boxes: list[tuple[str, ...]] = [(text,) for text in firsts[:_DRAWN]]
        if len(firsts) > _DRAWN:
            more = decision.phrases["picture.path.more"].format(number=len(firsts) - _DRAWN)
            boxes[-1] = (*boxes[-1], more)
        found.append(DrawnStep(node.step.question, sentences(node.answer)[0], tuple(boxes)))
    return found


def _node(step: PathStep, decision: Decision) -> PathNode:
    answer = answer_text(step, decision)
    taken = set(sentences(answer))
    others: dict[str, None] = {}
    for found in _answers(step.table, decision.kind, decision.knowledge):
        others[" ".join(sentence for sentence in found if sentence not in taken)] = None
    others.pop("", None)
    return PathNode(step, answer, tuple(others), tuple(fact_texts(step, decision)))


@lru_cache(maxsize=128)  # The pages of a fleet share the answers.
def _answers(table: str, kind: str, knowledge: Knowledge) -> tuple[list[str], ...]:
    """Return what each rule of a table decides for a kind of server, in sentences."""
    return tuple(sentences(rule_answer(rule, kind, knowledge.phrases)) for rule in knowledge.tables[table].rules)
