"""The proof of the rules for all combinations of facts: `mcp-advisor rules check`.

The proof covers every combination of facts, not a sample. It shows that:

1. Each deciding table has exactly one outcome: every combination has a rule, and the rules of a `unique` table never
   overlap.
2. Every rule decides at least one combination. A rule is dead if its conditions are never true together. A rule is
   shadowed if earlier rules decide all of its combinations.
3. A feasible decision keeps every required feature for the eras that the requirements name.
4. Every example is correct, every source exists, a rule uses every fact, and cells of the capability data do not
   contradict each other.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, Literal

from advisor.decision.advisor import Advisor
from advisor.decision.checks.conduct import conduct
from advisor.decision.checks.consistency import contradictions, sources, unread
from advisor.decision.checks.failures import failures
from advisor.decision.checks.fault import fault
from advisor.decision.checks.lookups import lookups
from advisor.decision.derived_facts import CONTEXT, TOOL_NEEDS, blocked
from advisor.decision.feature_outcomes import Configuration
from advisor.engine.fold import Folded, fold
from advisor.engine.network import NodeStep, Row
from advisor.engine.rules import Rule, RuleTable, Value
from advisor.engine.table import DecisionTable, show
from advisor.errors import InputError, KnowledgeError
from advisor.findings import Finding
from advisor.knowledge.types import ERAS, FLAG_PAIRS, Era
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
        _prove(advisor, report)
    finally:
        if collecting:
            gc.enable()
    report.rules = sum(len(table.spec.rules) for table in advisor.tables.values())
    report.seconds = time.perf_counter() - started
    return report


def _prove(advisor: Advisor, report: Report) -> None:
    report.faults += sources(advisor.knowledge)
    report.faults += unread(advisor)
    report.faults += contradictions(advisor.knowledge)
    report.faults += failures(advisor.knowledge)
    report.faults += conduct(advisor.knowledge)
    report.faults += lookups(advisor)
    gaps = _gaps(advisor)
    report.faults += gaps
    if not gaps:  # After a gap, later tables have no input.
        report.faults += _space(advisor, report)
        report.faults += _examples(advisor)


def _gaps(advisor: Advisor) -> list[Finding]:
    """Return faults: inputs of a table for which no rule applies, or several rules of a `unique` table.

    The inputs include combinations that no requirements can reach.
    """
    faults = []
    for table in (*advisor.tables.values(), advisor.cells.delivery):
        policy = table.spec.hit_policy
        classes = _fold_table(table)
        for mask, example in classes.items():
            if mask == 0:
                faults.append(fault("gap", table.spec.table, "no rule applies to these facts", example))
            elif policy == "unique" and mask & (mask - 1):
                ids = ", ".join(rule.id for i, rule in enumerate(table.spec.rules) if mask >> i & 1)
                faults.append(fault("overlap", table.spec.table, f"the rules {ids} apply to the same facts", example))
    return faults


def _fold_table(table: DecisionTable) -> dict[int, dict[str, Value]]:
    """Return every set of rules that can apply together, as a bit mask, with an example of inputs."""
    steps = [NodeStep((), ("mask",), lambda row: (table.full,))]
    steps += [
        NodeStep(("mask", name), ("mask",), _narrowing(masks))
        for name, masks in zip(table.inputs, table.masks, strict=True)
    ]
    folded = fold(steps, table.domains, ("mask",))
    return {row[0]: folded_class.example() for row, folded_class in folded.classes.items()}


def _narrowing(masks: Mapping[Value, int]) -> Callable[[Row], Row]:
    return lambda row: (row[0] & masks[row[1]],)


def _space(advisor: Advisor, report: Report) -> list[Finding]:
    """Fold the complete fact space, then fold it again for each feature with this feature required."""
    watched = _Watch(advisor)
    steps = watched.steps(advisor.network.steps(_PROVED, every_rule=True))
    domains = base_domains(advisor)
    read = {name for step in steps for name in step.reads} - {name for step in steps for name in step.writes}
    report.facts = len(read)
    report.combinations = prod(len(domains[name]) for name in read)
    whole = fold(steps, domains, ("pattern",), stop_on=KnowledgeError)
    report.peak = whole.peak
    report.classes = len(whole.classes)
    faults = [fault("gap", str(error), "the tables contradict each other", facts) for error, facts in whole.failures]
    total = sum(folded_class.count for folded_class in whole.classes.values())
    if not faults and total != report.combinations:
        faults.append(fault("gap", "", f"only {total} of {report.combinations} combinations have a decision"))
    steps = advisor.network.steps(_PROVED)
    for feature in advisor.lost.features:
        required = {**domains, f"needs.{feature}": ("required",)}
        verdicts = _Verdicts(advisor, feature)
        folded = fold(verdicts.insert(steps), required, ("verdict", *_PROVED), stop_on=KnowledgeError)
        report.classes += len(folded.classes)
        faults += verdicts.faults(folded)
    return faults + watched.faults()


_PROVED = ("pattern", "stateless_http", "json_response", "owner", "substitute")


class _Verdicts:
    """The eras that lose a required feature, for every context and every possible decision.

    A verdict is a function from (flags, owner, pattern) to the eras that lose the feature. The proof treats contexts
    with the same function alike. So the fold can forget SDK, eras, store and proxy after the tables have used them.
    """

    def __init__(self, advisor: Advisor, feature: str) -> None:
        self._advisor = advisor
        self._feature = feature
        self._owners = advisor.knowledge.tables["session"].outputs["owner"]
        self._known: list[Mapping[Row, str]] = []

    def insert(self, steps: list[NodeStep]) -> list[NodeStep]:
        """Return `steps` with a step for the verdict after the step that knows the context."""
        at = next(index for index, step in enumerate(steps) if step.reads == CONTEXT)
        return [*steps[: at + 1], NodeStep(CONTEXT, ("verdict",), self._verdict), *steps[at + 1 :]]

    def _verdict(self, context: Row) -> Row:
        sdk, legacy, modern, processes, store, sse = context
        named: list[Era] = [era for era, state in zip(ERAS, (legacy, modern), strict=True) if state == "named"]
        lost: dict[Row, str] = {}
        for (stateless, json), owner in product(FLAG_PAIRS, self._owners):
            at = Configuration(sdk, stateless, json, processes, str(owner), store, blocked(sse))
            # In a tiered deployment, the stateful tier (one process, SSE streams) serves what the stateless tier loses.
            inside = at._replace(stateless_http=False, json_response=False, processes="one", owner="single")
            for tiered in (False, True):
                losing = [era for era in named if not self._kept(era, at, inside if tiered else at)]
                lost[stateless, json, owner, tiered] = ", ".join(losing)
        if lost not in self._known:
            self._known.append(lost)
        return (self._known.index(lost),)

    def _kept(self, era: Era, *places: Configuration) -> bool:
        return any(self._advisor.cells.works(self._feature, era, place) for place in places)

    def faults(self, folded: Folded) -> list[Finding]:
        """Return a fault if a feasible class loses the feature for a named era. All classes require the feature."""
        for row, folded_class in folded.classes.items():
            verdict, pattern, stateless, json, owner, substitute = row
            replaced = substitute == "direct-llm" and self._advisor.knowledge.features[self._feature].substitute
            losing = self._known[verdict][stateless, json, owner, pattern == "tiered"]
            if pattern != "contradiction" and losing and not replaced:
                message = f"a feasible decision loses this required feature for {losing} clients"
                return [fault("lost", self._feature, message, {**folded_class.example(), "pattern": pattern})]
        return []


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
            for index, rule in enumerate(table.spec.rules):
                if rule.id not in self._fired:
                    faults.append(self._never(table, index, rule))
        return faults

    def _never(self, table: DecisionTable, index: int, rule: Rule) -> Finding:
        matching = {mask: example for mask, example in _fold_table(table).items() if mask >> index & 1}
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


def _examples(advisor: Advisor) -> list[Finding]:
    """Return faults: `hit` examples to which the rule does not apply, and `miss` examples to which it applies."""
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
    decision = advisor.decide(example_requirements(advisor, example))
    fired = (
        advisor.findings.evaluate(decision.facts)
        if table.role == "finding"
        else advisor.tables[table.table].evaluate(decision.facts)
    )
    return rule in fired.rules


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
