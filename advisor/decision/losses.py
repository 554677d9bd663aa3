"""The rows of the feature table of a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from advisor.decision.core import Core
from advisor.decision.derived_facts import UNABLE, blocked
from advisor.decision.feature_outcomes import Configuration, ConfigurationOutcome, FeatureOutcomes
from advisor.decision.gateways import STREAMING, refuses_legacy_clients
from advisor.decision.model import EraCell, FeatureRow
from advisor.decision.sdk_behaviour import behaviour_seen
from advisor.knowledge.features import Carriage, ClientCondition, Feature, FeatureCall
from advisor.knowledge.releases import Release
from advisor.knowledge.space import FactSpace
from advisor.knowledge.store import Knowledge
from advisor.knowledge.types import ERAS, Era, Need, flag_key
from advisor.knowledge.unable import features_of
from advisor.sentences import listed


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
        unable = features_of(facts[UNABLE])
        reached = ("refused" if refuses_legacy_clients(facts) else facts["era.legacy"], facts["era.modern"])
        direct = core.substitute == "direct-llm"
        streaming = facts.get(STREAMING, "")
        rows = []
        for feature in self._space.knowledge.features.values():
            need: Need = facts[f"needs.{feature.id}"] if feature.need else "required"
            legacy, modern = (UNABLE if feature.id in unable and era == "named" else era for era in reached)
            asked = (feature.id, need, at, legacy, modern, direct, streaming)
            row = self._memo.get(asked)
            if row is None:
                row = self._memo[asked] = self._row(feature, need, at, (legacy, modern), direct, streaming)
            rows.append(row)
        if any(row.lost for row in rows if not self._space.knowledge.features[row.feature].need):
            return tuple(row._replace(instead=None) for row in rows)  # A substitute needs calls that work.
        return tuple(rows)

    def _row(
        self, feature: Feature, need: Need, at: Configuration, served: tuple[str, str], direct: bool, streaming: str
    ) -> FeatureRow:
        legacy, modern = (
            self._cell(feature, era, at, state, streaming) for era, state in zip(ERAS, served, strict=True)
        )
        substituted = direct and bool(feature.substitute)
        documented = self._documented(feature, at, legacy, modern)
        row = FeatureRow(feature.id, feature.title, need, legacy, modern, documented, None, substituted)
        if not row.lost:
            return row
        return row._replace(
            instead=instead_of(feature, stateless=at.stateless_http, direct_llm=direct, several=at.processes == "many")
        )

    def _cell(self, feature: Feature, era: Era, at: Configuration, served: str, streaming: str) -> EraCell:
        """Return a cell; `served` is the value of the fact `era.legacy` or `era.modern`.

        `served` is `UNABLE` if the era is named, but none of the stated client applications supports the feature.
        """
        named = served in ("named", UNABLE)
        seen = self._cells.observe(feature.id, era, at)
        call = next((call for call in feature.calls if call.call == seen.call), None)
        release = self._space.releases[at.sdk]
        if served == UNABLE:
            words = self._phrases["outcome.no-client"]
            return EraCell("unsupported", words, "", self._phrases["no-client"], "", named, "derived")
        if served == "refused":
            words = self._phrases["outcome.unserved"]
            return EraCell("unsupported", words, "", self._phrases["refused"], "", named, "derived")
        if era == "modern" and (release.line.modern == "falls-back" or served in ("falls-back", "unserved")):
            about = release.kind if release.line.modern == "falls-back" else "gateway"
            why = self._phrases.get(f"falls-back.{about}") or self._phrases["falls-back"]
            # Without named modern clients, it is not known whether a modern client can fall back.
            words = self._phrases["outcome.only-legacy" if served == "not-named" else f"outcome.{served}"]
            return EraCell("unsupported", words, "", why, "", named, seen.cell.status if seen.cell else "derived")
        if seen.cell is None:
            why = self._phrases.get(f"absent.{era}.{release.kind}") or self._phrases[f"absent.{era}"]
            return EraCell(seen.outcome, self._phrases[f"outcome.{seen.outcome}"], "", why, "", named, "derived")
        words = self._phrases[f"outcome.{seen.outcome}"]
        if seen.outcome == "works":
            words, limits = self._conditions(feature, call, era, at, streaming)
            how = "; ".join((f"{seen.call}: {self._carried(call, era, at)}", *limits))
        elif seen.rule is not None:
            how = f"{seen.call}: {seen.rule.because}"
        elif seen.outcome == "unsupported":
            how = self._phrases[f"absent.{era}"]
        else:
            how = self._phrases["calls.none"].format(call=seen.call, words=words)
        status = "derived" if seen.rule and seen.outcome != "works" else seen.cell.status
        evidence = self._evidence(seen, release.package)
        return EraCell(seen.outcome, words, seen.call, how, evidence, named, status)

    def _conditions(
        self, feature: Feature, call: FeatureCall | None, era: Era, at: Configuration, streaming: str
    ) -> tuple[str, list[str]]:
        """Return the words of a cell that works, with its condition, and the results for other clients and calls."""
        words, limits = self._phrases["outcome.works"], []
        conditions: list[str] = []
        others = self._cells.others(feature.id, era, at)
        if call and any(outcome != "works" for _, outcome in others):
            working = [other for other, outcome in others if outcome == "works"]
            condition = self._phrases["outcome.call.example" if working else "outcome.call"]
            conditions.append(condition.format(call=call.short or call.call))
            failing = [f"{other} ({self._phrases[f'outcome.{seen}']})" for other, seen in others if seen != "works"]
            limits += [self._phrases["calls.working"].format(calls=", ".join(working))] if working else []
            limits.append(self._phrases["calls.failing"].format(calls=", ".join(failing)))
        if call and call.condition and self._applies(call.condition, era, at):
            conditions.append(call.condition.text)
            limits.append(call.condition.otherwise)
        carriage: Carriage | None = getattr(call, era) if call else None
        if streaming and carriage and carriage.channel != "response":
            conditions.append(self._phrases["streaming.condition"])
            limits.append(self._phrases["streaming.otherwise"].format(settings=streaming))
        if conditions:
            words = self._phrases["outcome.works-if"].format(works=words, condition=" and ".join(conditions))
        return words, limits

    def _applies(self, condition: ClientCondition, era: Era, at: Configuration) -> bool:
        release = self._space.releases[at.sdk]
        seen = behaviour_seen(condition, release.package, release.newest, self._space.knowledge)
        flags = flag_key(at.stateless_http, at.json_response)
        return condition.era == era and seen is not None and seen[flags].startswith(condition.seen)

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
        releases = listed(f"{package} {version}" for version in cell.observed_on)
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


def instead_of(feature: Feature, *, stateless: bool, direct_llm: bool, several: bool) -> str | None:
    """Return what to do instead of a feature, or None if the feature has no alternative.

    Args:
        feature: the lost feature.
        stateless: whether the configuration has no sessions.
        direct_llm: whether the server calls a model directly.
        several: whether several processes run.
    """
    given = {"stateless": stateless, "direct_llm": direct_llm, "several": several}
    fitting = (advice.text for advice in feature.instead if all(given[k] == v for k, v in advice.when.items()))
    return next(fitting, None)


def in_place_of(feature: Feature, facts: Mapping[str, Any], knowledge: Knowledge) -> str:
    """Return a sentence with what tools do for clients that do not support a feature, for a decision with `facts`."""
    direct_llm = bool(feature.substitute) and facts[feature.substitute] is True
    several = facts["processes"] == "many"
    instead = instead_of(feature, stateless=True, direct_llm=direct_llm, several=several)
    substitute = knowledge.facts[feature.substitute].change if feature.substitute and not direct_llm else None
    ways = instead or ""
    if substitute:
        ways += f" Or {substitute.how[:1].lower()}{substitute.how[1:]}"
    return knowledge.phrases["clients.instead"].format(feature=feature.title.lower(), instead=ways) if ways else ""
