"""The types of a comparison: every possible configuration for the same requirements, in the order of a ranking."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from collections.abc import Mapping
from typing import NamedTuple

from advisor.decision.core import Core, Flags
from advisor.decision.model import Decision, EraCell, FeatureRow
from advisor.knowledge.options import EstimateSubject, OptionEstimate, RankingCriterion
from advisor.knowledge.types import Era, Need, Raw


class Barrier(NamedTuple):
    """A fact that forbids an option.

    Attributes:
        fact: the id of the fact, base or derived.
        value: the value of the fact.
        words: the fact in a sentence without its full stop.
        plain: the same fact for a reader without technical knowledge, as the second half of a sentence.
    """

    fact: str
    value: Raw
    words: str
    plain: str


class WinningChange(NamedTuple):
    """The smallest change that makes an option the decision.

    Attributes:
        change: from the id of a fact to its new value. It is empty if the requirements must list the tools.
        effort: the effort; None if no team makes the change, such as a tool with another need.
        how: how to make the change; "" if no team makes it.
    """

    change: Mapping[str, Raw]
    effort: int | None
    how: str


class OptionTier(NamedTuple):
    """A tier of an option.

    Attributes:
        name: `stateless` or `stateful`.
        flags: the flag pair of the tier.
        tools: the names of the tools in the tier.
    """

    name: str
    flags: Flags
    tools: tuple[str, ...]


class DeploymentOption(NamedTuple):
    """A configuration with a flag pair, as a decision for the requirements.

    Attributes:
        kind: the pattern, with `+direct-llm` if the server calls a language model instead of sampling. Options of the
            same kind differ only in their flags.
        configuration: the id of the entry of rules/configurations.yaml.
        core: the configuration in the form of a decision. For an option that is not possible, the mechanism is that of
            the decision after `wins`.
        means: the pattern in words, with the calls of a language model by the server.
        chosen: whether the option is the decision.
        barriers: the facts that forbid the option; empty if it is possible.
        features: the feature table of the option. For an option that is not possible, this is the table that it would
            have without its barriers.
        tiers: the tiers; empty if the pattern is not `tiered`, or if the tools cannot be divided.
        estimates: the estimates, by subject.
        standing: for each criterion of the order, a number; the smaller number is better.
        loses_by: the criterion by which the option loses against the decision; None for the decision. Without a
            decision, this is the first criterion that the option does not fulfil.
        reason: why the option loses, as a sentence; "" for the decision.
        plain: the reason for a reader without technical knowledge.
        wins: the smallest change that makes the option the decision. It is None for the decision, and if no change of
            one or two facts does this.
        searched: the largest number of facts that the search for `wins` changed together.
    """

    kind: str
    configuration: str
    core: Core
    means: str
    chosen: bool
    barriers: tuple[Barrier, ...]
    features: tuple[FeatureRow, ...]
    tiers: tuple[OptionTier, ...]
    estimates: Mapping[EstimateSubject, OptionEstimate]
    standing: tuple[int, ...] = ()
    loses_by: RankingCriterion | None = None
    reason: str = ""
    plain: str = ""
    wins: WinningChange | None = None
    searched: int = 0

    @property
    def possible(self) -> bool:
        """Whether the stated facts allow the option."""
        return not self.barriers

    def failing(self, need: Need) -> list[tuple[FeatureRow, Era, EraCell]]:
        """The cells with this need that do not work for clients of a named era, if the option does not replace them."""
        rows = (row for row in self.features if row.need == need and not row.substituted)
        return [(row, era, cell) for row in rows for era, cell in row.failing]

    def lost(self, need: Need) -> list[FeatureRow]:
        """The rows with this need that the option loses."""
        return list({row.feature: row for row, _, _ in self.failing(need)}.values())

    @property
    def replaced(self) -> list[FeatureRow]:
        """The rows of needed features that calls of a language model replace."""
        return [row for row in self.features if row.substituted and row.need != "none"]


class Comparison(NamedTuple):
    """The options for the requirements of a decision, the best first.

    Attributes:
        decision: the decision.
        options: the options; the first is the decision if the requirements have a decision.
        order: the criteria of the ranking, the most important first.
    """

    decision: Decision
    options: tuple[DeploymentOption, ...]
    order: tuple[RankingCriterion, ...]

    @property
    def leading(self) -> tuple[DeploymentOption, ...]:
        """The best option of each kind, with a single option in which the server calls a language model itself."""
        leading: dict[str, DeploymentOption] = {}
        for option in self.options:
            kind = option.kind if option.core.substitute == "none" else option.core.substitute
            leading.setdefault(kind, option)
        return tuple(leading.values())
