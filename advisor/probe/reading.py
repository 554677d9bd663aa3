"""How the checks read answers, from rules/probe.yaml."""

from __future__ import annotations

import re

from advisor.endpoint.client import Exchange
from advisor.endpoint.examination import AnswerReading
from advisor.knowledge import Knowledge

_LONGEST = 20_000  # characters of an answer that patterns look at


def answer_reading(knowledge: Knowledge) -> AnswerReading:
    """Return how to read answers."""
    forms = [(form.id, re.compile(form.pattern), form.names_instance) for form in knowledge.session_forms.values()]
    lost = [(answer.status, re.compile(answer.pattern)) for answer in knowledge.lost_answers.values()]

    def session_form(session: str) -> tuple[str, bool]:
        return next(((name, names) for name, pattern, names in forms if pattern.fullmatch(session)), ("other", False))

    def is_lost(exchange: Exchange) -> bool:
        text = exchange.answer.text[:_LONGEST] if exchange.answer else ""
        return any(exchange.status == status and pattern.search(text) for status, pattern in lost)

    signs = [(sign.id, sign.pattern) for sign in knowledge.endpoint_signs.values()]
    return AnswerReading(is_lost, session_form, signs)
