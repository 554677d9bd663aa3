"""The warnings of a decision: rules of the table of findings, with the numbers of the requirements filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from advisor.decision.capacity import room_figures
from advisor.decision.facts import contradicted_facts, limit, missing_features
from advisor.decision.tiers import TierRequirements
from advisor.engine.rules import Rule
from advisor.engine.table import DecisionTable, show
from advisor.findings import SEVERITIES, Finding, Fix, Severity
from advisor.knowledge.space import FactSpace
from advisor.requirements.model import Requirements

_PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")


class Warnings:
    """Writes the warnings of decisions by a table of findings."""

    def __init__(self, table: DecisionTable, space: FactSpace) -> None:
        """`table` is compiled over the facts of `space`."""
        self._table = table
        self._space = space
        self._unfilled = {rule.id: _finding(rule) for rule in table.spec.rules}

    def of(
        self, requirements: Requirements, facts: Mapping[str, Any], tiers: Sequence[TierRequirements] = ()
    ) -> tuple[Finding, ...]:
        """Every warning, most severe first.

        Args:
            requirements: of the whole deployment.
            facts: of the whole deployment.
            tiers: its tiers, where it has some. A tier has flags and needs of its own, and so its own warnings.
        """
        found = (
            self._of_tiers(requirements, facts, tiers)
            if tiers
            else (self._warning(rule, requirements) for rule in self._table.evaluate(facts).rules)
        )
        return tuple(sorted(found, key=lambda warning: SEVERITIES.index(warning.severity)))

    def _of_tiers(
        self, requirements: Requirements, facts: Mapping[str, Any], tiers: Sequence[TierRequirements]
    ) -> Iterator[Finding]:
        """The warnings about the whole deployment, and the warnings about a single tier."""
        fired = {tier.name: self._table.evaluate(tier.facts).rules for tier in tiers}
        whole = self._table.evaluate(facts).rules
        phrase = self._space.knowledge.phrases["tier.warning"]
        for rule in self._table.spec.rules:
            warned = [tier for tier in tiers if rule in fired[tier.name]]
            if len(warned) == len(tiers) or (rule in whole and "pattern" in rule.when):
                yield self._warning(rule, requirements)
            elif warned:
                finding = self._warning(rule, warned[0].requirements)
                yield finding._replace(message=phrase.format(tier=warned[0].name, message=finding.message))

    def _warning(self, rule: Rule, requirements: Requirements) -> Finding:
        finding = self._unfilled[rule.id]
        if "{" not in finding.message:
            return finding
        message = _PLACEHOLDER.sub(lambda match: self._value(match[1], requirements), finding.message)
        return finding._replace(message=message)

    def _value(self, name: str, requirements: Requirements) -> str:
        """What stands for a placeholder of a message: a value of the requirements, or what is computed from them."""
        if name == "clients.missing":
            return "; ".join(missing_features(requirements, self._space))
        if name == "clients.contradicted":
            return "; ".join(contradicted_facts(requirements, self._space))
        if name.startswith("sessions."):
            return room_figures(requirements, self._space)[name]
        for derived in self._space.knowledge.derived:
            if derived.compare is not None and derived.compare["limit"] == name:
                value = limit(requirements, self._space, derived.compare)
                return f"{value:g}" if value is not None else "?"
        return _in_words(requirements[name])


def _finding(rule: Rule) -> Finding:
    """The warning of a rule, with the placeholders of its message."""
    severity, fix = cast("Severity", rule.then["severity"]), Fix(rule.fix)
    return Finding(rule.id, rule.because, severity, title=rule.title, fix=fix, sources=tuple(rule.sources))


def _in_words(value: Any) -> str:
    """A raw value as sentences have it."""
    if isinstance(value, Mapping):
        return f"{value['min']:,} to {value['max']:,}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else show(value)
