"""The feature-loss table of a decision, row by row from the cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.decision.derived_facts import blocked
from advisor.decision.feature_outcomes import Configuration, ConfigurationOutcome, FeatureOutcomes
from advisor.decision.model import Core, EraCell, FeatureRow
from advisor.knowledge.features import Carriage, Feature, FeatureCall
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import ERAS, Era, Need, Outcome


def configuration_of(facts: Mapping[str, Any]) -> Configuration:
    """The configuration that the facts of a decision describe."""
    return Configuration(
        facts["sdk"],
        facts["stateless_http"],
        facts["json_response"],
        facts["processes"],
        facts["owner"],
        facts["operations.shared_store"],
        blocked(facts["environment.proxy.sse"]),
    )


class LossTable:
    """Writes rows; wording is taken from the knowledge and remembered, since few cells differ."""

    def __init__(self, space: FactSpace, cells: FeatureOutcomes) -> None:
        """Rows for the features of `space`."""
        self._space = space
        self._cells = cells
        self._phrases = space.knowledge.phrases
        self._memo: dict[tuple[Any, ...], FeatureRow] = {}

    def rows(self, facts: Mapping[str, Any], core: Core) -> tuple[FeatureRow, ...]:
        """The rows for a decision with these facts, in the order of rules/features.yaml."""
        at = configuration_of(facts)
        named = (facts["era.legacy"] == "named", facts["era.modern"] == "named")
        direct = core.substitute == "direct-llm"
        rows = []
        for feature in self._space.knowledge.features.values():
            need: Need = facts[f"needs.{feature.id}"] if feature.need else "required"
            asked = (feature.id, need, at, named, direct)
            row = self._memo.get(asked)
            if row is None:
                row = self._memo[asked] = self._row(feature, need, at, named, direct)
            rows.append(row)
        return tuple(rows)

    def _row(
        self, feature: Feature, need: Need, at: Configuration, named: tuple[bool, bool], direct: bool
    ) -> FeatureRow:
        legacy, modern = (self._cell(feature, era, at, is_named) for era, is_named in zip(ERAS, named, strict=True))
        substituted = direct and bool(feature.substitute)
        documented = self._documented(feature, at, legacy, modern)
        row = FeatureRow(feature.id, feature.title, need, legacy, modern, documented, None, substituted)
        if not row.lost:
            return row
        return row._replace(instead=instead_of(feature, stateless=at.stateless_http, direct_llm=direct))

    def _cell(self, feature: Feature, era: Era, at: Configuration, named: bool) -> EraCell:
        seen = self._cells.observe(feature.id, era, at)
        call = next((call for call in feature.calls if call.call == seen.call), None)
        if seen.cell is None:
            return self._absent(seen.outcome, self._phrases[f"absent.{era}"], named, "derived")
        release = self._space.releases[at.sdk]
        if era == "modern" and release.line.modern == "falls-back":
            return self._absent("unsupported", self._phrases["falls-back"], named, seen.cell.status)
        words = self._phrases[f"outcome.{seen.outcome}"]
        if seen.outcome == "works":
            how = f"{seen.call}: {self._carried(call, era, at)}"
        elif seen.rule is not None:
            how = f"{seen.call}: {seen.rule.because}"
        elif seen.outcome == "unsupported":
            how = self._phrases[f"absent.{era}"]
        else:
            how = f"{seen.call}: {words} with these flags"
        status = "derived" if seen.rule and seen.outcome != "works" else seen.cell.status
        return EraCell(seen.outcome, words, seen.call, how, self._evidence(seen), named, status)

    def _absent(self, outcome: Outcome, why: str, named: bool, status: str) -> EraCell:
        """The cell of a feature that the SDK has no call for."""
        return EraCell(outcome, self._phrases[f"outcome.{outcome}"], "", why, "", named, status)

    def _carried(self, call: FeatureCall | None, era: Era, at: Configuration) -> str:
        carriage: Carriage | None = getattr(call, era) if call else None
        scope = carriage.scope if carriage else "any"
        variant = "single" if at.processes == "one" else ("stateless" if at.stateless_http else "")
        return self._phrases.get(f"scope.{scope}.{variant}") or self._phrases[f"scope.{scope}"]

    def _evidence(self, seen: ConfigurationOutcome) -> str:
        cell = seen.cell
        assert cell is not None
        grounds = f"{cell.status} {cell.date} on {', '.join(cell.observed_on)}: {cell.evidence}"
        return (
            grounds
            if seen.rule is None or seen.outcome == "works"
            else f"{seen.rule.because} ({', '.join(seen.rule.sources)})"
        )

    def _documented(self, feature: Feature, at: Configuration, legacy: EraCell, modern: EraCell) -> str | None:
        """What guides say of these flags, if clients of a named era observe something else."""
        flags = {"stateless_http": at.stateless_http, "json_response": at.json_response}
        seen = {cell.outcome for cell in (legacy, modern) if cell.named} or {legacy.outcome}
        for claim in feature.documented:
            if all(flags[k] == v for k, v in claim.when.items()) and seen != {claim.outcome}:
                return f"{claim.says} ({', '.join(claim.sources)})"
        return None


def instead_of(feature: Feature, *, stateless: bool, direct_llm: bool) -> str | None:
    """What to do without a feature.

    Args:
        feature: the feature that is lost.
        stateless: whether the configuration keeps no sessions.
        direct_llm: whether the server calls a model itself.
    """
    given = {"stateless": stateless, "direct_llm": direct_llm}
    fitting = (advice.text for advice in feature.instead if all(given[k] == v for k, v in advice.when.items()))
    return next(fitting, None)
