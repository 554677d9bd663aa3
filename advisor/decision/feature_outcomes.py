"""The cells of the feature-loss table: what a client of an era observes of a feature in a configuration.

A cell is what the SDK does by itself (capability data) if that is a loss, else what the topology makes of it (the
table with the role `cell`). Nothing here is typed in: a new measurement changes the cells, and with them the needs
that the rules see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from advisor.engine.rules import Rule
from advisor.engine.table import DecisionTable
from advisor.knowledge.capabilities import CapabilityCell
from advisor.knowledge.features import Carriage, Feature, FeatureCall
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import Era, Outcome, flag_key

# Of several losses the clearest is shown, because it belongs to the call that should be used: an error can be handled.
_CLARITY: tuple[Outcome, ...] = ("works", "error", "dropped", "hang", "unreachable", "unsupported")


class Configuration(NamedTuple):
    """What a cell depends on, next to feature and era.

    Attributes:
        sdk: a release range (a value of the fact `sdk`).
        stateless_http: the first flag.
        json_response: the second flag.
        processes: `one` or `many`.
        owner: how a request of a session reaches its owner: any (not at all), single, proxy, directory.
        store: `redis` or `none`.
        sse: `passes` or `blocked`.
    """

    sdk: str
    stateless_http: bool
    json_response: bool
    processes: str
    owner: str
    store: str
    sse: str


class ConfigurationOutcome(NamedTuple):
    """A cell: the outcome, by which call, and on what grounds.

    Attributes:
        outcome: the contract's vocabulary.
        call: the way of asking that fares best, as written in server code; "" where the SDK has none.
        cell: the capability cell that it rests on, or None.
        rule: the rule of the delivery table that decided, when the SDK alone did not.
    """

    outcome: Outcome
    call: str
    cell: CapabilityCell | None
    rule: Rule | None


class FeatureOutcomes:
    """Looks cells up, with a memo: there are few configurations and every decision asks for many cells."""

    def __init__(self, space: FactSpace) -> None:
        """Index the capability data of `space`."""
        knowledge = space.knowledge
        domains = {**space.domains, **knowledge.table_of_role("cell").domains}
        self.delivery = DecisionTable(knowledge.table_of_role("cell"), domains)
        self.features = knowledge.features
        self._space = space
        self._measured: dict[str, Mapping[tuple[str, str], CapabilityCell]] = {}
        self._memo: dict[tuple[str, Era, Configuration], ConfigurationOutcome] = {}

    def _of_release(self, sdk: str) -> Mapping[tuple[str, str], CapabilityCell]:
        """The cells of a release range by feature and call."""
        if sdk not in self._measured:
            release = self._space.releases[sdk]
            self._measured[sdk] = {
                (cell.feature, cell.call): cell
                for package in self._space.knowledge.capabilities
                if package.package == release.package
                for cell in package.cells
                if cell.covers(release)
            }
        return self._measured[sdk]

    def observe(self, feature: str, era: Era, configuration: Configuration) -> ConfigurationOutcome:
        """What a client of `era` observes of `feature`, with the call that fares best."""
        asked = (feature, era, configuration)
        found = self._memo.get(asked)
        if found is None:
            found = self._memo[asked] = self._best(self.features[feature], era, configuration)
        return found

    def works(self, feature: str, era: Era, configuration: Configuration) -> bool:
        """Whether the feature works for clients of `era`."""
        return self.observe(feature, era, configuration).outcome == "works"

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
        # Where requests do not reach the owner of the session, what the SDK would do there does not matter.
        hit = self.delivery.evaluate(
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
        delivered: Outcome = hit.outputs["outcome"]  # type: ignore[assignment]
        if delivered == "unreachable" or outcome == "works":
            return ConfigurationOutcome(delivered, call.call, cell, hit.rules[0])
        return ConfigurationOutcome(outcome, call.call, cell, None)
