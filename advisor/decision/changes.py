"""Finds changes of the requirements that lead to another decision: it changes facts and decides again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from advisor.decision.change_lists import Move, Ranked, by_effort, ranked, smallest
from advisor.decision.change_steps import KIND as _KIND
from advisor.decision.change_steps import ChangeStep, step
from advisor.decision.core import CORE_FACTS, Core, core_of
from advisor.decision.derived_facts import REPLACED
from advisor.decision.model import Alternative, Counterfactual
from advisor.engine.network import Network, Plan, Row
from advisor.engine.rules import Value
from advisor.engine.table import DecisionTable
from advisor.knowledge.facts import FactChange
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN, FactSpace, holds
from advisor.knowledge.types import NEEDS, Raw
from advisor.knowledge.versions import key
from advisor.requirements.hops import HOPS, SETTLED

_REMEMBERED = 50_000  # largest number of cached cores, about 20 MB; a full cache is emptied

_PLATFORM = "environment.platform"
_WORKERS = "scale.workers"

_HOP_EFFORT = 3  # effort of the removal of a hop, as of a change of the last hop


class FactOption(NamedTuple):
    """A new value of a fact.

    Attributes:
        name: the fact.
        value: the new value.
        moves: the smallest change with this value, then larger changes. A larger change counts only if the smaller
            change has no effect.
    """

    name: str
    value: Value
    moves: tuple[Move, ...]


class Changes:
    """Decides again with changed facts."""

    def __init__(self, space: FactSpace, network: Network, deciding: DecisionTable) -> None:
        """Create the changes of the facts of `space`, which `network` evaluates. `deciding` decides the pattern."""
        self._space = space
        self._network = network
        self._deciding = deciding
        relevant = network.dependencies_of(CORE_FACTS)
        implies = [(name, implied) for name, _, implied in space.implied if implied.fact in relevant]
        self._implying = {name for name, _ in implies}
        self._restricting = {(name, value) for name, value, _ in space.implied}
        known = relevant | self._implying
        self._facts = [name for name in space.facts if name in known and len(space.domains[name]) > 1]
        # A change of these facts can change other facts, because they imply them or are a condition for them.
        conditions = [implied.only_when for _, implied in implies] + [
            only for name, _, only in space.bound if name in known
        ]
        self._linked = self._implying.union(only.fact for only in conditions if only is not None)
        # What follows from a change depends on these facts.
        onlys = [only for _, _, only in space.bound] + [found.only_when for _, _, found in space.implied]
        self._conditions = {REPLACED, *(name for name, *_ in space.bound), *(only.fact for only in onlys if only)}
        self._conditions |= {fact for name, _, found in space.implied for fact in (name, found.fact)}
        self._followers = {
            name: [fact for fact in space.facts.values() if name in fact.follows and fact.capability]
            for name in self._facts
        }
        self._platforms = {proxy.id for proxy in space.knowledge.proxies.values() if proxy.runs_servers}
        self._refusing = {proxy.id for proxy in space.knowledge.proxies.values() if proxy.refuses}
        self._unfit = {proxy.id for proxy in space.knowledge.proxies.values() if proxy.retired} | {OTHER}
        self._gateways = {proxy.id for proxy in space.knowledge.proxies.values() if proxy.mcp_sessions}
        self._values = {name: self._alternatives(name) for name in self._facts}
        self._plan = network.plan(CORE_FACTS)
        self._plans = {
            name: self._plan if name in self._linked else network.between(name, CORE_FACTS) for name in self._facts
        }
        # The cache of cores uses only the base facts on which a core depends. Similar requirements share most entries.
        sources = tuple(name for name in network.base if name in relevant)
        self._row = itemgetter(*sources)
        self._index = {name: index for index, name in enumerate(sources)}
        self._cores: dict[Row, Core] = {}
        self._distinct: dict[Core, Core] = {}
        self._told: dict[tuple[Value, ...], tuple[dict[str, Any], int | None, str]] = {}

    def _alternatives(self, name: str) -> list[Value]:
        # A team cannot make a known fact unknown, and cannot put the proxy of a platform in front of other servers. No
        # change to a gateway that refuses clients, to a retired proxy or to an unnamed proxy is suggested.
        excluded = {UNKNOWN, *(self._platforms | self._refusing | self._unfit if name == _KIND else ())}
        excluded |= {
            choice.value for choice in self._space.facts[name].values if choice.deprecated or not choice.suggested
        }
        return [value for value in self._space.domains[name] if value not in excluded]

    def redecide(self, facts: Mapping[str, Any], changes: Mapping[str, Value]) -> Core:
        """Return the core after some base facts change."""
        return core_of(self._revised(facts, changes))

    def _revised(self, facts: Mapping[str, Any], changes: Mapping[str, Value]) -> dict[str, Any]:
        revised = dict(facts)
        self._network.revise(revised, self.consequences(changes, facts), self._plan)
        return revised

    def _unreached(self, facts: Mapping[str, Any], move: Move) -> str:
        """Return why no client can connect after a change, as the title of the rule, or ""."""
        after = self._revised(facts, move)
        return "" if after["clients.reached"] == "yes" else self._deciding.evaluate(after).rules[0].title

    def has_consequences(self, move: Move) -> bool:
        """Return whether a change can change other facts that the requirements state or imply."""
        return not self._linked.isdisjoint(move)

    def affects_consequences(self, names: Collection[str]) -> bool:
        """Return whether what follows from other changes depends on these facts."""
        return not self._conditions.isdisjoint(names)

    def consequences(self, move: Move, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a change with everything that follows from it.

        A fact without a meaning after the change gets its default value. A fact that another fact implied before the
        change gets the value that it has without the implication.
        """
        if not self.has_consequences(move):
            return move
        plain = {**facts, **facts[REPLACED], **move}
        bound = {
            name: self._space.bin(name, fact.default)
            for name, fact, only in self._space.bound
            if not holds(only, plain)
        }
        plain |= bound
        implied = {name: found.value for name, found in self._space.implications(plain).items()}
        after = {**plain, **implied}
        touched = dict.fromkeys((*move, *bound, *facts[REPLACED], *implied))
        changes = {name: after[name] for name in touched if after[name] != facts[name]}
        return {**changes, REPLACED: {name: plain[name] for name in implied}}

    def counterfactuals(self, facts: Mapping[str, Any]) -> tuple[Counterfactual, ...]:
        """Return every change of one fact that leads to another core, the easiest first.

        Changes that the team cannot make come last.
        """
        here = self._row(facts)
        now = core_of(facts)
        revised = dict(facts)
        found: list[tuple[Move, Core]] = []
        for option in self.options(facts):
            for move in option.moves:
                changes = self.consequences(move, facts)
                row = self._changed(here, changes)
                then = self._cores.get(row)
                if then is None:
                    then = self._vary(revised, changes, self.plan_of(option.name, move), row)
                if then != now:
                    found.append((move, then))
                    break
        others = []
        for move, then in smallest(found):
            change, effort, how = self._tell(move, facts)
            unreached = "" if then.feasible else self._unreached(facts, move)
            others.append(Counterfactual(change, then, effort, how, unreached=unreached))
        return tuple(sorted(others, key=by_effort))

    def plan_of(self, name: str, move: Move) -> Plan:
        """Return the nodes that a change can affect; `name` is its main fact."""
        return self._plans[name] if len(move) == 1 else self._plan

    def _changed(self, row: Row, changes: Mapping[str, Any]) -> Row:
        """Return the row of the cache after `changes`."""
        revised = list(row)
        for name, value in changes.items():
            if name in self._index:
                revised[self._index[name]] = value
        return tuple(revised)

    def _vary(self, facts: dict[str, Any], changes: Mapping[str, Any], plan: Plan, row: Row) -> Core:
        """Return the core after a change, and cache it for `row`. `facts` does not change."""
        old = self._network.revise(facts, changes, plan)
        core = core_of(facts)
        facts.update(old)
        if len(self._cores) >= _REMEMBERED:
            self._cores.clear()
        self._cores[row] = self._distinct.setdefault(core, core)
        return core

    def options(self, facts: Mapping[str, Any]) -> Iterator[FactOption]:
        """Yield each other value of each fact that has a meaning for a deployment with these facts."""
        for name, values in self._values.items():
            now = facts[name]
            if self._meaningful(name, facts):
                for value in values:
                    if value is not now and value != now and self._applies(name, now, value, facts):
                        yield FactOption(name, value, self._moves(name, value, facts))

    def _moves(self, name: str, value: Value, facts: Mapping[str, Any]) -> tuple[Move, ...]:
        move = {name: value}
        if name == _PLATFORM and facts[_KIND] in self._platforms:
            move[_KIND] = self._space.facts[_KIND].default  # the load balancer of a platform serves only this platform
        followers = self._followers[name]
        if not followers:
            return (move,)
        after = {**facts, **self.consequences(move, facts)}
        also = {
            fact.id: fact.capability.having
            for fact in followers
            if fact.capability and after[fact.id] == fact.capability.without and fact.id not in after[REPLACED]
        }
        return (move, {**move, **also}) if also else (move,)

    def _applies(self, name: str, now: Value, value: Value, facts: Mapping[str, Any]) -> bool:
        if name == _PLATFORM:
            kind = facts[_KIND]  # a change of the platform also replaces the proxy of a platform
            return kind in self._platforms or self._space.knowledge.proxies[kind].possible_on(str(value))
        if name == _KIND:
            if not self._available(str(value), facts):
                return False
            if facts["proxy.refuses"] != "none" and value not in self._gateways:
                return value == "none" and facts[HOPS] == "none"  # another gateway replaces a gateway, or no proxy
            return value != "none" or facts[HOPS] == "none"  # a hop is a proxy
        if name == "sdk" and facts["mcp.expiry"] not in ("not-needed", "assumed"):
            return False  # Another SDK release might not allow the stated mcp release.
        return name != "sdk" or self._steps_forward(now, value)

    def _available(self, kind: str, facts: Mapping[str, Any]) -> bool:
        """Return whether a team with these facts can use a proxy: it exists on their platform and in their cloud."""
        proxies = self._space.knowledge.proxies
        proxy = proxies[kind]
        return proxy.possible_on(facts[_PLATFORM]) and proxy.cloud in ("", proxies[facts[_KIND]].cloud)

    def _steps_forward(self, old: Value, new: Value) -> bool:
        """Return whether a Python release is the newest of its line, and no downgrade within a package."""
        now, then = self._space.releases[str(old)], self._space.releases[str(new)]
        if now.kind != "python" or then.kind != "python" or not then.holds(then.line.newest):
            return False  # Another language means another server.
        return now.package != then.package or key(now.start) < key(then.start)

    def _meaningful(self, name: str, facts: Mapping[str, Any]) -> bool:
        if name == _KIND and facts[_KIND] in self._platforms:
            return False  # Another proxy then means another platform.
        if name in facts.get(SETTLED, ()):
            return False
        if name in facts[REPLACED]:
            return False  # Another fact then decides the value.
        if name in self._implying and (name, facts[name]) not in self._restricting:
            return False  # Another value can only restrict the deployment further.
        fact = self._space.facts[name]
        return holds(fact.only_when, facts) and holds(fact.only_with, facts)

    def _tell(self, move: Move, facts: Mapping[str, Any]) -> tuple[dict[str, Any], int | None, str]:
        """Return a change as in the requirements file, its effort, and how to make it. The main fact has the effort."""
        name, new = next(iter(move.items()))
        old, kind = facts[name], facts[_KIND]
        asked = (*move.items(), old, kind)
        told = self._told.get(asked)
        if told is None:
            change = self.change(name, old, new)
            how = " ".join(made.how for made in self.steps(move, facts)) if change else ""
            raw = {fact: self._space.typical(fact, value) for fact, value in move.items()}
            told = self._told[asked] = (raw, change.effort if change else None, how)
        return told

    def steps(self, move: Move, facts: Mapping[str, Any], core: Core | None = None) -> Iterator[ChangeStep]:
        """Yield how to make each part of a change."""
        place = (str(facts[_KIND]), str(move.get(_KIND, facts[_KIND])), str(move.get(_PLATFORM, facts[_PLATFORM])))
        for name, value in move.items():
            if change := self.change(name, facts[name], value):
                yield step(name, value, change, place, core, self._space)

    def ways_out(self, facts: Mapping[str, Any], shorter: tuple[Raw, Core] | None = None) -> tuple[Alternative, ...]:
        """Return the changes that resolve a contradiction, the least effort first.

        These are changes of one fact. If no such change resolves the contradiction, these are changes of two facts. If
        no pair resolves it, every required feature becomes preferred, with one or two other changes if necessary.

        Args:
            facts: the facts of the contradiction.
            shorter: a path with fewer hops that resolves the contradiction, with its core.
        """
        possible = [option for option in self.options(facts) if self._can_change(option.name, option.value, facts)]
        found = [self._shorter(*shorter)] if shorter else []
        alone = self._feasible(facts, possible)
        found += [self._way_out(move, then, facts) for move, then in [*alone, *self._without_workers(facts, possible)]]
        if not found:
            found = list(self._pairs(facts, possible, {}))
        if not found:
            demoted: dict[str, Value] = {n: "preferred" for n in self._values if facts[n] == "required"}
            then = self.redecide(facts, demoted)
            found = [self._way_out(demoted, then, facts)] if then.feasible else []
            if not found:  # No configuration serves these clients, whatever they need: another fact must change.
                weaker = {**facts, **demoted}
                self._network.evaluate(weaker)
                others = [option for option in possible if option.name not in demoted]
                feasible = self._feasible(weaker, others)
                found = [self._way_out({**demoted, **move}, then, facts) for move, then in feasible]
                found = found or list(self._pairs(facts, others, demoted))
        return tuple(ranked(found, self._space.knowledge.phrases))

    def _feasible(self, facts: Mapping[str, Any], possible: list[FactOption]) -> list[tuple[Move, Core]]:
        """Return the smallest change of each possible option that resolves the contradiction, with its new core."""
        revised = dict(facts)
        found: list[tuple[Move, Core]] = []
        for option in possible:
            for move in option.moves:
                old = self._network.revise(revised, self.consequences(move, revised), self.plan_of(option.name, move))
                then = core_of(revised) if revised["pattern"] != "contradiction" else None
                revised.update(old)
                if then is not None:
                    found.append((move, then))
                    break
        return smallest(found)

    def _without_workers(self, facts: Mapping[str, Any], possible: list[FactOption]) -> list[tuple[Move, Core]]:
        """Return the changes that resolve the contradiction only with one worker for each instance.

        No proxy can select one of several workers that share a port.
        """
        one = [option for option in possible if option.name == _WORKERS and option.value == "one"]
        if not one or self._feasible(facts, one):
            return []
        first, revised = one[0].moves[0], dict(facts)
        self._network.revise(revised, self.consequences(first, revised), self._plan)
        others = [option for option in possible if option.name != _WORKERS and not option.name.startswith("needs.")]
        known = {part for move, _ in self._feasible(facts, others) for part in move.items()}
        together = self._feasible(revised, others)
        return [({**first, **move}, then) for move, then in together if known.isdisjoint(move.items())]

    def _pairs(self, facts: Mapping[str, Any], possible: list[FactOption], also: dict[str, Value]) -> Iterator[Ranked]:
        """Yield the pairs of possible changes that, together with the changes in `also`, resolve the contradiction."""
        revised = {**facts, **also}
        self._network.evaluate(revised)
        for index, option in enumerate(possible):
            first = option.moves[0]
            old = self._network.revise(revised, self.consequences(first, revised), self.plan_of(option.name, first))
            others = [other for other in possible[index + 1 :] if other.name not in first]
            for second, then in self._feasible(revised, others):
                yield self._way_out({**also, **first, **second}, then, facts)
            revised.update(old)

    def _can_change(self, name: str, value: Value, facts: Mapping[str, Any]) -> bool:
        if name.startswith("needs.") and NEEDS.index(value) >= NEEDS.index(facts[name]):
            return False  # A stronger need cannot resolve a contradiction.
        if name.startswith("needs.") and value == "none":
            return False  # If "none" resolves the contradiction, "preferred" does too.
        if name in ("scale.instances", "scale.workers") and value == "many":
            return False
        return self.change(name, facts[name], value) is not None

    def change(self, name: str, old: Value, new: Value) -> FactChange | None:
        """Return the effort and the description of a change; None if the team cannot make the change."""
        change = self._space.facts[name].change
        if change is not None and change.old and (old not in change.old or new not in change.new):
            return None
        if name != "sdk" or change is None:
            return change
        same_package = self._space.releases[str(old)].package == self._space.releases[str(new)].package
        return change if same_package else None

    def _way_out(self, changes: Move, then: Core, facts: Mapping[str, Any]) -> Ranked:
        efforts = [self.change(name, facts[name], value) for name, value in changes.items()]
        effort = sum(change.effort for change in efforts if change)
        gives_up = [name.removeprefix("needs.") for name in changes if name.startswith("needs.")]
        if then.substitute == "direct-llm":
            gives_up.append("sampling")
        raw = {name: self._space.typical(name, value) for name, value in changes.items()}
        steps = list(self.steps(changes, facts, then))
        how, titles = " ".join(made.how for made in steps), tuple(made.title for made in steps)
        alternative = Alternative(then, raw, tuple(gives_up), how, self._because(then), titles=titles)
        return (len(gives_up), effort), alternative

    def _shorter(self, hops: Raw, core: Core) -> Ranked:
        given_up = ("sampling",) if core.substitute == "direct-llm" else ()
        title, how = (self._space.knowledge.phrases[f"change.hops{part}"] for part in (".title", ""))
        way = Alternative(core, {HOPS: hops}, given_up, how, self._because(core), titles=(title,))
        return (len(given_up), _HOP_EFFORT), way

    def _because(self, core: Core) -> str:
        return f"The result is {self._space.knowledge.phrases[core.phrase]}."
