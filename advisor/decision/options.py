"""Makes the comparison of a decision: every configuration of rules/configurations.yaml with its flag pairs.

Each option is forced into the facts of the decision, and the same tables give its flags, features and tiers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from advisor.decision.advisor import Advisor
from advisor.decision.comparison import Barrier, Comparison, DeploymentOption, OptionTier, WinningChange
from advisor.decision.connections import added_program
from advisor.decision.core import Core, core_of
from advisor.decision.derived_facts import CONTEXT
from advisor.decision.losses import assumed
from advisor.decision.model import Decision, FeatureRow
from advisor.decision.pattern_words import pattern_in_words
from advisor.decision.ranking import Situation, ranked, standing
from advisor.decision.switches import rows_without_flags
from advisor.decision.tiers import SEPARABLE
from advisor.decision.unsure import without_doubts
from advisor.decision.wins import Wins, WinTarget, target_of
from advisor.engine.rules import Rule, RuleTable, Value
from advisor.engine.table import DecisionTable, Domains, admitted, show
from advisor.knowledge import Knowledge
from advisor.knowledge.configurations import PossibleConfiguration
from advisor.knowledge.options import EstimateSubject, OptionEstimate
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.types import NEEDS
from advisor.requirements.completion import changed
from advisor.requirements.hops import hops_of
from advisor.requirements.model import Requirements

_OPTION_FACTS: Mapping[str, tuple[Value, ...]] = {
    "option.lost": NEEDS,
    "option.flags": ("same", "changed", UNKNOWN),
    "option.proxy": ("kept", "added"),
    "option.sessions": ("yes", "no"),
}
"""The facts of rules/options.yaml that describe an option, with their values."""

_TRANSPORT = "transport"

_LISTING = 3
"""The effort to list the tools with their needs, and to divide them between two tiers."""


class _Forced(NamedTuple):
    """An option on the way: its entry, its barriers, every fact, and the values of the flags that the tables choose."""

    entry: PossibleConfiguration
    barriers: tuple[Barrier, ...]
    facts: dict[str, Any]
    stateless_http: bool
    json_response: bool

    @property
    def kind(self) -> str:
        return (
            self.entry.pattern if self.entry.substitute == "none" else f"{self.entry.pattern}+{self.entry.substitute}"
        )


class Comparer:
    """Compares the options for decisions of an advisor."""

    def __init__(self, advisor: Advisor) -> None:
        """Compile the estimates.

        Raises:
            KnowledgeError: an estimate has a condition on an unknown fact or value.
        """
        self._advisor = advisor
        self._space = advisor.space
        self._knowledge = advisor.knowledge
        self._wins = Wins(advisor.changes, advisor.network, advisor.space)
        self._order = tuple(advisor.knowledge.order.values())
        self._estimates = estimate_tables(advisor.knowledge, advisor.space)

    def compare(self, decision: Decision, *, searched: int = 2) -> Comparison:
        """Return the options for the requirements of a decision.

        Args:
            decision: the decision, of the same advisor.
            searched: how many facts the search changes together to make another option the decision: 0, 1 or 2.
        """
        forced = [*self._candidates(decision)]
        options = [self._option(candidate, decision) for candidate in forced]
        options = self._with_changes(options, decision, searched)
        facts = decision.facts
        flags: dict[str, tuple[bool, dict[bool, bool]]] = {}
        for candidate, option in zip(forced, options, strict=True):
            flags.setdefault(candidate.kind, (candidate.stateless_http, {}))
            flags[candidate.kind][1][option.core.flags.stateless_http] = candidate.json_response
        alone = self._advisor.lost.lost_features(tuple(facts[name] for name in CONTEXT), "need.alone")
        lost = ({(row.feature, era) for row, era, _ in option.failing("preferred")} for option in options)
        never = frozenset(set.intersection(*lost)) if options else frozenset()
        at = Situation(facts, decision.patterns, alone, never, flags)
        options = [option._replace(standing=standing(option, self._order, at)) for option in options]
        return Comparison(decision, ranked(options, self._order, self._knowledge.phrases), self._order)

    def _candidates(self, decision: Decision) -> Iterator[_Forced]:
        """Yield each configuration with each flag pair."""
        facts = decision.facts
        replaceable = any(row.need != "none" and self._replaceable(row) for row in decision.features)
        for entry in self._knowledge.configurations.values():
            if entry.when[_TRANSPORT] != facts[_TRANSPORT]:
                continue
            if entry.substitute != "none" and not replaceable and decision.core.substitute == "none":
                continue
            barriers = tuple(self._barriers(entry, facts))
            overcome = {barrier.fact: entry.when[barrier.fact] for barrier in barriers}
            base = dict(facts)
            self._advisor.network.revise(base, {n: v for n, v in overcome.items() if not isinstance(v, dict)})
            stateless = base["stateless_http"]
            if base["pattern"] != entry.pattern:
                stateless = base["sessions.single"] != "keep"
            for chosen in entry.stateless_http:
                at = dict(base)
                outputs = {"pattern": entry.pattern, "owner": entry.owner, "substitute": entry.substitute}
                self._advisor.network.revise(at, {**outputs, "stateless_http": chosen})
                json = at["json_response"]
                stateless = stateless if len(entry.stateless_http) > 1 else chosen
                # Each tier gets its own response mode from the tables.
                for response in [json] if entry.pattern == "tiered" else entry.json_response:
                    there = dict(at)
                    self._advisor.network.revise(there, {"json_response": response})
                    yield _Forced(entry, barriers, there, stateless, json)

    def _replaceable(self, row: FeatureRow) -> bool:
        return bool(self._knowledge.features[row.feature].substitute)

    def _barriers(self, entry: PossibleConfiguration, facts: Mapping[str, Any]) -> Iterator[Barrier]:
        for name, condition in entry.when.items():
            if facts[name] not in admitted(condition, self._space.domains[name], entry.id):
                value = facts["tools"] if name == SEPARABLE else facts[name]
                yield Barrier(name, facts[name], *barrier_words(name, value, self._knowledge.phrases))

    def _option(self, forced: _Forced, decision: Decision) -> DeploymentOption:
        entry, facts = forced.entry, forced.facts
        core, requirements = core_of(facts), decision.requirements
        parts = self._advisor.tiers(requirements, facts) if self._divides(forced) else ()
        if entry.pattern == "tiered" and not parts:
            rows = self._of_one_process(facts, core)
        else:
            rows = self._advisor.feature_rows(facts, core, parts)
        tiers = tuple(OptionTier(part.name, part.core.flags, part.tools) for part in parts)
        core = core._replace(flags=tiers[0].flags) if tiers else core
        chosen = decision.feasible and target_of(core) == target_of(decision.core)
        rows = decision.features if chosen else self._reworded(rows, decision)
        means = pattern_in_words(core, requirements, facts, self._knowledge)
        if core.substitute != "none":
            means = self._knowledge.phrases[f"option.with.{core.substitute}"].format(pattern=means)
        return DeploymentOption(forced.kind, entry.id, core, means, chosen, forced.barriers, rows, tiers, {})

    def _divides(self, forced: _Forced) -> bool:
        """Whether two tiers can divide the tools, also after the barriers are gone."""
        condition = forced.entry.when.get(SEPARABLE)
        if condition is None:
            return False
        return forced.facts[SEPARABLE] in admitted(condition, self._space.domains[SEPARABLE], forced.entry.id)

    def _of_one_process(self, facts: Mapping[str, Any], core: Core) -> tuple[FeatureRow, ...]:
        """The rows of a single process with sessions and streams, which the tools of a stateful tier get."""
        there = dict(facts)
        single = {"processes": "one", "owner": "single", "stateless_http": False, "json_response": False}
        self._advisor.network.revise(there, {**single, "pattern": core.pattern, "substitute": core.substitute})
        return self._advisor.feature_rows(there, core, ())

    def _reworded(self, rows: Sequence[FeatureRow], decision: Decision) -> tuple[FeatureRow, ...]:
        if decision.kind != "python":
            return rows_without_flags(rows, decision)
        return tuple(rows) if decision.facts["sdk.measured"] == "yes" else assumed(rows)

    def _with_changes(
        self, options: Sequence[DeploymentOption], decision: Decision, searched: int
    ) -> list[DeploymentOption]:
        """Return the options with the smallest change that makes each of them the decision, and with estimates."""
        stated = without_doubts(decision.requirements, self._space)
        facts = self._advisor.facts(stated)
        missing = {target_of(option.core) for option in options if not option.chosen} if searched else set()
        found: dict[WinTarget, tuple[WinningChange, Core]] = {}
        for search in (self._wins.single, self._wins.pairs)[:searched]:
            for target, ways in search(facts, missing).items():
                if verified := self._verified(ways, target, stated):
                    found[target] = verified
            for option in options:
                target = target_of(option.core)
                if target in missing and target not in found and (listing := self._by_tools(option, facts)):
                    found[target] = listing, self._advisor.core(stated)
            missing -= found.keys()
        made = []
        for option in options:
            wins, after = found.get(target_of(option.core), (None, None))
            made.append(self._estimated(option._replace(wins=wins, searched=searched), decision, stated, after))
        return made

    def _estimated(
        self, option: DeploymentOption, decision: Decision, stated: Requirements, won: Core | None
    ) -> DeploymentOption:
        """Return the option with its estimates. They suppose the change that makes the option possible.

        Args:
            option: the option with this change.
            decision: the decision.
            stated: the requirements of the decision, without doubts.
            won: the core after the change.
        """
        core, after, facts = option.core, stated, decision.facts
        if option.wins and won and not option.possible:
            after = changed(stated, option.wins.change, self._space)
            core = core._replace(mechanism=won.mechanism)
        today = [facts[f"current.{flag}"] for flag in ("stateless_http", "json_response")]
        tiered = core.pattern == "tiered"
        last, platform = hops_of(after.values)[-1].kind, after["environment.platform"]
        added = added_program(last, core.mechanism, self._knowledge, platform=platform, tiered=tiered)
        sessions = facts["era.legacy"] == "named" and (tiered or not core.flags.stateless_http)
        own = {
            "pattern": core.pattern,
            "substitute": core.substitute,
            **core.flags._asdict(),
            "option.lost": max((need for need in NEEDS if option.failing(need)), key=NEEDS.index, default="none"),
            "option.flags": UNKNOWN if UNKNOWN in today else "same" if today == [*core.flags] else "changed",
            "option.proxy": "added" if added else "kept",
            "option.sessions": "yes" if sessions else "no",
        }
        known, at = self._knowledge.estimates, {**facts, **own}
        estimates = {about: known[table.evaluate(at).rules[0].id] for about, table in self._estimates.items()}
        return option._replace(core=core, estimates=estimates)

    def _verified(
        self, ways: Iterable[WinningChange], target: WinTarget, stated: Requirements
    ) -> tuple[WinningChange, Core] | None:
        """Return the first change after which the advisor decides for the target again, with its core."""
        for way in ways:
            core = self._advisor.core(changed(stated, way.change, self._space))
            if target_of(core) == target:
                return way, core
        return None

    def _by_tools(self, option: DeploymentOption, facts: Mapping[str, Any]) -> WinningChange | None:
        """Return that the requirements must list their tools, if tiers are the decision after this."""
        if facts["tools"] != "none" or all(barrier.fact != SEPARABLE for barrier in option.barriers):
            return None
        for value in ("yes", "with-sampling", "without-sampling"):
            listed = dict(facts)
            self._advisor.network.revise(listed, {SEPARABLE: value})
            if target_of(core_of(listed)) == target_of(option.core):
                return WinningChange({}, _LISTING, self._knowledge.phrases["option.wins.tools"])
        return None


def barrier_words(fact: str, value: Value, phrases: Mapping[str, str]) -> tuple[str, str]:
    """Return the sentences for a fact that forbids an option, for engineers and for other readers.

    Raises:
        KeyError: the rules have no sentence for the fact.
    """
    ids = (f"{kind}.barrier.{fact}" for kind in ("option", "product"))
    technical, plain = (phrases.get(f"{name} is {show(value)}") or phrases[name] for name in ids)
    return technical, plain


def estimate_tables(knowledge: Knowledge, space: FactSpace) -> dict[EstimateSubject, DecisionTable]:
    """Return the estimates of each subject as a table.

    Raises:
        KnowledgeError: an estimate has a condition on an unknown fact or value.
    """
    domains = {**space.domains, **_OPTION_FACTS}
    entries: dict[EstimateSubject, list[OptionEstimate]] = {}
    for entry in knowledge.estimates.values():
        entries.setdefault(entry.about, []).append(entry)
    return {about: _table(about, found, domains) for about, found in entries.items()}


def _table(about: str, entries: Sequence[OptionEstimate], domains: Domains) -> DecisionTable:
    inputs = dict.fromkeys(name for entry in entries for name in entry.when)
    rules = [Rule(entry.id, entry.id, "", entry.when, {about: entry.level}, entry.because, [], {}) for entry in entries]
    levels: list[Value] = [*dict.fromkeys(entry.level for entry in entries)]
    return DecisionTable(RuleTable(about, "", "", "first", [*inputs], {about: levels}, rules), domains)
