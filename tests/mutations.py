"""Mutations of rules/: small faults, and whether `rules check` or the recorded outcomes find them.

`python -m tests.mutations` judges all mutations and prints the score and the survivors. `--sample N` judges N of them,
spread over all operators and places.

A mutation is killed if the rules do not compile or if `rules check` finds a fault. It is also killed if an outcome
differs from tests/golden/rule-outcomes.json. This file has the outcome of each example of a rule, and what decides next
to the example. It also has the outcome of each call of the SDKs, and the features that each configuration loses.
A mutation is equivalent if its table has the same outputs for all values of its inputs.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import Report, example_requirements, faults
from advisor.decision.derived_facts import UNABLE
from advisor.decision.model import Decision
from advisor.engine.fold import fold
from advisor.engine.network import TableNode
from advisor.engine.rules import Rule
from advisor.engine.table import DecisionTable, admitted
from advisor.errors import InputError, KnowledgeError
from advisor.knowledge import Knowledge, load
from advisor.knowledge.space import FactSpace
from advisor.knowledge.unable import NONE

GOLDEN = Path(__file__).parent / "golden" / "rule-outcomes.json"

EQUIVALENT: dict[str, str] = {
    "move DEL-020 behind DEL-025": "No call of rules/features.yaml has the scope store and the channel listen.",
    "move DEL-030 behind DEL-040": "No call of rules/features.yaml has the scope bus and the channel server-request.",
}
"""Other mutations that change no decision, by name, with the reason."""


@dataclass(frozen=True)
class Mutation:
    """A small change of the knowledge.

    Attributes:
        operator: widen, narrow, drop, swap, move, delete or shift.
        place: the table or the file.
        name: the operator, the entry and the change.
        apply: the change.
    """

    operator: str
    place: str
    name: str
    apply: Callable[[Knowledge], Knowledge]


# --- the recorded outcomes ----------------------------------------------------------------------------------------


def outcomes(advisor: Advisor) -> dict[str, Any]:
    """The outcome of each example of each rule, and the bin of each number next to a bound of a bin."""
    return {name: value for part in PARTS for name, value in part(advisor)}


def of_examples(advisor: Advisor) -> Iterator[tuple[str, Any]]:
    """Yield the outcome of each example of each rule."""
    for table, rule in advisor.knowledge.rules.values():
        if table.role == "cell":
            continue
        for kind, example in rule.examples.items():
            try:
                yield f"{rule.id} {kind}", outcome(advisor.decide(example_requirements(advisor, example)))
            except (InputError, KnowledgeError) as error:
                yield f"{rule.id} {kind}", str(error)


def edges(advisor: Advisor) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what decides next to the example `hit` of each rule.

    Each input of the table takes each other value. The result has the values with which
    another rule decides than with the example. For a table of warnings, these are the values without the warning.
    For the table of deliveries, the result also has the outcome of the rule, which no decision shows alone.
    """
    for name, table in advisor.compiled.items():
        for rule in table.spec.rules:
            facts = _facts_of_hit(advisor, name, rule)
            if facts is None:
                continue
            near: dict[str, Any] = dict(rule.then) if table.spec.role == "cell" else {}
            for of in table.inputs if table.spec.hit_policy == "first" else rule.when:
                decides: dict[str, list[str]] = {}
                for value in table.domains[of]:
                    rules = table.evaluate({**facts, of: value}).rules
                    by = "-" if rule not in rules and table.spec.hit_policy == "collect" else rule.id
                    if table.spec.hit_policy != "collect":
                        by = rules[0].id if rules else "-"
                    if by != rule.id:
                        decides.setdefault(by, []).append(str(value))
                if decides:
                    near[of] = decides
            yield f"{rule.id} edges", near


def _facts_of_hit(advisor: Advisor, name: str, rule: Rule) -> Mapping[str, Any] | None:
    """The inputs of a table for the example `hit` of a rule; None if the rule does not decide there."""
    table = advisor.compiled[name]
    example = rule.examples.get("hit", {})
    try:
        if table.spec.role != "cell":
            facts: Mapping[str, Any] = advisor.decided_facts(example_requirements(advisor, example))
            return facts if rule in table.evaluate(facts).rules else None
        rows = product(*([example[of]] if of in example else table.domains[of] for of in table.inputs))
        every = (dict(zip(table.inputs, row, strict=True)) for row in rows)
        return next((facts for facts in every if rule in table.evaluate(facts).rules), None)
    except (InputError, KnowledgeError, KeyError):
        return None


