"""The rows of the feature table of a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from advisor.decision.derived_facts import blocked
from advisor.decision.feature_outcomes import Configuration, ConfigurationOutcome, FeatureOutcomes
from advisor.decision.model import Core, EraCell, FeatureRow
from advisor.decision.sdk_behaviour import behaviour_seen
from advisor.knowledge.features import Carriage, ClientCondition, Feature, FeatureCall
from advisor.knowledge.releases import Release
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import ERAS, Era, Need, Outcome, flag_key


def configuration_of(facts: Mapping[str, Any]) -> Configuration:
    """Return the configuration that the facts of a decision describe."""
    return Configuration(
        facts["server"],
        facts["stateless_http"],
        facts["json_response"],
        facts["processes"],
        facts["owner"],
        facts["operations.shared_store"],
        blocked(facts["environment.proxy.sse"]),
    )


class LossTable:
    """Makes the rows, with the wording of rules/wording.yaml. It caches rows, because few rows differ."""

    def __init__(self, space: FactSpace, cells: FeatureOutcomes) -> None:
        """Create a table for the features of `space`; `cells` has the outcome of each feature."""
        self._space = space
        self._cells = cells
        self._phrases = space.knowledge.phrases
        self._memo: dict[tuple[Any, ...], FeatureRow] = {}

    def rows(self, facts: Mapping[str, Any], core: Core) -> tuple[FeatureRow, ...]:
        """Return a row for each feature, in the order of rules/features.yaml, for a decision with these facts."""
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
            words = self._phrases.get(f"falls-back.{release.kind}") or self._phrases["falls-back"]
            return self._absent("unsupported", words, named, seen.cell.status)
        words = self._phrases[f"outcome.{seen.outcome}"]
        if seen.outcome == "works":
            words, limits = self._conditions(feature, call, era, at)
            how = "; ".join((f"{seen.call}: {self._carried(call, era, at)}", *limits))
        elif seen.rule is not None:
            how = f"{seen.call}: {seen.rule.because}"
        elif seen.outcome == "unsupported":
            how = self._phrases[f"absent.{era}"]
        else:
            how = f"{seen.call}: {words} with these flags"
        status = "derived" if seen.rule and seen.outcome != "works" else seen.cell.status
        evidence = self._evidence(seen, release.package)
        return EraCell(seen.outcome, words, seen.call, how, evidence, named, status)

    def _conditions(
        self, feature: Feature, call: FeatureCall | None, era: Era, at: Configuration
    ) -> tuple[str, list[str]]:
        """Return the words of a cell that works, with its condition, and the results for other clients and calls."""
        words, limits = self._phrases["outcome.works"], []
        others = self._cells.others(feature.id, era, at)
        if call and any(outcome != "works" for _, outcome in others):
            words = self._phrases["outcome.works-with"].format(call=call.short or call.call)
            listed = (f"{other} ({self._phrases[f'outcome.{outcome}']})" for other, outcome in others)
            limits.append(self._phrases["calls.other"].format(calls=", ".join(listed)))
        if call and call.condition and self._applies(call.condition, era, at):
            words = self._phrases["outcome.works-if"].format(works=words, condition=call.condition.text)
            limits.append(call.condition.otherwise)
        return words, limits

    def _applies(self, condition: ClientCondition, era: Era, at: Configuration) -> bool:
        release = self._space.releases[at.sdk]
        seen = behaviour_seen(condition, release.package, release.newest, self._space.knowledge)
        flags = flag_key(at.stateless_http, at.json_response)
        return condition.era == era and seen is not None and seen[flags].startswith(condition.seen)

    def _absent(self, outcome: Outcome, why: str, named: bool, status: str) -> EraCell:
        """Return the cell of a feature for which the SDK has no call."""
        return EraCell(outcome, self._phrases[f"outcome.{outcome}"], "", why, "", named, status)

    def _carried(self, call: FeatureCall | None, era: Era, at: Configuration) -> str:
        carriage: Carriage | None = getattr(call, era) if call else None
        scope = carriage.scope if carriage else "any"
        variant = "single" if at.processes == "one" else ("stateless" if at.stateless_http else "")
        return self._phrases.get(f"scope.{scope}.{variant}") or self._phrases[f"scope.{scope}"]

    def _evidence(self, seen: ConfigurationOutcome, package: str) -> str:
        """Return the evidence in sentences: of the rule that decides, or of the measured releases of `package`."""
        cell = seen.cell
        assert cell is not None
        if seen.rule is not None and seen.outcome != "works":
            return f"{seen.rule.because} ({', '.join(seen.rule.sources)})"
        if cell.status == "assumed":
            return cell.evidence
        *others, last = (f"{package} {version}" for version in cell.observed_on)
        releases = f"{', '.join(others)} and {last}" if others else last
        return f"{cell.evidence} {cell.status.capitalize()} on {cell.date} with {releases}."

    def _documented(self, feature: Feature, at: Configuration, legacy: EraCell, modern: EraCell) -> str | None:
        """Return what guides say about these flags; None if the clients of the named eras observe this outcome."""
        flags = {"stateless_http": at.stateless_http, "json_response": at.json_response}
        seen = {cell.outcome for cell in (legacy, modern) if cell.named} or {legacy.outcome}
        for claim in feature.documented:
            if all(flags[k] == v for k, v in claim.when.items()) and seen != {claim.outcome}:
                return f"{claim.says} ({', '.join(claim.sources)})"
        return None


def lost_unnamed(rows: Sequence[FeatureRow], era: Era, release: Release) -> tuple[FeatureRow, ...]:
    """Return the needed features that do not work for clients of `era`, if only the SDK names this era."""
    if era not in release.line.eras:
        return ()
    cells = ((row, dict(row.cells)[era]) for row in rows if row.need != "none" and not row.substituted)
    return tuple(row for row, cell in cells if not cell.named and cell.outcome != "works")


def assumed(rows: Sequence[FeatureRow]) -> tuple[FeatureRow, ...]:
    """Return the rows for a release that was not measured: what another release does is assumed, not measured."""
    return tuple(row._replace(legacy=_assumed(row.legacy), modern=_assumed(row.modern)) for row in rows)


def _assumed(cell: EraCell) -> EraCell:
    if cell.status == "derived":
        return cell
    evidence = f"assumed: {cell.evidence}" if cell.evidence else ""
    return cell._replace(status="assumed", evidence=evidence)


def instead_of(feature: Feature, *, stateless: bool, direct_llm: bool) -> str | None:
    """Return what to do instead of a feature, or None if the feature has no alternative.

    Args:
        feature: the lost feature.
        stateless: whether the configuration has no sessions.
        direct_llm: whether the server calls a model directly.
    """
    given = {"stateless": stateless, "direct_llm": direct_llm}
    fitting = (advice.text for advice in feature.instead if all(given[k] == v for k, v in advice.when.items()))
    return next(fitting, None)
