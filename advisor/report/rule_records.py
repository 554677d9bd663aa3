"""The rule catalogue: rules, tables, facts, features and sources by id, and the proof of the rules, as plain records.

A record is what `--format json` prints; `sheets` puts it into words for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from math import log10
from typing import TYPE_CHECKING, Any, TypeAlias

from advisor.decision.advisor import Advisor
from advisor.engine.rules import Rule, RuleTable
from advisor.engine.table import DecisionTable, phrase
from advisor.errors import UsageError
from advisor.knowledge import Knowledge
from advisor.knowledge.facts import Fact
from advisor.requirements.schema import meanings
from advisor.requirements.text import nearest

if TYPE_CHECKING:
    from advisor.decision.checks.proof import Report

Record: TypeAlias = dict[str, Any]
LIST = "mcp-advisor/rules/1"
ENTRY = "mcp-advisor/knowledge/1"
PROOF = "mcp-advisor/proof/1"

_HELP = "`mcp-advisor rules list` shows the rules."

_OPERATORS = {
    "is": "is",
    "not": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "at_least": "is at least",
    "at_most": "is at most",
}


def words(condition: Any) -> str:
    """A condition as the end of a sentence: `is many`, `is one of legacy, mixed`."""
    operator = next(iter(condition)) if isinstance(condition, dict) else "is"
    operand = phrase(condition).removeprefix(operator.replace("_", " ")).strip()
    return f"{_OPERATORS[operator]} {operand}"


def listing(knowledge: Knowledge, table: str | None) -> Record:
    """Every rule, or those of one table.

    Raises:
        UsageError: there is no such table.
    """
    if table is not None and table not in knowledge.tables:
        raise UsageError(unknown("table", table, knowledge.tables, f"Tables: {', '.join(knowledge.tables)}."))
    tables = [one for name, one in knowledge.tables.items() if table in (None, name)]
    rules = [{"id": rule.id, "table": one.table, "title": rule.title} for one in tables for rule in one.rules]
    return {"schema": LIST, "tables": [_head(one) for one in tables], "rules": rules}


class Catalogue:
    """Everything that `rules show` can be asked for."""

    def __init__(self, advisor: Advisor) -> None:
        """Look things up in the knowledge of `advisor`."""
        self._knowledge = advisor.knowledge
        self._space = advisor.space
        self._compiled = {**advisor.tables, advisor.findings.spec.table: advisor.findings}
        self._compiled[advisor.cells.delivery.spec.table] = advisor.cells.delivery

    def find(self, name: str) -> Record:
        """The record of the rule, table, fact, feature or source with this id, whatever its case.

        Raises:
            UsageError: there is none; the message has the nearest spelling.
        """
        known = {entry.lower(): (kind, entry) for kind, ids in self.ids().items() for entry in reversed(ids)}
        if name.lower() not in known:
            ids = [entry for _, entry in known.values()]
            raise UsageError(unknown("rule, table, fact, feature or source", name, ids, _HELP))
        kind, entry = known[name.lower()]
        record: Record = getattr(self, f"_{kind}")(entry)
        return {"schema": ENTRY, "kind": kind, "id": entry, **record}

    def ids(self) -> dict[str, list[str]]:
        """The ids of each kind; no id is of two kinds."""
        knowledge = self._knowledge
        return {
            "rule": list(knowledge.rules),
            "table": list(knowledge.tables),
            "fact": list(self._space.facts),
            "derived": [one.id for one in knowledge.derived],
            "feature": list(knowledge.features),
            "source": list(knowledge.sources),
        }

    def _rule(self, name: str) -> Record:
        table, rule = self._knowledge.rules[name]
        position = table.rules.index(rule)
        return {
            "title": rule.title,
            "table": {**_head(table), "position": position + 1, "rules": len(table.rules)},
            "when": _conditions(rule),
            "then": rule.then,
            "because": rule.because,
            "fix": rule.fix or None,
            "preempted_by": [
                {"id": one.id, "title": one.title, "when": _conditions(one)} for one in self.preempting(table, position)
            ],
            "sources": self._sources(rule.sources),
            "examples": rule.examples,
        }

    def preempting(self, table: RuleTable, position: int) -> list[Rule]:
        """The earlier rules of a `first` table that can hold for facts for which this rule holds too."""
        if table.hit_policy != "first":
            return []
        compiled: DecisionTable = self._compiled[table.table]
        return [
            rule
            for earlier, rule in enumerate(table.rules[:position])
            if all(any(mask >> earlier & mask >> position & 1 for mask in of.values()) for of in compiled.masks)
        ]

    def _table(self, name: str) -> Record:
        table = self._knowledge.tables[name]
        rules = [{"id": one.id, "title": one.title, "when": _conditions(one), "then": one.then} for one in table.rules]
        return {**_head(table), "inputs": table.inputs, "outputs": table.outputs, "rules": rules}

    def _fact(self, name: str) -> Record:
        fact = self._space.facts[name]
        return {
            "title": fact.question,
            "type": fact.type,
            "default": fact.default,
            "required": fact.required,
            "why": fact.why,
            "help": fact.help,
            "values": meanings(fact, self._space),
            "bins": [one.bin for one in fact.bins],
            "change": {"effort": fact.change.effort, "how": how_to_change(fact)} if fact.change else None,
            "read_by": self.readers(name),
        }

    def _derived(self, name: str) -> Record:
        derived = next(one for one in self._knowledge.derived if one.id == name)
        values = list(self._space.domains[name])
        return {"title": derived.means, "values": values, "read_by": self.readers(name)}

    def readers(self, fact: str) -> list[str]:
        """The rules with a condition on a fact, in order."""
        return [rule.id for _, rule in self._knowledge.rules.values() if fact in rule.when]

    def _feature(self, name: str) -> Record:
        feature = self._knowledge.features[name]
        return {
            "title": feature.title,
            "question": feature.question or None,
            "why": feature.why or None,
            "help": feature.help or None,
            "calls": [asdict(call) for call in feature.calls],
            "instead": [asdict(one) for one in feature.instead],
            "documented": [{**asdict(one), "sources": self._sources(one.sources)} for one in feature.documented],
        }

    def _source(self, name: str) -> Record:
        source = self._knowledge.sources[name]
        cited = [rule.id for _, rule in self._knowledge.rules.values() if name in rule.sources]
        return {
            "title": source.title,
            "type": source.kind,
            "ref": source.ref,
            "date": source.date,
            "says": source.says,
            "cited_by": cited,
        }

    def _sources(self, ids: Sequence[str]) -> list[Record]:
        # `rules check` reports a source that does not exist; showing the rule must still work.
        return [asdict(self._knowledge.sources[one]) for one in ids if one in self._knowledge.sources]


def how_to_change(fact: Fact) -> str:
    """What it takes to change a fact, whatever its new value would be."""
    feature = fact.id.removeprefix("needs.")
    how = fact.change.how if fact.change else ""
    return how.replace("{value}", "…").replace("{feature}", feature).replace("{instead}", "").replace("….", "…").strip()


def proof_record(report: Report) -> Record:
    """What `rules check` found; an example's values are those of the rules, not of the requirements file."""
    return {
        "schema": PROOF,
        "ok": not report.faults,
        "combinations": report.combinations,
        "power_of_ten": round(log10(report.combinations), 2) if report.combinations else None,
        "facts": report.facts,
        "classes": report.classes,
        "peak": report.peak,
        "rules": report.rules,
        "seconds": round(report.seconds, 2),
        "faults": [
            {"kind": fault.id, "where": fault.key, "message": fault.message, "example": dict(fault.example)}
            for fault in report.faults
        ],
    }


def _head(table: RuleTable) -> Record:
    return {"id": table.table, "title": table.title, "question": table.question, "hit_policy": table.hit_policy}


def _conditions(rule: Rule) -> list[Record]:
    return [{"fact": name, "condition": one, "words": words(one)} for name, one in rule.when.items()]


def unknown(what: str, name: str, known: Iterable[str], allowed: str) -> str:
    """The message for a name that is not known: its nearest spelling, and what is allowed."""
    return " ".join(part for part in (f"There is no {what} {name!r:.80}.", nearest(name, known), allowed) if part)
