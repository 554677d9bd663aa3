"""The template engine of Markdown documents. templates/documents/parts.md.j2 has the sections as macros.

The template of a document is a composition of sections. The templates of a kit use the sections too.
"""

from __future__ import annotations

from typing import Any

from advisor.decision.kit_support import no_kit
from advisor.engine.table import show
from advisor.knowledge.paths import templates_dir
from advisor.knowledge.template_cache import TemplateBytecodeCache
from advisor.report import change_wording, decision_wording, feature_wording
from advisor.report.markdown import anchor, cell, code, code_cell, link, linked, one_line, prose, said
from advisor.report.markdown_table import table, tidy
from advisor.sections.content import context_rows, facts_of, lost_features, lost_text, remedies, setting_rows
from advisor.sections.mermaid import label
from advisor.sentences import inside, listed
from advisor.templating import environment

FILTERS = {
    "anchor": anchor,
    "cell": cell,
    "code": code,
    "code_cell": code_cell,
    "inside": inside,
    "label": label,
    "link": link,
    "linked": linked,
    "one_line": one_line,
    "prose": prose,
    "said": said,
    "shown": show,
}
"""The filters that each template with sections has."""

WORDS = {
    "wording": decision_wording,
    "changes": change_wording,
    "features": feature_wording,
    "context_rows": context_rows,
    "facts": facts_of,
    "listed": listed,
    "lost_features": lost_features,
    "lost_text": lost_text,
    "need_text": feature_wording.need_text,
    "no_kit": no_kit,
    "remedies": remedies,
    "setting_rows": setting_rows,
    "table": table,
}
"""The values that sections use besides the decision."""


def render(template: str, **values: Any) -> str:
    """Render a template of templates/documents/ as a document."""
    made = environment(templates_dir() / "documents", bytecode_cache=TemplateBytecodeCache(), **FILTERS)
    return tidy(made.get_template(template).render(**WORDS, **values))
