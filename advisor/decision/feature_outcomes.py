"""The outcomes of features: the result that a client of a protocol era observes in a configuration.

The capability data has the outcome of the SDK. If a feature works in the SDK, the table with the role `cell` decides
whether it also works in the topology. A new measurement changes the outcomes, and so the needs that the rules use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from advisor.engine.rules import Rule
from advisor.engine.table import DecisionTable, Hit
from advisor.knowledge.capabilities import CapabilityCell
from advisor.knowledge.features import Carriage, Feature, FeatureCall
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import Era, Outcome, flag_key

# Outcomes from the best to the worst. An error is better than the other losses, because server code can handle it.
_CLARITY: tuple[Outcome, ...] = ("works", "error", "dropped", "hang", "unreachable", "unsupported")


class Configuration(NamedTuple):
    """The configuration on which the outcome of a feature depends.

    Attributes:
        sdk: a release range, which is a value of the fact `sdk`.
        stateless_http: the flag `stateless_http`.
        json_response: the flag `json_response`.
        processes: `one` or `many`.
        owner: how a request reaches the instance that owns its session: `single`, `proxy` or `directory`; `any` if
            nothing leads the request to this instance.
        store: the shared store, `redis` or `none`.
        sse: whether the proxy lets SSE streams pass, `passes` or `blocked`.
    """

    sdk: str
    stateless_http: bool
    json_response: bool
    processes: str
    owner: str
    store: str
    sse: str


class ConfigurationOutcome(NamedTuple):
    """The outcome of a feature, with its call and its evidence.

    Attributes:
        outcome: the outcome, as in the public contract.
        call: the call with the best outcome, as written in server code; "" if the SDK has no call.
        cell: the capability cell of the call, or None.
        rule: the rule of the table `cell` that decides; None if the SDK alone decides.
    """

    outcome: Outcome
    call: str
    cell: CapabilityCell | None
    rule: Rule | None


class FeatureOutcomes:
    """Computes outcomes and caches them, because every decision needs many outcomes of few configurations."""

    def __init__(self, space: FactSpace) -> None:
        """Create the outcomes for the capability data of `space`."""
        knowledge = space.knowledge
        domains = {**space.domains, **knowledge.table_of_role("cell").domains}
        self.delivery = DecisionTable(knowledge.table_of_role("cell"), domains)
        self.features = knowledge.features
        self._space = space
        self._measured: dict[str, Mapping[tuple[str, str], CapabilityCell]] = {}
        self._memo: dict[tuple[str, Era, Configuration], ConfigurationOutcome] = {}
        self._delivered: dict[tuple[object, ...], Hit] = {}

    def _of_release(self, sdk: str) -> Mapping[tuple[str, str], CapabilityCell]:
        """Return the capability cells of a release range, by feature and call."""
        if sdk not in self._measured:
            release = self._space.releases[sdk]
            self._measured[sdk] = {
                (cell.feature, cell.call): cell
                for package in self._space.capabilities
                if package.package == release.package
                for cell in package.cells
                if cell.covers(release)
            }
        return self._measured[sdk]

    def observe(self, feature: str, era: Era, configuration: Configuration) -> ConfigurationOutcome:
        """Return the outcome of `feature` for a client of `era`, for the call with the best outcome."""
        asked = (feature, era, configuration)
        found = self._memo.get(asked)
        if found is None:
            found = self._memo[asked] = self._best(self.features[feature], era, configuration)
        return found

    def works(self, feature: str, era: Era, configuration: Configuration) -> bool:
        """Return whether the feature works for clients of `era`: whether a call works that is delivered."""
        cells = self._of_release(configuration.sdk)
        key = flag_key(configuration.stateless_http, configuration.json_response)
        for call in self.features[feature].calls:
            carriage: Carriage | None = getattr(call, era)
            cell = None if call.partial or carriage is None else cells.get((feature, call.call))
            alone = cell is not None and getattr(cell, era)[key] == "works"
            if alone and carriage and self._delivery(carriage, era, configuration).outputs["outcome"] == "works":
                return True
        return False

    def others(self, feature: str, era: Era, at: Configuration) -> tuple[tuple[str, Outcome], ...]:
        """Return the other calls of the SDK release with their outcomes, except the call that `observe` returns."""
        best = self.observe(feature, era, at).call
        found = []
        for call in self.features[feature].calls:
            cell = self._of_release(at.sdk).get((feature, call.call))
            if cell is None or call.partial or call.call == best:
                continue
            outcome: Outcome = getattr(cell, era)[flag_key(at.stateless_http, at.json_response)]
            if outcome != "unsupported":  # else the SDK or the protocol era does not have the call
                delivered = self._call(self.features[feature], call, era, at) if getattr(call, era) else None
                found.append((call.call, delivered.outcome if delivered else outcome))
        return tuple(found)

    def _best(self, feature: Feature, era: Era, configuration: Configuration) -> ConfigurationOutcome:
        calls = [self._call(feature, call, era, configuration) for call in feature.calls if not call.partial]
        return min(
            (outcome for outcome in calls if outcome is not None),
            key=lambda outcome: _CLARITY.index(outcome.outcome),
            default=ConfigurationOutcome("unsupported", "", None, None),
        )

    def _call(self, feature: Feature, call: FeatureCall, era: Era, at: Configuration) -> ConfigurationOutcome | None:
        cell = self._of_release(at.sdk).get((feature.id, call.call))
        if cell is None:
            return None
        carriage: Carriage | None = getattr(call, era)
        outcome: Outcome = getattr(cell, era)[flag_key(at.stateless_http, at.json_response)]
        if outcome == "unsupported" or carriage is None:
            return ConfigurationOutcome("unsupported", call.call, cell, None)
        # If requests do not reach the instance that owns the session, the outcome of the SDK has no effect.
        hit = self._delivery(carriage, era, at)
        delivered: Outcome = hit.outputs["outcome"]  # type: ignore[assignment]
        if delivered == "unreachable" or outcome == "works":
            return ConfigurationOutcome(delivered, call.call, cell, hit.rules[0])
        return ConfigurationOutcome(outcome, call.call, cell, None)

    def _delivery(self, carriage: Carriage, era: Era, at: Configuration) -> Hit:
        """Return what happens to the messages of a call, whatever the SDK does."""
        asked = (carriage.scope, carriage.channel, era, at.stateless_http, at.processes, at.owner, at.store, at.sse)
        found = self._delivered.get(asked)
        if found is None:
            found = self._delivered[asked] = self.delivery.evaluate(
                {
                    "era": era,
                    "session": "stateless" if at.stateless_http else "stateful",
                    "scope": carriage.scope,
                    "channel": carriage.channel,
                    "processes": at.processes,
                    "owner": at.owner,
                    "store": at.store,
                    "sse": at.sse,
                }
            )
        return found
