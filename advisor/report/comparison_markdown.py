"""A comparison as a Markdown document. The same input gives the same document."""

from __future__ import annotations

from advisor.decision.comparison import Comparison
from advisor.knowledge.paths import templates_dir
from advisor.knowledge.types import ERAS
from advisor.report import comparison_wording as wording
from advisor.report.markdown import cell, code, prose
from advisor.report.markdown_table import tidy
from advisor.templating import environment


def comparison_markdown(comparison: Comparison, *, plain: bool = False) -> str:
    """Return the document for engineers or, with `plain`, for readers without technical knowledge."""
    made = environment(templates_dir(), cell=cell, code=code, prose=prose)
    template = made.get_template("comparison-product.md.j2" if plain else "comparison.md.j2")
    decision = comparison.decision
    return tidy(
        template.render(comparison=comparison, decision=decision, phrases=decision.phrases, wording=wording, eras=ERAS)
    )
