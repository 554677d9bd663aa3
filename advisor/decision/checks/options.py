"""Checks rules/options.yaml: criteria, estimates for every option, and a sentence for every barrier."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import get_args

from advisor.decision.advisor import Advisor
from advisor.decision.checks.fault import fault
from advisor.decision.options import barrier_words, estimate_tables
from advisor.decision.ranking import CRITERIA
from advisor.engine.rules import Value
from advisor.engine.table import admitted, show
from advisor.errors import KnowledgeError
from advisor.findings import Finding
from advisor.knowledge import Knowledge
from advisor.knowledge.options import EstimateSubject
from advisor.knowledge.space import FactSpace


def option_faults(advisor: Advisor) -> Iterator[Finding]:
    """Yield all faults."""
    knowledge = advisor.knowledge
    for name in sorted(CRITERIA.keys() ^ knowledge.order.keys()):
        yield fault("data", f"order: {name}", "rules/options.yaml and the program do not have the same criteria")
    yield from _estimates(knowledge, advisor.space)
    yield from _barriers(knowledge, advisor.space)


def _estimates(knowledge: Knowledge, space: FactSpace) -> Iterator[Finding]:
    """Yield faults: options without an estimate, and estimates that never decide."""
    try:
        tables = estimate_tables(knowledge, space)
    except KnowledgeError as error:
        yield fault("data", "estimates", str(error))
        return
    for about in get_args(EstimateSubject):
        rules = tables[about].spec.rules if about in tables else []
        general = [rule.id for rule in rules if not rule.when]
        if not general or general[0] != rules[-1].id:
            message = "only the last estimate of a subject has no conditions"
            yield fault("gap" if not general else "dead", f"estimate: {general[0] if general else about}", message)


def _barriers(knowledge: Knowledge, space: FactSpace) -> Iterator[Finding]:
    """Yield faults: facts that forbid an option, without a sentence."""
    seen: set[tuple[str, Value]] = set()
    for name, condition in chain.from_iterable(entry.when.items() for entry in knowledge.configurations.values()):
        domain = space.domains[name]
        for value in domain:
            if value in admitted(condition, domain, name) or (name, value) in seen:
                continue
            seen.add((name, value))
            try:
                barrier_words(name, value, knowledge.phrases)
            except KeyError:
                yield fault("data", f"{name} is {show(value)}", "rules/wording.yaml has no sentence option.barrier")
