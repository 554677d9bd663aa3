"""Checks the mechanisms for session affinity: the facts with which they work, and the settings of their proxies."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.decision.advisor import Advisor
from advisor.decision.checks.fault import fault
from advisor.decision.checks.value_classes import ValueClasses
from advisor.engine.fold import fold
from advisor.engine.network import NodeStep, Row, TableNode
from advisor.engine.rules import Rule, RuleTable
from advisor.engine.table import DecisionTable, admitted
from advisor.findings import Finding
from advisor.knowledge.kits import BALANCER

_OUTPUT = "affinity.candidate"
_KIND = "environment.proxy.kind"
_WORKING, _CHOSEN = "mechanisms#rules", "mechanisms#chosen"


def _lowest(row: Row) -> Row:
    """Return the index of the first rule of a mask."""
    return ((row[0] & -row[0]).bit_length() - 1,)


def mechanism_faults(advisor: Advisor) -> Iterator[Finding]:
    """Yield faults: rules that select a mechanism that does not work with their facts, or that no setting turns on."""
    table = next(table for table in advisor.tables.values() if _OUTPUT in table.outputs)
    yield from _without_setting(advisor, table)
    working = _working_table(advisor, table)
    nodes = [TableNode(table), TableNode(working)]
    alike = ValueClasses(nodes, {name: advisor.space.domains[name] for name in table.inputs}, table.outputs)
    steps = [node.start() for node in nodes]
    for name in table.inputs:
        steps += [node.narrow(name, node.inputs) for node in nodes if name in node.inputs]
    steps.append(NodeStep((nodes[0].mask,), (_CHOSEN,), _lowest))
    known = dict.fromkeys((rule.alias for rule in working.spec.rules), 0)
    for index, rule in enumerate(working.spec.rules):
        known[rule.alias] |= 1 << index
    for (chosen, mask), found in fold(steps, alike.domains, (_CHOSEN, _WORKING)).classes.items():
        rule = table.spec.rules[chosen]
        mechanism = str(rule.then[_OUTPUT])
        if mechanism in known and not mask & known[mechanism]:
            message = f"this rule selects {mechanism} for facts with which the mechanism does not work"
            yield fault("mechanism", rule.id, message, found.example())


def _without_setting(advisor: Advisor, affinity: DecisionTable) -> Iterator[Finding]:
    """Yield faults: rules that select a mechanism of a load balancer for which rules/proxies.yaml has no setting."""
    for rule in affinity.spec.rules:
        mechanism = advisor.knowledge.mechanisms.get(str(rule.then[_OUTPUT]))
        if mechanism is None or mechanism.done_by != BALANCER:
            continue
        domain = advisor.space.domains[_KIND]
        for kind in sorted(map(str, admitted(rule.when[_KIND], domain, rule.id) if _KIND in rule.when else domain)):
            if mechanism.keyed_on not in advisor.knowledge.proxies[kind].affinity_settings:
                message = (
                    f"this rule selects {mechanism.id}, but {kind} has no affinity_settings for {mechanism.keyed_on}"
                )
                yield fault("mechanism", rule.id, message)


def _working_table(advisor: Advisor, affinity: DecisionTable) -> DecisionTable:
    """Return rules/mechanisms.yaml as a table, with the conditions on facts that the table `affinity` reads."""
    rules: list[Rule] = []
    for entry in advisor.knowledge.mechanisms.values():
        for stated in entry.when:
            when = {name: condition for name, condition in stated.items() if name in affinity.inputs}
            rules.append(Rule(f"{entry.id} {len(rules)}", entry.id, "", when, {"mechanism": "works"}, "", [], {}))
    inputs = dict.fromkeys(name for rule in rules for name in rule.when)
    spec = RuleTable("mechanisms", "", "", "collect", [*inputs], {"mechanism": ["works"]}, rules)
    return DecisionTable(spec, advisor.space.domains)
