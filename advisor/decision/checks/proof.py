"""The proof of the rules for all combinations of facts: `mcp-advisor rules check`.

The proof covers every combination of facts, not a sample. It shows that:

1. Each deciding table has exactly one outcome: every combination has a rule, and the rules of a `unique` table never
   overlap.
2. Every rule decides at least one combination. A rule is dead if its conditions are never true together. A rule is
   shadowed if earlier rules decide all of its combinations.
3. A feasible decision keeps every required feature and plain calls, for the eras that the requirements name. It is a
   possible configuration, and its mechanism for session affinity works with these facts. Each tier is feasible.
4. A contradiction is true: no possible configuration keeps every required feature.
5. A stronger need never makes a contradiction feasible. A preferred need, one more tool or one more capability never
   makes a feasible decision a contradiction. A capability never makes a tool lose a feature that the tool prefers.
6. Every example is correct, every source exists, a rule uses every fact, and cells of the capability data do not
   contradict each other.

The facts apart from needs and tools are folded into situations (`situations`). The needs have few levels (`needs`), and
the lists of tools have few divisions (`division`). The proof decides each situation with each level and division.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, Literal

from advisor.decision.advisor import Advisor
from advisor.decision.checks.comparisons import capability_faults, tier_faults
from advisor.decision.checks.conduct import conduct
from advisor.decision.checks.consistency import contradictions, reasons, sources, unread
from advisor.decision.checks.decisions import decision_faults
from advisor.decision.checks.diagnoses import diagnoses
from advisor.decision.checks.failures import failures
from advisor.decision.checks.fault import fault
from advisor.decision.checks.lookups import lookups
from advisor.decision.checks.mechanisms import mechanism_faults
from advisor.decision.checks.options import option_faults
from advisor.decision.checks.situations import Model
from advisor.decision.checks.value_classes import ValueClasses
from advisor.decision.derived_facts import TOOL_NEEDS
from advisor.engine.fold import fold
from advisor.engine.network import NodeStep, Row, TableNode
from advisor.engine.rules import Rule, RuleTable, Value
from advisor.engine.table import DecisionTable, show
from advisor.errors import InputError, KnowledgeError
from advisor.findings import Finding
from advisor.requirements.model import Requirements
from advisor.requirements.reader import SourceDocument
from advisor.requirements.validate import validate


@dataclass(slots=True)
class Report:
    """The result of the proof, and the size of the fact space.

    Attributes:
        faults: the faults; empty if the proof succeeds.
        combinations: the number of combinations of facts.
        classes: the number of classes at the end. The rules treat all combinations of a class alike.
        peak: the largest number of classes at any time.
        rules: the number of rules in the deciding tables.
        facts: the number of facts that the deciding tables use.
        seconds: the duration in seconds.
    """

    faults: list[Finding]
    combinations: int = 0
    classes: int = 0
    peak: int = 0
    rules: int = 0
    facts: int = 0
    seconds: float = 0.0


def check(advisor: Advisor) -> Report:
    """Return the result of the proof of the rules of `advisor`."""
    started = time.perf_counter()
    report = Report([])
    collecting = gc.isenabled()
    gc.disable()  # A fold makes millions of tuples and no cycles. Garbage collection would take half of the time.
    try:
        report.faults = list(faults(advisor, report))
    finally:
        if collecting:
            gc.enable()
    report.rules = sum(len(table.spec.rules) for table in advisor.tables.values())
    report.seconds = time.perf_counter() - started
    return report


def faults(advisor: Advisor, report: Report) -> Iterator[Finding]:
    """Yield the faults of the rules of `advisor`, and write the size of the fact space into `report`.

    The checks that take less time run first, so the first fault can arrive long before the last.
    """
    for findings in _stages(advisor, report):
        complete = True
        for finding in findings:
            yield finding
            complete = complete and finding.id not in ("gap", "overlap")
        if not complete:
            return  # After a gap, later tables have no input.


def _stages(advisor: Advisor, report: Report) -> Iterator[Iterable[Finding]]:
    """Yield the faults that each check finds."""
    knowledge = advisor.knowledge
    yield sources(knowledge)
    yield unread(advisor)
    yield reasons(knowledge)
    yield contradictions(knowledge)
    yield failures(knowledge)
    yield conduct(knowledge)
    yield list(diagnoses(knowledge))
    yield lookups(advisor)
    yield option_faults(advisor)
    yield _gaps(advisor)
    decided: set[str] = set()
    yield _examples(advisor, decided)
    yield mechanism_faults(advisor)
    model = Model(advisor)
    yield _space(model, report)
    yield tier_faults(model)
    yield capability_faults(model)
    yield _unreached(advisor, decided)


def _gaps(advisor: Advisor) -> list[Finding]:
    """Return faults: inputs of a table for which no rule applies, or several rules of a `unique` table.

    The inputs include combinations that no requirements can reach.
    """
    faults = []
    for table in (*advisor.tables.values(), advisor.cells.delivery):
        policy = table.spec.hit_policy
        if policy == "first" and any(not rule.when for rule in table.spec.rules):
            continue  # This rule applies to all facts.
        classes = _fold_table(table, brief=policy == "first")
        for mask, example in classes.items():
            if mask == 0:
                faults.append(fault("gap", table.spec.table, "no rule applies to these facts", example))
            elif policy == "unique" and mask & (mask - 1):
                ids = ", ".join(rule.id for i, rule in enumerate(table.spec.rules) if mask >> i & 1)
                faults.append(fault("overlap", table.spec.table, f"the rules {ids} apply to the same facts", example))
    return faults


def _fold_table(table: DecisionTable, *, brief: bool = False) -> dict[int, dict[str, Value]]:
    """Return every set of rules that can apply together, as a bit mask, with an example of inputs.

    Args:
        table: the table.
        brief: whether the sets leave out rules that cannot decide.
    """
    node = TableNode(table)
    if brief:
        narrow = [node.narrow(name, table.inputs[index + 1 :]) for index, name in enumerate(table.inputs)]
    else:
        narrow = [
            NodeStep((node.mask, name), (node.mask,), _narrowing(masks))
            for name, masks in zip(table.inputs, table.masks, strict=True)
        ]
    folded = fold([node.start(), *narrow], ValueClasses([node], table.domains, ()).domains, (node.mask,))
    return {row[0]: folded_class.example() for row, folded_class in folded.classes.items()}


def _narrowing(masks: Mapping[Value, int]) -> Callable[[Row], Row]:
    return lambda row: (row[0] & masks[row[1]],)


def _space(model: Model, report: Report) -> Iterator[Finding]:
    """Yield faults of decisions for the complete fact space."""
    advisor = model.advisor
    read = _base_facts(advisor.network.steps(_PROVED))
    domains = base_domains(advisor)
    report.facts = len(read)
    report.combinations = prod(len(domains[name]) for name in read)
    whole = model.situations()
    report.peak, report.classes = whole.peak, len(whole.classes)
    for error, facts in whole.failures:
        yield fault("gap", str(error), "the tables contradict each other", facts)
    total = sum(found.count for found in whole.classes.values())
    expected = prod(len(model.alike.domains[name]) for name in _base_facts(model.steps()) - model.left)
    if not whole.failures and total != expected:
        yield fault("gap", "", f"only {total} of {expected} combinations have a decision")
    yield from decision_faults(model, whole)


def _base_facts(steps: Sequence[NodeStep]) -> set[str]:
    """Return the facts that steps read but do not write."""
    return {name for step in steps for name in step.reads} - {name for step in steps for name in step.writes}


_PROVED = ("pattern", "stateless_http", "json_response", "owner", "substitute")


def _unreached(advisor: Advisor, decided: set[str]) -> list[Finding]:
    """Return faults: rules that decide no combination. An example shows that a rule in `decided` decides one."""
    rules = {rule.id for table in advisor.tables.values() for rule in table.spec.rules}
    if rules <= decided:
        return []
    watched = _Watch(advisor)
    steps = watched.steps(advisor.network.steps(_PROVED, every_rule=True))
    fold(steps, base_domains(advisor), ("pattern",), stop_on=KnowledgeError)
    return watched.faults()


class _Watch:
    """Records which rules decide a combination during the fold."""

    def __init__(self, advisor: Advisor) -> None:
        self._advisor = advisor
        self._fired: set[str] = set()

    def steps(self, steps: list[NodeStep]) -> list[NodeStep]:
        """Return the steps with recording. The last step of each table has the mask of the rules that still apply."""
        tables = {f"{table.spec.table}#rules": table.spec for table in self._advisor.tables.values()}
        watched = []
        for step in steps:
            if len(step.reads) == 1 and step.reads[0] in tables:
                watched.append(NodeStep(step.reads, step.writes, self._watching(tables[step.reads[0]], step.run)))
            else:
                watched.append(step)
        return watched

    def _watching(self, spec: RuleTable, run: Any) -> Any:
        def watching(row: Row) -> Row:
            mask = row[0]
            if mask:
                self._fired.add(spec.rules[(mask & -mask).bit_length() - 1].id)
            result: Row = run(row)
            return result

        return watching

    def faults(self) -> list[Finding]:
        """Return faults: rules of deciding tables that decide no combination, dead or shadowed."""
        faults = []
        for table in self._advisor.tables.values():
            idle = [(index, rule) for index, rule in enumerate(table.spec.rules) if rule.id not in self._fired]
            classes = _fold_table(table) if idle else {}
            faults += [self._never(table, index, rule, classes) for index, rule in idle]
        return faults

    def _never(self, table: DecisionTable, index: int, rule: Rule, classes: Mapping[int, dict[str, Value]]) -> Finding:
        matching = {mask: example for mask, example in classes.items() if mask >> index & 1}
        if not matching:
            return fault("dead", rule.id, "the conditions of this rule are never true together")
        earlier = {mask & -mask for mask in matching}
        if 1 << index in earlier:
            reachable = next(example for mask, example in matching.items() if mask & -mask == 1 << index)
            return fault("dead", rule.id, "the facts of this rule never occur together", reachable)
        ids = " and ".join(table.spec.rules[bit.bit_length() - 1].id for bit in sorted(earlier))
        rules = f"the earlier rule {ids} applies" if len(earlier) == 1 else f"the earlier rules {ids} apply"
        return fault("shadowed", rule.id, f"{rules} to all cases of this rule", next(iter(matching.values())))


def base_domains(advisor: Advisor) -> dict[str, Sequence[Value]]:
    """Return the domains of the facts that a fold uses."""
    return {name: values for name, values in advisor.space.domains.items() if name != TOOL_NEEDS}


_KINDS: tuple[Literal["hit", "miss"], ...] = ("hit", "miss")


def _examples(advisor: Advisor, decided: set[str]) -> list[Finding]:
    """Return faults: `hit` examples to which the rule does not apply, and `miss` examples to which it applies.

    The rules that their example shows to decide are added to `decided`.
    """
    faults = []
    for table, rule in advisor.knowledge.rules.values():
        for kind in _KINDS:
            if kind not in rule.examples:
                faults.append(fault("example", rule.id, f"this rule has no example {kind!r}"))
                continue
            try:
                fired = fires(advisor, table, rule, rule.examples[kind])
            except (InputError, KnowledgeError) as error:
                faults.append(fault("example", rule.id, f"the example {kind!r} is not valid: {error}"))
                continue
            if fired and kind == "hit":
                decided.add(rule.id)
            if fired is not (kind == "hit"):
                verb = "does not apply" if kind == "hit" else "applies"
                message = f"this rule {verb} to its example {kind!r}"
                faults.append(fault("example", rule.id, message, rule.examples[kind]))
    return faults


def fires(advisor: Advisor, table: RuleTable, rule: Rule, example: Mapping[str, Any]) -> bool:
    """Return whether `rule` decides an example: a part of requirements, or some inputs of the table `cell`."""
    if table.role == "cell":
        delivery = advisor.cells.delivery
        for name, value in example.items():
            if value not in delivery.domains.get(name, ()):
                raise KnowledgeError(f"{name}: {show(value)} is not a value of an input of the table")
        rest = [[example[name]] if name in example else delivery.domains[name] for name in delivery.inputs]
        hits = [delivery.evaluate(dict(zip(delivery.inputs, row, strict=True))) for row in product(*rest)]
        return any(rule in hit.rules for hit in hits)
    facts = advisor.decided_facts(example_requirements(advisor, example))
    asked = advisor.findings if table.role == "finding" else advisor.tables[table.table]
    return rule in asked.evaluate(facts).rules


def example_requirements(advisor: Advisor, example: Mapping[str, Any]) -> Requirements:
    """Return requirements from dotted keys, as in the examples of rules."""
    return validate(SourceDocument("<example>", nested({"service": "example", **example}), {}), advisor.space)


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted keys as the nested mapping of a requirements file."""
    data: dict[str, Any] = {}
    for name, value in flat.items():
        *sections, key = name.split(".")
        branch = data
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[key] = value
    return data


def describe(example: Mapping[str, Any]) -> str:
    """Return facts as one line."""
    return ", ".join(f"{name}: {show(value)}" for name, value in example.items())
