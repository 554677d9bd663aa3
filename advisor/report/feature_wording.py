"""Words in and around the feature table of a decision: needs, evidence, the calls to use, and the terms."""

from __future__ import annotations

from advisor.decision.model import Decision, EraCell, FeatureRow


def how_lines(cell: EraCell) -> list[str]:
    """Return how a feature reaches the clients: the call and who answers, then other calls and conditions."""
    return cell.how.split("; ")


def tier_notes(decision: Decision) -> list[str]:
    """Return sentences that say which tier each row of the feature table is about; nothing without tiers."""
    if not decision.tiers:
        return []
    phrases, stateful = decision.phrases, decision.tiers[-1].name
    names = [
        row.title
        for row in decision.needed
        if any(phrases["tier.call"].format(call=cell.call, tier=stateful) in cell.how for _, cell in row.cells)
    ]
    inside = [phrases["table.tiers.inside"].format(names=", ".join(names))] if names else []
    return [*inside, phrases["table.tiers.outside"]]


def where_head(decision: Decision) -> str:
    """Return the heading of the texts that `how_lines` returns."""
    phrases = decision.phrases
    return phrases.get(f"table.where.{decision.kind}") or phrases["table.where"]


def table_notes(decision: Decision) -> list[str]:
    """Return sentences that explain the words of the feature table."""
    phrases = decision.phrases
    return [phrases.get(f"table.terms.{decision.kind}") or phrases["table.terms"]]


def where_notes(decision: Decision) -> list[str]:
    """Return sentences that explain the words of `how_lines`."""
    phrases = decision.phrases
    keys = phrases["scope.keys"] in " ".join(cell.how for row in decision.needed for _, cell in row.cells)
    return [phrases["table.keys"]] if keys else []


def need_text(decision: Decision, row: FeatureRow) -> str:
    """Return how much the feature is needed, as the feature table shows it."""
    phrases = decision.phrases
    if row.feature == "plain":
        return phrases["need.plain"]
    if any(need.feature == row.feature for need in decision.unsure):
        return phrases["need.unsure"]
    if row.need != "none":
        return row.need
    return phrases["need.unstated"] if decision.says_nothing_of(row) else "-"


def evidence(row: FeatureRow) -> list[str]:
    """Return the results for a feature by protocol era, only for eras that the requirements name if they name any."""
    seen = [(era, cell) for era, cell in row.cells if cell.named] or [row.cells[0]]
    (_, first), *others = seen
    if first.evidence and all(cell.evidence == first.evidence for _, cell in others):
        if all(cell.outcome == first.outcome for _, cell in others):
            return [f"{' and '.join(era for era, _ in seen)} clients: {first.words}. {first.evidence}"]
        return [f"{'; '.join(f'{era} clients: {cell.words}' for era, cell in seen)}. {first.evidence}"]
    return [f"{era} clients: {cell.words}. {cell.evidence or cell.how}" for era, cell in seen]
