"""What the sections of a document contain. How a section looks is in templates/documents/parts.md.j2."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from collections.abc import Iterable
from typing import NamedTuple

from advisor.decision.core import Core
from advisor.decision.model import Decision, FeatureRow
from advisor.report import change_wording, decision_wording
from advisor.report.markdown import code, prose
from advisor.report.release_wording import release_texts
from advisor.sections.fingerprint import stated_facts


class LostFeatures(NamedTuple):
    """What becomes of the needed features.

    Attributes:
        lost: (row, who loses the feature and how) for each feature that clients lose without a replacement.
        replaced: the features that the deployment replaces.
        condition: the condition under which no feature is lost, if this is not certain; else "".
        kept: the titles of the features that work, apart from plain calls.
        unsure: what becomes of the features that the requirements state as unknown.
    """

    lost: list[tuple[FeatureRow, str]]
    replaced: list[FeatureRow]
    condition: str
    kept: list[str]
    unsure: list[str]


def lost_features(decision: Decision) -> LostFeatures:
    """Return what becomes of the needed features of a feasible decision."""
    needed = [row for row in decision.needed if row.feature != "plain"]
    lost = [(row, lost_text(row, decision)) for row in needed if row.lost and not row.substituted]
    lost += decision_wording.unsupported(decision)
    replaced = [row for row in needed if row.substituted]
    others = {row.feature for row in replaced} | {row.feature for row, _ in lost} | set(decision.doubted)
    nothing, certain = decision_wording.nothing_lost(decision)
    kept = [row.title for row in needed if row.feature not in others]
    return LostFeatures(lost, replaced, "" if certain else nothing, kept, decision_wording.unsure(decision))


def lost_text(row: FeatureRow, decision: Decision) -> str:
    """Return which clients lose a feature, and what they observe."""
    return decision_wording.lost_for(row, decision.phrases)


def setting_rows(decision: Decision) -> list[tuple[str, str]]:
    """Return (setting, value with its reason) for a feasible decision, as Markdown. A tier has a row of its own."""
    rows = []
    if decision.kind != "python":
        rows += [(mode, prose(how)) for mode, how in decision_wording.switch_rows(decision)]
    elif not decision.tiers:
        rows.append(("Flags", code(_flags(decision, decision.core))))
    for tier in decision.tiers:
        flags = _flags(decision, tier.core)
        number = f"{tier.instances} instance{'s' if tier.instances != 1 else ''}"
        tools = ", ".join(map(code, tier.tools)) or "none"
        parts = (code(flags) if decision.kind == "python" else flags, f"pattern {tier.core.pattern}", number)
        rows.append(
            (f"Tier {tier.name}", f"{'; '.join(parts)}; session affinity: {tier.core.mechanism}; tools: {tools}")
        )
    affinity = f"{decision_wording.affinity_text(decision)}. {decision.because}"
    rows.append(("Session affinity", prose(affinity)))
    rows.append(("Instances", prose(decision_wording.instances_text(decision))))
    return rows


def context_rows(decision: Decision, *, brief: bool = False) -> list[tuple[str, str]]:
    """Return the SDK and the clients, as Markdown. If not `brief`, also the releases that change the decision."""
    releases = "" if brief else "; ".join(release_texts(decision))
    others = f". Other releases change this decision: {releases}." if releases else ""
    return [
        ("SDK", prose(f"{decision_wording.sdk_text(decision)}{others}")),
        ("Clients", prose(decision_wording.clients_text(decision))),
    ]


def _flags(decision: Decision, core: Core) -> str:
    return change_wording.flags_text(core, decision.kind, decision.phrases)


def facts_of(decision: Decision) -> list[tuple[str, str]]:
    """Return the stated facts without those that the text states."""
    return [(name, value) for name, value in stated_facts(decision).items() if name not in ("version", "service")]


def remedies(decision: Decision, most: int | None = None) -> list[tuple[str, str, str, Iterable[str]]]:
    """Return (what to do, change, new decision, lost features) for each change that resolves a contradiction."""
    return [
        (
            way.how,
            change_wording.change_text(decision, way) if way.change else "",
            change_wording.result_text(decision, way),
            way.gives_up,
        )
        for way in decision.alternatives[:most]
    ]
