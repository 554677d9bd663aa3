"""Computes whether a fact can still change the outcome, for all values of the open facts.

An open fact has no known value yet. The outcome is the core of the decision: pattern, flags, affinity mechanism and
substitute. The answer is exact and has two steps:

1. Some completions of the open facts are decided with each value of the fact. If two outcomes differ, the fact matters.
   Such a completion is a witness.
2. Without a witness, a proof covers all values of the open facts. Either fixed rules keep the fact from the outcome, or
   all values of the fact give the same outcome. A proof stays valid when more facts become known.

There is one exception to the exactness. If the listed tools can form several tiers, a fact matters as soon as it
changes the decision of one tier.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from itertools import combinations, product
from operator import itemgetter
from random import Random
from typing import Any, TypeAlias

from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import example_requirements
from advisor.decision.core import CORE_FACTS
from advisor.decision.derived_facts import CONTEXT, TOOL_NEEDS, without_store
from advisor.decision.facts import base_facts
from advisor.decision.tiers import (
    SEPARABLE,
    STATEFUL,
    needs_of_tools,
    stateful_part,
    stateful_tools,
    stateless_part,
    stateless_values,
)
from advisor.engine.network import Plan
from advisor.engine.rules import Rule, Value
from advisor.questionnaire.reachability import Reachability, State, outcome
from advisor.requirements.model import Requirements

SettledFacts: TypeAlias = frozenset[tuple[str, Any]]

COMPLETIONS = 40  # completions to try; each takes about 30 microseconds for each value of the fact
# With at most so many open facts, a proof takes some milliseconds, and a full search for a witness about 50. With 30
# open facts, a proof takes seconds.
_FEW = 16
_KEPT = 8  # the number of stored witnesses for each fact
_MOST = 3  # the number of rules in a reason
_UNLISTED = "a feature of a tool that is not listed"


class Relevance:
    """Answers questions about the relevance of facts. It stores proofs and witnesses for later questions."""

    def __init__(self, advisor: Advisor, completions: int = COMPLETIONS) -> None:
        """Args: advisor: makes the decisions; completions: how many to try before a proof; 0 proves every answer."""
        self._advisor = advisor
        self._tries = completions
        self._space = Reachability(advisor)
        self._plans: dict[tuple[str, bool], Plan] = {}
        self._irrelevant: dict[str, list[SettledFacts]] = {}
        self._answers: dict[tuple[str, SettledFacts], bool] = {}
        self._witnesses: dict[str, list[dict[str, Value]]] = {}

    def matters(self, fact: str, requirements: Requirements, known: Collection[str]) -> bool:
        """Return whether `fact` can still change the outcome.

        Args:
            fact: the id of a fact. `tools` stands for whether only some tools need a session.
            requirements: the known facts, with defaults for all other facts.
            known: the ids of the known facts. `fact` is open even if `known` contains it.

        Returns:
            False only if all values of `fact` give the same outcome, for all values of the other open facts.
        """
        known, fact = set(known) - {fact}, _name(fact)
        facts = self._space.facts(requirements)
        settled = frozenset((name, facts[name]) for name in known if name in self._space.domains)
        settled |= {(TOOL_NEEDS, facts[TOOL_NEEDS])} if "tools" in known else frozenset()
        asked = (fact, settled)
        if asked not in self._answers:
            self._answers[asked] = fact in self._space.domains and self._decide(fact, requirements, known, settled)
        return self._answers[asked]

    def rules(self, fact: str, requirements: Requirements, known: Collection[str]) -> tuple[Rule, ...]:
        """Return the rules that keep an irrelevant fact from the outcome; empty if rules alone do not explain it."""
        return self._space.barrier(_name(fact), self._space.state(requirements, known))[:_MOST]

    def facts(self, fact: str, requirements: Requirements, known: Collection[str], named: Collection[str]) -> list[str]:
        """Return the facts in `named` that make `fact` irrelevant. Without such a fact, `fact` matters."""
        return [
            name
            for name in named
            if _name(name) in self._space.domains
            and _name(fact) in self._space.domains
            and self._witnessed(_name(fact), self._space.state(requirements, set(known) - {fact, name}), brief=True)
        ]

    def possible(self, fact: str, requirements: Requirements, known: Collection[str]) -> tuple[Rule, ...]:
        """Return the rules that can still apply in a table that depends on `fact`: the table with the fewest rules."""
        fired = self._space.fired(self._space.state(requirements, known))
        return min((rules for name, rules in fired.items() if self._after(_name(fact), name)), key=len, default=())

    def _after(self, fact: str, table: str) -> bool:
        outputs = self._advisor.tables[table].outputs
        return fact in self._advisor.network.dependencies_of(outputs)

    def _decide(self, fact: str, requirements: Requirements, known: set[str], settled: SettledFacts) -> bool:
        if any(proved <= settled for proved in self._irrelevant.get(fact, [])):
            return False
        state = self._space.state(requirements, known)
        few = sum(len(values) > 1 for values in state.domains.values()) <= _FEW
        if self._witnessed(fact, state, brief=few):
            return True
        blocked = self._blocked(fact, state, settled)
        if not blocked and ((few and self._witnessed(fact, state)) or not self._equal(fact, state)):
            return True
        if requirements.tools and "tools" in known and self._tiers_part(fact, requirements, known, state):
            return True
        self._irrelevant.setdefault(fact, []).append(settled)
        return False

    # --- proofs ---------------------------------------------------------------------------------------------------

    def _blocked(self, fact: str, state: State, settled: SettledFacts) -> bool:
        """Return whether a shared proof shows that this fact cannot change the outcome."""
        gate = self._space.gate(fact)
        if gate is None:
            return self._space.closed(fact, state)
        proofs = self._irrelevant.setdefault(gate.outputs[0], [])
        if any(proved <= settled for proved in proofs):
            return True
        if self._space.closed(fact, state):
            return True
        if self._space.gate_is_closed(gate, state):
            proofs.append(settled)
            return True
        return False

    def _equal(self, fact: str, state: State) -> bool:
        """Return whether all values of `fact` always give the same outcome. Otherwise, store a witness."""
        example = self._space.parted(fact, state)
        if example is not None:
            self._witnesses.setdefault(fact, []).insert(0, example)
        return example is None

    def _tiers_part(self, fact: str, requirements: Requirements, known: set[str], state: State) -> bool:
        """Return whether the decision of a possible tier of the tools depends on `fact`."""
        if "tiered" not in self._space.patterns(state):
            return False
        everything = {tool.name for tool in requirements.tools}
        substitutes = (False, True) if True in state.domains.get("operations.direct_llm", (True,)) else (False,)
        for carrying, lost in self._divisions(requirements, state):
            inside = stateful_part(requirements, carrying, lost)
            outside = [
                (stateless_part(requirements, everything - carrying, lost, substitute=substitute), substitute)
                for substitute in substitutes
            ]
            tiers = [(tier, known.union(stateless_values(substitute))) for tier, substitute in outside]
            for tier, settled in (*tiers, (inside, known.union(STATEFUL))):
                inner = self._space.state(tier, settled)
                if fact not in settled and (self._witnessed(fact, inner) or not self._equal(fact, inner)):
                    return True
        return False

    def _divisions(self, requirements: Requirements, state: State) -> set[tuple[frozenset[str], frozenset[str]]]:
        """Return the possible sets of tools of the stateful tier, each with the features that need a session."""
        domains = self._advisor.space.domains
        contexts = product(*(state.domains.get(name, domains[name]) for name in CONTEXT))
        tools = needs_of_tools(requirements)
        found = set()
        features = self._advisor.division.features
        lost_sets = {
            (features(context, substitute=replaced), features(without_store(context), substitute=replaced))
            for context in contexts
            for replaced in (False, True)
        }
        for lost, storeless in lost_sets:
            required, preferred = (
                {feature for tool in tools for feature, need in tool if need == level and feature in lost}
                for level in ("required", "preferred")
            )
            # The file can also require a feature that no listed tool requires.
            for needed in (required, required | {_UNLISTED}):
                bound = stateful_tools(tools, needed, preferred, storeless)
                if bound is not None:
                    names = frozenset(
                        tool.name for tool, stateful in zip(requirements.tools, bound, strict=True) if stateful
                    )
                    found.add((names, lost))
        return found

    # --- witnesses ------------------------------------------------------------------------------------------------

    def _witnessed(self, fact: str, state: State, *, brief: bool = False) -> bool:
        """Return whether a completion shows that `fact` matters. A `brief` search tries fewer completions."""
        for completion in self._completions(fact, state, brief=brief):
            if self._differs(fact, state, completion):
                kept = self._witnesses.setdefault(fact, [])
                if completion not in kept:
                    kept.insert(0, completion)
                    del kept[_KEPT:]
                return True
        return False

    def _completions(self, fact: str, state: State, *, brief: bool) -> Iterator[dict[str, Value]]:
        free = [name for name, values in state.domains.items() if len(values) > 1 and name != fact]
        for witness in tuple(self._witnesses.get(fact, ())):
            yield {name: witness.get(name, state.facts[name]) for name in free}
        if not self._tries:
            return
        if not brief:
            # For each condition of a rule, some examples of the rules fulfil it and other examples do not.
            # If few facts are open, many examples have the same values for these facts.
            named = [name for name in free if name in self._advisor.network.base]
            of_free = itemgetter(*named, *named[:1]) if named else lambda example: ()  # at least two, for a tuple
            rest = {name: state.facts[name] for name in free if name not in named}
            for values in dict.fromkeys(map(of_free, _examples(self._advisor))):
                yield {**rest, **dict(zip(named, values, strict=False))}
        random = Random(fact)
        # With more open facts, a proof takes longer. Then it is worth trying more completions first.
        tries = self._tries if brief else self._tries * max(1, len(free) // 3)
        for count in range(tries):
            # Completions near the defaults come first, because most relevant facts matter in a common deployment.
            chance = count / tries
            yield {n: random.choice(state.domains[n]) if random.random() < chance else state.facts[n] for n in free}

    def _differs(self, fact: str, state: State, completion: Mapping[str, Value]) -> bool:
        """Return whether the values of `fact` give different outcomes for one completion of the other open facts."""
        network = self._space.network
        facts = dict(state.facts)
        # Without listed tools, tools.separable is open. No node must compute it from an empty list.
        network.revise(facts, completion, self._plan_of("", open_tools=not state.tools))
        plan = self._plan_of(fact, open_tools=not state.tools)
        first = None
        for value in state.domains[fact]:
            old = network.revise(facts, {fact: value}, plan)
            found = outcome(tuple(facts[name] for name in CORE_FACTS))
            if first is None:
                first = found
            elif found != first:
                return True
            facts.update(old)
        return False

    def _plan_of(self, fact: str, *, open_tools: bool) -> Plan:
        """Return the nodes from `fact` to the outcome, or all nodes before the outcome if `fact` is empty."""
        asked = (fact, open_tools)
        if asked not in self._plans:
            network = self._space.network
            plan = network.between(fact, CORE_FACTS) if fact else network.plan(CORE_FACTS)
            self._plans[asked] = tuple(entry for entry in plan if not (open_tools and SEPARABLE in entry[2]))
        return self._plans[asked]


@lru_cache(maxsize=1)
def _examples(advisor: Advisor) -> list[dict[str, Value]]:
    """Return base facts for which decision rules apply: examples of rules, and combinations of two examples.

    A combination has the facts in which the first example differs from the defaults, then those of the second example.
    A proof tries all values of all facts together, so a completion can have any combination too.
    """

    def of(example: Mapping[str, Any]) -> dict[str, Value]:
        facts = base_facts(example_requirements(advisor, example), advisor.space)
        return {name: facts[name] for name in advisor.network.base}

    default = of({})
    examples = [
        (table.table, {name: value for name, value in of(rule.examples["hit"]).items() if value != default[name]})
        for table, rule in advisor.knowledge.rules.values()
        if table.role == "decision"
    ]
    both = [{**other, **example} for (first, example), (second, other) in combinations(examples, 2) if first != second]
    return [default | changed for changed in (*(example for _, example in examples), *both)]


def _name(fact: str) -> str:
    return SEPARABLE if fact == "tools" else fact
