"""Decision tables, compiled to bit masks.

A condition compares a fact with a finite domain, so it compiles to the set of the values that it allows. For each input
and value, a bit mask has the rules that allow the value. The bitwise AND of the masks of a row has the rules that apply
to the row. With the hit policy `first`, the lowest bit is the rule that decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from advisor.engine.rules import Rule, RuleTable, Value
from advisor.errors import KnowledgeError

Domains: TypeAlias = Mapping[str, Sequence[Value]]
Facts: TypeAlias = Mapping[str, Value]


class Hit(NamedTuple):
    """The result of a table for a row of facts.

    Attributes:
        rules: the rules that decide. `first` and `unique` tables have exactly one rule, or none if the table has a gap
            or an overlap. `collect` tables can have any number of rules.
        matching: all rules whose conditions are true, in the order of the table.
        outputs: the outputs of the rule that decides; empty for `collect` tables.
    """

    rules: tuple[Rule, ...]
    matching: tuple[Rule, ...]
    outputs: Mapping[str, Value]


class CheckedCondition(NamedTuple):
    """A condition of a rule, checked with the value of its fact.

    Attributes:
        value: the value of the fact.
        condition: the condition in words.
        passed: whether the condition is true.
    """

    fact: str
    value: Value
    condition: str
    passed: bool


class RuleAttempt(NamedTuple):
    """A rule, checked with the facts.

    Attributes:
        conditions: the conditions of the rule.
        matched: whether all conditions are true.
        fired: whether the rule decides.
    """

    rule: Rule
    conditions: tuple[CheckedCondition, ...]
    matched: bool
    fired: bool


def admitted(condition: Any, domain: Sequence[Value], where: str) -> frozenset[Value]:
    """Return the values of `domain` that a condition allows.

    Args:
        condition: a value, or one of `{is|not: value}`, `{in|not_in: [values]}`, `{at_least|at_most: value}`. The
            operators `at_least` and `at_most` use the order of the domain.
        domain: the values of the fact, in order.
        where: the place for error messages.

    Raises:
        KnowledgeError: the operator is unknown, or an operand is not in the domain.
    """
    if isinstance(condition, dict) and len(condition) != 1:
        raise KnowledgeError(f"{where}: a condition has exactly one operator")
    operator, operand = next(iter(condition.items())) if isinstance(condition, dict) else ("is", condition)
    operands = operand if isinstance(operand, list) else [operand]
    for value in operands:
        if not _holds(domain, value):
            raise KnowledgeError(f"{where}: {value!r} is not one of {', '.join(map(str, domain))}")
    return _select(operator, operands, tuple(domain), where)


def _holds(domain: Sequence[Value], value: object) -> bool:
    """Return whether `value` is in `domain`. The operator `in` is right for texts only, because 1 equals True."""
    if isinstance(value, str):
        return value in domain
    return any(member is value or (type(member) is type(value) and member == value) for member in domain)


_OPERATORS = ("is", "not", "in", "not_in", "at_least", "at_most")


def _select(operator: str, operands: list[Value], domain: tuple[Value, ...], where: str) -> frozenset[Value]:
    if operator not in _OPERATORS:
        raise KnowledgeError(
            f"{where}: unknown operator {operator!r}. Operators: is, not, in, not_in, at_least, at_most"
        )
    if operator not in ("in", "not_in") and len(operands) != 1:
        raise KnowledgeError(f"{where}: {operator!r} takes one value")
    if not operands:
        raise KnowledgeError(f"{where}: {operator!r} takes at least one value")
    match operator:
        case "not" | "not_in":
            return frozenset(value for value in domain if value not in operands)
        case "at_least":
            return frozenset(domain[domain.index(operands[0]) :])
        case "at_most":
            return frozenset(domain[: domain.index(operands[0]) + 1])
        case _:
            return frozenset(operands)


def phrase(condition: Any) -> str:
    """Return a condition in words: `is many`, `in legacy, mixed`."""
    operator, operand = next(iter(condition.items())) if isinstance(condition, dict) else ("is", condition)
    values = operand if isinstance(operand, list) else [operand]
    return f"{operator.replace('_', ' ')} {', '.join(show(value) for value in values)}"


def show(value: object) -> str:
    """Return a value as in YAML."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class DecisionTable:
    """A compiled decision table.

    Attributes:
        spec: the table before compilation.
        inputs: the ids of the facts that the table reads, in order.
        outputs: the ids of the facts that the table sets.
        domains: the values of each input, in order.
        masks: for each input and value, a bit mask of the rules that allow the value. Bit i is rule i.
    """

    def __init__(self, spec: RuleTable, domains: Domains) -> None:
        """Compile `spec`.

        Raises:
            KnowledgeError: a condition has a fact that is not an input, or a value that the fact does not have. A rule
                does not set an output, or two rules have the same id.
        """
        self.spec = spec
        self.inputs: tuple[str, ...] = tuple(spec.inputs)
        self.outputs: tuple[str, ...] = tuple(spec.outputs)
        where = f"table {spec.table}"
        if not self.inputs:
            raise KnowledgeError(f"{where}: has no inputs")
        for name in self.inputs:
            if name not in domains:
                raise KnowledgeError(f"{where}: input {name!r} is not a known fact")
        self.domains = {name: tuple(domains[name]) for name in self.inputs}
        self.full = (1 << len(spec.rules)) - 1
        self.masks: tuple[dict[Value, int], ...] = self._compile(where)
        self._row = itemgetter(*self.inputs) if len(self.inputs) > 1 else None
        self._memo: dict[tuple[Value, ...], Hit] = {}

    def _compile(self, where: str) -> tuple[dict[Value, int], ...]:
        masks = {name: dict.fromkeys(values, self.full) for name, values in self.domains.items()}
        seen: set[str] = set()
        for index, rule in enumerate(self.spec.rules):
            place = f"{where}, rule {rule.id}"
            if rule.id in seen:
                raise KnowledgeError(f"{where}: two rules have the id {rule.id!r}")
            seen.add(rule.id)
            for name, condition in rule.when.items():
                if name not in masks:
                    raise KnowledgeError(f"{place}: {name!r} is not an input of the table")
                allowed = admitted(condition, self.domains[name], f"{place}, {name}")
                for value in self.domains[name]:
                    if value not in allowed:
                        masks[name][value] ^= 1 << index
            for name, value in rule.then.items():
                if name not in self.spec.outputs:
                    raise KnowledgeError(f"{place}: {name!r} is not an output of the table")
                if not _holds(self.spec.outputs[name], value):
                    raise KnowledgeError(f"{place}: {value!r} is not a value of {name}")
            for name in self.outputs:
                if name not in rule.then:
                    raise KnowledgeError(f"{place}: the rule does not set {name!r}")
        return tuple(masks[name] for name in self.inputs)

    def row(self, facts: Facts) -> tuple[Value, ...]:
        """Return the values of the inputs, in order."""
        return self._row(facts) if self._row else (facts[self.inputs[0]],)

    def match(self, row: tuple[Value, ...]) -> int:
        """Return the mask of the rules whose conditions are all true for `row`."""
        mask = self.full
        for value, masks in zip(row, self.masks, strict=True):
            mask &= masks[value]
        return mask

    def evaluate(self, facts: Facts) -> Hit:
        """Return the result for `facts`. Results are cached, because counterfactuals often have the same row."""
        row = self.row(facts)
        hit = self._memo.get(row)
        if hit is None:
            hit = self._memo[row] = self._hit(self.match(row))
        return hit

    def _hit(self, mask: int) -> Hit:
        matching = tuple(rule for index, rule in enumerate(self.spec.rules) if mask >> index & 1)
        if self.spec.hit_policy == "collect":
            return Hit(matching, matching, {})
        if not matching or (self.spec.hit_policy == "unique" and len(matching) > 1):
            return Hit((), matching, {})
        return Hit(matching[:1], matching, matching[0].then)

    def trace(self, facts: Facts) -> list[RuleAttempt]:
        """Return the checked rules with their conditions. A `first` table ends with the rule that decides."""
        fired = self.evaluate(facts).rules
        attempts = []
        for rule in self.spec.rules:
            tried = []
            for name, condition in rule.when.items():
                passed = facts[name] in admitted(condition, self.domains[name], rule.id)
                tried.append(CheckedCondition(name, facts[name], phrase(condition), passed))
            attempts.append(RuleAttempt(rule, tuple(tried), all(test.passed for test in tried), rule in fired))
            if self.spec.hit_policy == "first" and rule in fired:
                break
        return attempts
