"""Finds the rules that were tried for a decision. A decision itself has only the rules that decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.decision.model import Decision
from advisor.decision.switches import trace_without_flags
from advisor.decision.trace import TableTrace, Trace
from advisor.decision.unsure import without_doubts

if TYPE_CHECKING:
    from advisor.decision.advisor import Advisor


def tried_rules(decision: Decision, advisor: Advisor) -> Trace:
    """Return every rule tried, by table. The flags and the warnings of tiers are decided in the tiers.

    A server without the two Python flags gets only the rules that apply to such a server.
    """
    trace = _of_tiers(decision, advisor) if decision.tiers else _of_deployment(decision, advisor)
    return trace if decision.kind == "python" else trace_without_flags(trace, decision)


def _of_deployment(decision: Decision, advisor: Advisor) -> Trace:
    facts = advisor.facts(without_doubts(decision.requirements, advisor.space))
    rules = advisor.warnings.rules(decision.facts)
    tried = [attempt._replace(fired=attempt.rule in rules) for attempt in advisor.findings.trace(decision.facts)]
    decisive = [TableTrace(name, "", table.trace(facts)) for name, table in advisor.tables.items()]
    return [*decisive, TableTrace(advisor.findings.spec.table, "", tried)]


def _of_tiers(decision: Decision, advisor: Advisor) -> Trace:
    certain = without_doubts(decision.requirements, advisor.space)
    facts, warnings = advisor.facts(certain), advisor.findings.spec.table
    first = list(advisor.tables)[: list(advisor.tables).index("session") + 1]
    found = [TableTrace(name, "", advisor.tables[name].trace(facts)) for name in first]
    settled = advisor.tiers(decision.requirements, decision.facts)
    for tier, doubted in zip(advisor.tiers(certain, facts), settled, strict=True):
        found += [TableTrace(name, tier.name, table.trace(tier.facts)) for name, table in advisor.tables.items()]
        found.append(TableTrace(warnings, tier.name, advisor.findings.trace(doubted.facts)))
    about = [attempt for attempt in advisor.findings.trace(decision.facts) if "pattern" in attempt.rule.when]
    return [*found, TableTrace(warnings, "", about)]
