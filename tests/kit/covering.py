"""Requirements that cover the decision space, computed from the rules.

They cover every reachable combination of the facts that shape a kit most. They also cover every pair of values of any
two facts that a feasible decision has. The fold over the entire fact space proves that all others are unreachable.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import base_domains, example_requirements
from advisor.decision.model import Decision
from advisor.engine.fold import fold
from advisor.engine.network import NodeStep
from advisor.engine.rules import Value
from advisor.requirements.hops import HOPS
from advisor.requirements.model import Requirements

KIND, PLATFORM, VERSION = "environment.proxy.kind", "environment.platform", "environment.proxy.version"
SHAPED = ("pattern", "affinity.mechanism", "line")
SEPARABLE = "tools.separable"
TRIES = 20
# Names that generated modules use themselves. A tool must not shadow them.
NAMES = ("look", "TierServer", "list_tools", "Middleware", "a.b-c", "status", "OtherTier", "Context", "import", "mcp")

Row = dict[str, Value]
Combination = tuple[str, str, str, str, str]
"""Pattern, mechanism, SDK line, platform, proxy kind."""
Pair = tuple[tuple[str, Value], tuple[str, Value]]


@dataclass
class Covering:
    """Requirements in dotted keys, their decisions, and the combinations and pairs of values that they cover.

    Attributes:
        cases: the requirements.
        decisions: the decisions. All are feasible.
        combinations: every reachable combination.
        pairs: every pair of values that can occur.
        impossible: the pairs that no feasible decision has.
    """

    cases: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    combinations: set[Combination] = field(default_factory=set)
    pairs: set[Pair] = field(default_factory=set)
    impossible: set[Pair] = field(default_factory=set)


class Coverer:
    """Finds a covering."""

    def __init__(self, advisor: Advisor) -> None:
        self.advisor = advisor
        self.space = advisor.space
        self.random = random.Random(4)
        derived = {fact.id for fact in self.space.knowledge.derived}
        outputs = {name for table in self.space.knowledge.tables.values() for name in table.outputs}
        self.domains: dict[str, Sequence[Value]] = {
            name: values
            for name, values in self.space.domains.items()
            if name not in derived | outputs and len(values) > 1 and name != HOPS  # another notation of the same facts
        }
        self.domains["sdk"] = [name for name in self.domains["sdk"] if self.space.releases[str(name)].has_kit]
        self.domains["transport"] = ("streamable-http",)  # no kit is generated for the other transport
        self.domains["language"] = self.domains["runtime"] = ("unknown",)  # nor for other languages
        self.domains["environment.function_adapter"] = ("unknown", "none")  # an adapter sets other facts
        # A fold can list any tools, so the value that is always possible comes first.
        self.folded: dict[str, Sequence[Value]] = {
            **base_domains(advisor),
            "sdk": self.domains["sdk"],
            "transport": self.domains["transport"],
            SEPARABLE: ("no", "yes"),
            # The cases name no hops in front of the proxy, and only an application that supports every feature.
            "clients.fallback": ("no",),
            "clients.unable": ("none",),
            "outer.refuses": ("none",),
        }
        self.able = next(name for name in sorted(self.space.knowledge.clients) if self._is_able(name))
        self.found = Covering()

    def _is_able(self, application: str) -> bool:
        """Whether an application supports every feature, and speaks one era."""
        facts = self.advisor.facts(example_requirements(self.advisor, {"clients.apps": [application]}))
        return (facts["clients.unable"], facts["clients.fallback"]) == ("none", "no")

    def cover_combinations(self, reachable: Iterable[tuple[Combination, Row]] | None = None) -> Covering:
        """Requirements for every reachable combination; `reachable` has them if they are known."""
        for combination, row in self.combinations() if reachable is None else reachable:
            self.found.combinations.add(combination)
            decision = self.add(row)
            assert decision is not None, f"{combination}: no requirements lead there, but these facts do: {row}"
            assert combination_of(self.advisor, decision) == combination, row
        return self.found

    def cover_pairs(self, most: int | None = None) -> Covering:
        """Requirements for every pair that a feasible decision has; `most` limits their number."""
        self.found.pairs = self.all_pairs()
        left = set(self.found.pairs)
        for pair in sorted(self.found.pairs, key=repr):
            if pair not in left:
                continue
            if len(self.found.cases) == most:
                break
            decision = self.with_pair(pair, left)
            if decision is None:
                self.found.impossible.add(pair)
                left.remove(pair)
            else:
                has = self.pairs_of(decision.facts)
                assert pair in has, pair
                left -= has
        return self.found

    def combinations(self) -> Iterator[tuple[Combination, Row]]:
        """Every reachable combination, with facts that lead to it."""
        line = NodeStep(("sdk",), ("line",), lambda row: (self.space.releases[row[0]].line.id,))
        steps = [line, *self.advisor.network.steps(SHAPED[:2])]
        for kinds, platforms in itertools.product(self.alike(KIND), self.alike(PLATFORM)):
            domains = {**self.folded, KIND: kinds[:1], PLATFORM: platforms[:1]}
            for shape, group in fold(steps, domains, SHAPED).classes.items():
                if shape[0] == "contradiction":
                    continue
                for kind, platform in itertools.product(kinds, platforms):
                    yield (*shape, platform, kind), {**group.example(), KIND: kind, PLATFORM: platform}

    def alike(self, fact: str) -> list[list[Value]]:
        """The values of a fact, grouped: no deciding table distinguishes the values of a group."""
        groups: dict[Any, list[Value]] = {}
        for value in self.domains[fact]:
            seen = [t.masks[t.inputs.index(fact)][value] for t in self.advisor.tables.values() if fact in t.inputs]
            refused = self.space.knowledge.proxies[str(value)].refuses if fact == KIND else ""
            groups.setdefault((refused, *seen), []).append(value)
        return list(groups.values())

    def all_pairs(self) -> set[Pair]:
        """Every pair of values, except pairs in which one fact has no meaning next to the value of the other fact."""
        values = [[(name, value) for value in domain] for name, domain in sorted(self.domains.items())]
        pairs = {pair for first, other in itertools.combinations(values, 2) for pair in itertools.product(first, other)}
        for name, only, default in self.space.conditional:
            pairs = {
                pair
                for pair in pairs
                if not (only.fact in dict(pair) and name in dict(pair))
                or dict(pair)[only.fact] in only.any_of
                or dict(pair)[name] == default
            }
        return pairs

    def pairs_of(self, facts: Mapping[str, Any]) -> set[Pair]:
        """The pairs of values in evaluated facts."""
        return set(itertools.combinations([(name, facts[name]) for name in sorted(self.domains)], 2))

    def with_pair(self, pair: Pair, left: set[Pair]) -> Decision | None:
        """A feasible decision with this pair and with many pairs of `left`; None if no such decision exists."""
        best: tuple[int, dict[str, Any]] = 0, {}
        for _ in range(TRIES):
            case = self.case(dict(pair))
            facts = self.advisor.facts(self.requirements(case))
            has = self.pairs_of(facts)
            if facts["pattern"] != "contradiction" and pair in has:
                best = max(best, (len(left & has), case), key=itemgetter(0))
        if best[0]:
            return self.take(best[1])
        domains = {**self.folded, **{name: (value,) for name, value in pair}}
        if ("tools", "none") in pair:
            domains[SEPARABLE] = ("no",)
        for shape, group in fold(self.advisor.network.steps(("pattern",)), domains, ("pattern",)).classes.items():
            if shape[0] != "contradiction":
                decision = self.add({**group.example(), **dict(pair)})
                assert decision is not None, (
                    f"{pair}: no requirements lead there, but these facts do: {group.example()}"
                )
                return decision
        return None

    def add(self, row: Mapping[str, Value]) -> Decision | None:
        """Add requirements with these facts; returns their decision, or None if it is infeasible or has other facts."""
        row = dict(row)
        for name, only, default in self.space.conditional:
            if name in row and row.get(only.fact, only.any_of[0]) not in only.any_of:
                row[name] = default
        case = self.case(row)
        facts = self.advisor.facts(self.requirements(case))
        if facts["pattern"] == "contradiction" or any(facts[name] != row[name] for name in row if name in self.domains):
            return None
        return self.take(case)

    def take(self, case: dict[str, Any]) -> Decision:
        """Add requirements to the covering; returns their decision."""
        decision = self.advisor.decide(self.requirements(case))
        self.found.cases.append(case)
        self.found.decisions.append(decision)
        return decision

    def requirements(self, case: dict[str, Any]) -> Requirements:
        """The requirements after the reader has validated them."""
        return example_requirements(self.advisor, case)

    def case(self, row: Mapping[str, Value]) -> dict[str, Any]:
        """The requirements file, in dotted keys."""
        pick = self.random.choice
        free = {name: pick(domain) for name, domain in self.domains.items()}
        free |= {name: pick(("none", "none", "preferred")) for name in self.domains if name.startswith("needs.")}
        facts = {**free, **{name: value for name, value in row.items() if name in self.domains}}
        separable = row.get(SEPARABLE, pick(("yes", "no")) if facts["tools"] == "some" else "no")
        facts["tools"] = "some" if separable == "yes" else row.get("tools", facts["tools"])
        needs = {name: str(facts.pop(name)) for name in list(facts) if name.startswith("needs.")}
        case: dict[str, Any] = {name: self.raw(name, value) for name, value in facts.items() if name != "tools"}
        if case[KIND] != "nginx":
            case.pop(VERSION)
        for about in ("idle", "total"):
            timeout, longest = pick((None, 30, 600)), self.space.knowledge.proxies[case[KIND]].longest(about)
            allowed = timeout is None or longest is None or timeout <= longest
            case[f"environment.proxy.{about}_timeout_s"] = timeout if allowed else longest
        if facts["scale.instances"] == "many":
            case["scale.instances"] = pick((3, {"min": 2, "max": 5}))
        case = {name: value for name, value in case.items() if value is not None}
        wanted = {name.removeprefix("needs."): level for name, level in needs.items() if level != "none"}
        names = self.random.sample(NAMES, 3)
        if separable == "yes":
            case["tools"] = [{"name": names[0], "needs": wanted}, {"name": names[1]}]
        else:
            case |= needs
            if facts["tools"] == "some":
                case["tools"] = [{"name": name, "needs": wanted} for name in names]
        return case

    def raw(self, name: str, value: Value) -> Any:
        """The entry of a requirements file for a value; None if the file must omit the key."""
        match self.space.facts[name].type:
            case "hosts":
                return ["mcp.example.com", "other.example.com"] if value == "some" else []
            case "origins":
                return ["https://app.example.com"] if value == "some" else []
            case "apps":
                return [self.able] if value == "some" else []
            case _:
                return self.space.typical(name, value)


def combination_of(advisor: Advisor, decision: Decision) -> Combination:
    """The combination of facts that a decision has."""
    facts = decision.facts
    line = advisor.space.releases[facts["sdk"]].line.id
    return decision.core.pattern, decision.core.mechanism, line, facts[PLATFORM], facts[KIND]
