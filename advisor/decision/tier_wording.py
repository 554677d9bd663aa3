"""The rows of the feature table in a tiered deployment, in words about one tier."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.decision.model import EraCell, FeatureRow

_END = ".tier"
"""The end of the id of a phrase that replaces another phrase in the rows of a tier."""


class TierWording:
    """Words the rows of tiers."""

    def __init__(self, phrases: Mapping[str, str]) -> None:
        """Use `phrases` of the knowledge."""
        self._call = phrases["tier.call"]
        pairs = ((phrases.get(name.removesuffix(_END)), said) for name, said in phrases.items() if name.endswith(_END))
        self._replacements = [(words, said) for words, said in pairs if words]

    def row(self, row: FeatureRow, tier: str) -> FeatureRow:
        """Return the row of a feature with the results in one tier. Each call names the tier."""
        legacy, modern = (
            cell._replace(words=self._of_tier(cell.words), how=self._how(cell, tier)) for _, cell in row.cells
        )
        return row._replace(legacy=legacy, modern=modern)

    def _how(self, cell: EraCell, tier: str) -> str:
        how = cell.how
        if cell.call:
            how = how.replace(cell.call, self._call.format(call=cell.call, tier=tier), 1)
        return self._of_tier(how)

    def _of_tier(self, text: str) -> str:
        for words, of_tier in self._replacements:
            text = text.replace(words, of_tier)
        return text
