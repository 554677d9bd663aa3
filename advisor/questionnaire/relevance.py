"""Whether a fact can still change the outcome, with any values of the facts that are not known yet.

Computed from the tables, exactly. First a few completions of the open facts are decided with each value of the fact:
two outcomes that differ are a witness, and the fact matters. Only where none is found is it proved, over the whole
space of open facts: rules that are settled keep it from the outcome, or the outcomes of its values never part. What
was proved for some known facts holds as well when more of them are known.

One corner is not exact but safe: where tools are listed and may be parted into tiers, a fact that can change a tier
taken by itself counts as a fact that matters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from itertools import combinations, product
from random import Random
from typing import Any, TypeAlias

from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import example_requirements
from advisor.decision.derived_facts import CONTEXT, TOOL_NEEDS
from advisor.decision.model import CORE_FACTS
from advisor.decision.tiers import part
from advisor.engine.rules import Rule, Value
from advisor.questionnaire.reachability import SEPARABLE, Reachability, State, outcome
from advisor.requirements.model import Requirements

Settled: TypeAlias = frozenset[tuple[str, Any]]

COMPLETIONS = 40  # each takes some 30 microseconds per value of the fact
_KEPT = 8  # witnesses remembered per fact
_MOST = 3  # rules named as a reason
_ONE_PROCESS = ("scale.instances", "scale.workers")


class Relevance:
    """Answers for an advisor; remembers what it proved, and by which witnesses."""

    def __init__(self, advisor: Advisor, completions: int = COMPLETIONS) -> None:
        """Relevance to what `advisor` decides; `completions` are tried before a proof (none: everything is proved)."""
        self._advisor = advisor
        self._tries = completions
        self._space = Reachability(advisor)
        self._irrelevant: dict[str, list[Settled]] = {}
        self._answers: dict[tuple[str, Settled], bool] = {}
        self._witnesses: dict[str, list[dict[str, Value]]] = {}

    def matters(self, fact: str, requirements: Requirements, known: Collection[str]) -> bool:
        """Whether `fact` can still change the outcome.

        Args:
            fact: id of a fact; `tools` stands for whether single tools carry the needs for a session.
            requirements: what is known, and a default for everything else.
            known: the facts that are settled; `fact` is open even if it is among them.

        Returns:
            False only if every value of `fact` gives the same outcome, whatever the other open facts are.
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
        """The rules that keep an irrelevant fact from the outcome; empty if that is not so simple."""
        return self._space.barrier(_name(fact), self._space.state(requirements, known))[:_MOST]

    def facts(self, fact: str, requirements: Requirements, known: Collection[str], named: Collection[str]) -> list[str]:
        """Those of the `named` facts without each of which an irrelevant fact is seen to matter."""
        return [
            name
            for name in named
            if _name(name) in self._space.domains
            and _name(fact) in self._space.domains
            and self._witnessed(_name(fact), self._space.state(requirements, set(known) - {fact, name}), brief=True)
        ]

    def possible(self, fact: str, requirements: Requirements, known: Collection[str]) -> tuple[Rule, ...]:
        """The rules of a table after `fact` that can still fire, of the table where they are fewest."""
        fired = self._space.fired(self._space.state(requirements, known))
        return min((rules for name, rules in fired.items() if self._after(_name(fact), name)), key=len, default=())

    def _after(self, fact: str, table: str) -> bool:
        outputs = self._advisor.tables[table].outputs
        return fact in self._advisor.network.dependencies_of(outputs)

    def _decide(self, fact: str, requirements: Requirements, known: set[str], settled: Settled) -> bool:
        if any(proved <= settled for proved in self._irrelevant.get(fact, [])):
            return False
        state = self._space.state(requirements, known)
        if self._witnessed(fact, state) or not (self._blocked(fact, state, settled) or self._equal(fact, state)):
            return True
        if requirements.tools and "tools" in known and self._tiers_part(fact, requirements, known, state):
            return True
        self._irrelevant.setdefault(fact, []).append(settled)
        return False

    # --- proofs ---------------------------------------------------------------------------------------------------

    def _blocked(self, fact: str, state: State, settled: Settled) -> bool:
        """Whether a proof that holds for many facts at once covers this fact."""
        gate = self._space.gate(fact)
        if gate is None:
            return bool(self._space.barrier(fact, state))
        proofs = self._irrelevant.setdefault(gate.outputs[0], [])
        if any(proved <= settled for proved in proofs):
            return True
        if self._space.barrier(fact, state):
            return True
        if self._space.gate_is_closed(gate, state):
            proofs.append(settled)
            return True
        return False

    def _equal(self, fact: str, state: State) -> bool:
        """Whether all values of `fact` give the same outcome everywhere; else keep where they do not."""
        example = self._space.parted(fact, state)
        if example is not None:
            self._witnesses.setdefault(fact, []).insert(0, example)
        return example is None

    def _tiers_part(self, fact: str, requirements: Requirements, known: set[str], state: State) -> bool:
        """Whether a tier that the tools may be parted into, decided by itself, depends on `fact`."""
        if "tiered" not in self._space.patterns(state):
            return False
        everything = frozenset(tool.name for tool in requirements.tools)
        for carrying in self._carrying(requirements, state):
            outside = part(requirements, everything - carrying, one_process=False)
            inside = part(requirements, carrying, one_process=True)
            for tier, settled in ((outside, known), (inside, known.union(_ONE_PROCESS))):
                inner = self._space.state(tier, settled)
                if fact not in settled and (self._witnessed(fact, inner) or not self._equal(fact, inner)):
                    return True
        return False

    def _carrying(self, requirements: Requirements, state: State) -> set[frozenset[str]]:
        """The sets of tools that may need a session, in the contexts that are still possible."""
        domains = self._advisor.space.domains
        contexts = product(*(state.domains.get(name, domains[name]) for name in CONTEXT))
        lost = {self._advisor.lost.lost_features(context, "need.session") for context in contexts}
        return {frozenset(t.name for t in requirements.tools if features.intersection(t.needs)) for features in lost}

    # --- witnesses ------------------------------------------------------------------------------------------------

    def _witnessed(self, fact: str, state: State, *, brief: bool = False) -> bool:
        """Whether a completion shows that `fact` matters; a `brief` look is for what need not be complete."""
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
            # The examples of the rules stand on both sides of what each rule reads.
            for example in self._examples:
                yield {name: example.get(name, state.facts[name]) for name in free}
        random = Random(fact)
        # A proof takes the longer, the more is open: then more completions are worth trying first.
        tries = self._tries if brief else self._tries * max(1, len(free) // 3)
        for count in range(tries):
            # Near the defaults first: most facts that matter do so in an ordinary deployment.
            chance = count / tries
            yield {n: random.choice(state.domains[n]) if random.random() < chance else state.facts[n] for n in free}

    @cached_property
    def _examples(self) -> list[dict[str, Value]]:
        """Base facts for which deciding rules fire: the example of each, and those of each two of different tables."""
        hits = [
            (table.table, rule.examples["hit"])
            for table, rule in self._advisor.knowledge.rules.values()
            if table.role == "decision"
        ]
        both = [{**other, **example} for (first, example), (second, other) in combinations(hits, 2) if first != second]
        base = self._advisor.network.base
        found = []
        for example in (*(example for _, example in hits), *both):
            facts = self._space.facts(example_requirements(self._advisor, example))
            found.append({name: facts[name] for name in base})
        return found

    def _differs(self, fact: str, state: State, completion: Mapping[str, Value]) -> bool:
        """Whether the values of `fact` give several outcomes when the other open facts are as in `completion`."""
        network = self._advisor.network
        facts = dict(state.facts)
        network.revise(facts, completion)
        # While no tools are listed, their outcome is open and held: it must not be computed from an empty list.
        held = {} if state.tools else {SEPARABLE: facts[SEPARABLE]}
        outcomes = set()
        for value in state.domains[fact]:
            old = network.revise(facts, {**held, fact: value})
            outcomes.add(outcome(tuple(facts[name] for name in CORE_FACTS)))
            facts.update(old)
        return len(outcomes) > 1


def _name(fact: str) -> str:
    return SEPARABLE if fact == "tools" else fact