def observed(advisor: Advisor) -> Iterator[tuple[str, str]]:
    """Yield the first letters of the outcomes of each call, for legacy and modern clients with each flag pair."""
    for package in advisor.knowledge.capabilities:
        for cell in package.cells:
            letters = ("".join(outcome[:2] for outcome in getattr(cell, era).values()) for era in ("legacy", "modern"))
            yield f"{package.package} {cell.start} {cell.before} {cell.feature} {cell.call}", " ".join(letters)


def outcome(decision: Decision) -> list[Any]:
    """What a decision says, in short: the configuration, the lost features and the warnings."""
    core = decision.core
    cells = [f"{row.feature} {era}" for row in decision.features if row.need != "none" for era, _ in row.failing]
    warnings = sorted(f"{warning.id} {warning.severity}" for warning in decision.warnings)
    steps = [str(value) for step in decision.path for value in step.rule.then.values()]
    tiers = [[tier.name, *tier.core.flags, *tier.tools] for tier in decision.tiers]
    return [core.pattern, *core.flags, core.mechanism, core.substitute, steps, tiers, sorted(cells), warnings]


_STEP = {"integer": 1, "instances": 1, "seconds": 0.5}


def bins(advisor: Advisor) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the bin of each number at a recorded bound, and of the next larger number."""
    space = advisor.space
    recorded = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    for name, fact in space.facts.items():
        bounds = [found.at_most for found in fact.bins if found.at_most is not None]
        step = _STEP.get(fact.type, 1)
        numbers = [number for bound in bounds for number in (bound, bound + step)]
        asked = [float(text) for text in recorded.get(f"{name} bins", {})] or numbers
        if asked:
            yield f"{name} bins", {f"{number:g}": space.bin(name, number) for number in asked}


def lost(advisor: Advisor) -> Iterator[tuple[str, str]]:
    """Yield the features of each derived fact with the mechanism `lost`, as bits, for clients of both eras."""
    for sdk in advisor.space.releases:
        for processes, store, sse in product(("one", "many"), ("none", "redis"), (True, False)):
            row = (sdk, "named", "named", processes, store, sse)
            for unable in advisor.space.domains[UNABLE]:
                bits = " ".join(f"{bits:x}" for bits in advisor.lost.profile((*row, unable)))
                tiers = " ".join(sorted(advisor.division.features((*row, unable), substitute=False)))
                without = "" if unable == NONE else f" {unable}"
                yield f"lost {sdk} {processes} {store} {sse}{without}", f"{bits} {tiers}"


PARTS: tuple[Callable[[Advisor], Iterator[tuple[str, Any]]], ...] = (observed, bins, lost, edges, of_examples)
"""The parts of the recorded outcomes. The parts that take less time come first."""


# --- the operators ------------------------------------------------------------------------------------------------


def mutations(knowledge: Knowledge) -> list[Mutation]:
    """Every mutation, in the order of the files."""
    found: list[Mutation] = []
    space = FactSpace(knowledge)
    for table in knowledge.tables.values():
        domains: Mapping[str, Any] = {**space.domains, **table.domains}
        for index, rule in enumerate(table.rules):
            found += _of_conditions(table.table, rule, domains)
            found += _of_outputs(table.table, rule, table.outputs)
            found.append(_rules(table.table, "drop", f"{rule.id}", _without(index)))
            if index + 1 < len(table.rules) and table.hit_policy == "first":
                following = table.rules[index + 1]
                if following.then != rule.then and _together(rule, following, domains):
                    found.append(_rules(table.table, "move", f"{rule.id} behind {following.id}", _behind(index)))
    found += _of_cells(knowledge)
    found += _of_bins(knowledge)
    found += _of_derived(knowledge)
    return found


def _rules(table: str, operator: str, what: str, change: Callable[[list[Rule]], list[Rule]]) -> Mutation:
    def apply(knowledge: Knowledge) -> Knowledge:
        spec = knowledge.tables[table]
        return replace(knowledge, tables={**knowledge.tables, table: spec._replace(rules=change(list(spec.rules)))})

    return Mutation(operator, table, f"{operator} {what}", apply)


def _together(rule: Rule, other: Rule, domains: Mapping[str, Any]) -> bool:
    """Whether two rules can apply to the same facts. Otherwise, their order has no effect."""
    return all(
        admitted(rule.when[name], domains[name], rule.id) & admitted(other.when[name], domains[name], other.id)
        for name in rule.when.keys() & other.when.keys()
    )


def _without(index: int) -> Callable[[list[Rule]], list[Rule]]:
    return lambda rules: rules[:index] + rules[index + 1 :]


def _behind(index: int) -> Callable[[list[Rule]], list[Rule]]:
    return lambda rules: [*rules[:index], rules[index + 1], rules[index], *rules[index + 2 :]]


def _changed(rule: Rule, **changes: Any) -> Callable[[list[Rule]], list[Rule]]:
    return lambda rules: [found._replace(**changes) if found.id == rule.id else found for found in rules]


def _of_conditions(table: str, rule: Rule, domains: Mapping[str, Any]) -> Iterator[Mutation]:
    for name, condition in rule.when.items():
        domain = list(domains[name])
        allowed = [value for value in domain if value in admitted(condition, domain, rule.id)]
        left = {key: value for key, value in rule.when.items() if key != name}
        yield _rules(table, "drop", f"{rule.id} {name}", _changed(rule, when=left))
        others = [value for value in domain if value not in allowed]
        for value in others[:3] if len(others) > 1 else ():
            wider = {**rule.when, name: {"in": [*allowed, value]}}
            yield _rules(table, "widen", f"{rule.id} {name} by {value}", _changed(rule, when=wider))
        for value in allowed[:3] if len(allowed) > 1 else ():
            narrower = {**rule.when, name: {"in": [other for other in allowed if other is not value]}}
            yield _rules(table, "narrow", f"{rule.id} {name} by {value}", _changed(rule, when=narrower))


def _of_outputs(table: str, rule: Rule, outputs: Mapping[str, Any]) -> Iterator[Mutation]:
    for name, value in rule.then.items():
        for other in [other for other in outputs[name] if other is not value and other != value][:2]:
            yield _rules(table, "swap", f"{rule.id} {name} {other}", _changed(rule, then={**rule.then, name: other}))


def _of_cells(knowledge: Knowledge) -> Iterator[Mutation]:
    for at, package in enumerate(knowledge.capabilities):
        for index, cell in enumerate(package.cells):
            what = f"{package.package} {cell.start} {cell.feature} {cell.call}"
            yield Mutation("delete", package.package, f"delete {what}", _cells(at, index, None))
            for era in ("legacy", "modern"):
                for pair, seen in getattr(cell, era).items():
                    if seen != "unsupported":
                        other = "error" if seen == "works" else "works"
                        outcomes_: Any = {era: {**getattr(cell, era), pair: other}}
                        changed = replace(cell, **outcomes_)
                        yield Mutation("swap", package.package, f"swap {what} {era} {pair}", _cells(at, index, changed))


def _cells(at: int, index: int, cell: Any) -> Callable[[Knowledge], Knowledge]:
    def apply(knowledge: Knowledge) -> Knowledge:
        packages = list(knowledge.capabilities)
        cells = list(packages[at].cells)
        cells[index : index + 1] = [] if cell is None else [cell]
        packages[at] = packages[at]._replace(cells=cells)
        return replace(knowledge, capabilities=packages)

    return apply


def _of_bins(knowledge: Knowledge) -> Iterator[Mutation]:
    for name, fact in knowledge.facts.items():
        for index, found in enumerate(fact.bins):
            if found.at_most is None:
                continue
            for by in (-1, 1):
                moved = [*fact.bins]
                moved[index] = found._replace(at_most=found.at_most + by)
                changed = fact._replace(bins=tuple(moved))
                yield Mutation("shift", "facts", f"shift {name} {found.bin} by {by}", _fact(name, changed))


def _fact(name: str, fact: Any) -> Callable[[Knowledge], Knowledge]:
    return lambda knowledge: replace(knowledge, facts={**knowledge.facts, name: fact})


def _of_derived(knowledge: Knowledge) -> Iterator[Mutation]:
    for index, derived in enumerate(knowledge.derived):
        for key, values in (derived.lost or {}).items():
            for value in values:
                left = [other for other in values if other != value]
                lost = {**(derived.lost or {}), key: left}
                yield Mutation(
                    "drop", "derived", f"drop {derived.id} {key} {value}", _derive(index, derived._replace(lost=lost))
                )
        if derived.strongest is not None:
            for value in derived.strongest:
                left = [other for other in derived.strongest if other != value]
                change = _derive(index, derived._replace(strongest=left))
                yield Mutation("drop", "derived", f"drop {derived.id} {value}", change)
        if derived.pick is not None:
            for at, (case, other_case) in enumerate(zip(derived.pick.cases, derived.pick.cases[1:], strict=False)):
                if (case.fact, case.value) == (other_case.fact, other_case.value):
                    continue
                cases = [*derived.pick.cases]
                cases[at], cases[at + 1] = other_case._replace(when=case.when), case._replace(when=other_case.when)
                change = _derive(index, derived._replace(pick=derived.pick._replace(cases=cases)))
                yield Mutation("swap", "derived", f"swap {derived.id} {case.when}", change)


def _derive(index: int, derived: Any) -> Callable[[Knowledge], Knowledge]:
    def apply(knowledge: Knowledge) -> Knowledge:
        every = list(knowledge.derived)
        every[index] = derived
        return replace(knowledge, derived=every)

    return apply


# --- the judgement ------------------------------------------------------------------------------------------------


def judge(mutation: Mutation, knowledge: Knowledge, recorded: Mapping[str, Any]) -> str:
    """What kills a mutation: `compile`, `outcome`, or the kind of the fault of `rules check`; "" if nothing does."""
    gc.collect()
    gc.disable()
    try:
        advisor = Advisor(mutation.apply(knowledge))
        found: dict[str, Any] = {}
        for part in PARTS:
            for name, value in part(advisor):
                found[name] = json.loads(json.dumps(value))
                if found[name] != recorded.get(name):
                    return "outcome"
        if found.keys() != recorded.keys():
            return "outcome"
        fault = next(faults(advisor, Report([])), None)
    except (KnowledgeError, LookupError, StopIteration, ValueError):
        return "compile"
    finally:
        gc.enable()
    return fault.id if fault else ""


def equivalent(mutation: Mutation, knowledge: Knowledge) -> bool:
    """Whether the mutated table has the same outputs as the real table for all values of its inputs."""
    if mutation.place not in knowledge.tables or knowledge.tables[mutation.place].hit_policy != "first":
        return False
    domains = {**FactSpace(knowledge).domains, **knowledge.tables[mutation.place].domains}
    specs = [known.tables[mutation.place] for known in (knowledge, mutation.apply(knowledge))]
    real, mutated = (TableNode(DecisionTable(spec._replace(table=f"t{at}"), domains)) for at, spec in enumerate(specs))
    steps = [real.start(), mutated.start()]
    for at, name in enumerate(real.inputs):
        steps += [node.narrow(name, real.inputs[at + 1 :]) for node in (real, mutated)]
    for name, *masks in zip(real.inputs, real.table.masks, mutated.table.masks, strict=True):
        # Values that the rules of both tables treat alike: one of them stands for the others.
        alike = {tuple(of[value] for of in masks): value for value in domains[name]}
        domains[name] = tuple(alike.values())
    folded = fold(steps, domains, (real.mask, mutated.mask))
    return all(
        masks[0] and masks[1] and real.of_mask(masks[0]) == mutated.of_mask(masks[1]) for masks in folded.classes
    )


def sample(every: Iterable[Mutation], size: int, seed: int) -> list[Mutation]:
    """`size` mutations: the same number of each operator and place, as far as possible."""
    groups: dict[tuple[str, str], list[Mutation]] = {}
    for mutation in every:
        groups.setdefault((mutation.operator, mutation.place), []).append(mutation)
    random = Random(seed)
    for group in groups.values():
        random.shuffle(group)
    rounds = (mutation for at in range(size) for group in groups.values() for mutation in group[at : at + 1])
    return [mutation for mutation, _ in zip(rounds, range(size), strict=False)]


def run(chosen: Iterable[Mutation]) -> tuple[int, dict[str, int], list[str]]:
    """Judge mutations: the number of mutations, the number of each kind of kill, and the survivors."""
    knowledge = load()
    recorded = json.loads(GOLDEN.read_text(encoding="utf-8"))
    kinds: dict[str, int] = {}
    survivors = []
    count = 0
    for mutation in chosen:
        count += 1
        kind = judge(mutation, knowledge, recorded)
        kinds[kind or "survived"] = kinds.get(kind or "survived", 0) + 1
        if not kind and equivalent(mutation, knowledge):
            kinds["survived"] -= 1
            kinds["equivalent"] = kinds.get("equivalent", 0) + 1
        elif not kind:
            survivors.append(mutation.name)
            print(f"survived: {mutation.name}", file=sys.stderr, flush=True)
    return count, kinds, survivors


def main() -> int:
    """Print the score; exit code 1 if fewer than 97 % of the mutations that are not equivalent are killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description="Judge mutations of rules/.")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="judge N mutations instead of all")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the sample")
    parser.add_argument("--place", default="", help="judge only the mutations of this table or file")
    chosen = parser.parse_args()
    every = [found for found in mutations(load()) if chosen.place in ("", found.place)]
    count, kinds, survivors = run(sample(every, chosen.sample, chosen.seed) if chosen.sample else every)
    unexplained = [name for name in survivors if name not in EQUIVALENT]
    equivalent = len(survivors) - len(unexplained)
    score = 1 - len(unexplained) / max(1, count - equivalent)
    print(
        f"{count} of {len(every)} mutations: {score:.1%} killed, {equivalent} equivalent, {len(unexplained)} survivors"
    )
    print("  ".join(f"{kind}: {number}" for kind, number in sorted(kinds.items())))
    for name in survivors:
        print(f"  {name}{f' (equivalent: {EQUIVALENT[name]})' if name in EQUIVALENT else ''}")
    return int(score < 0.97)


if __name__ == "__main__":
    sys.exit(main())
