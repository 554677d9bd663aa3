"""A decision as a Markdown document for the repository of a team.

The same input gives the same document, so the document contains no date of its creation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from advisor.decision.model import Decision, FeatureRow
from advisor.decision.trace import Trace
from advisor.engine.table import show
from advisor.knowledge.paths import templates_dir
from advisor.knowledge.types import Era
from advisor.report import change_wording, decision_wording, feature_wording
from advisor.report.change_wording import deployment_flags, flags_text
from advisor.report.decision_wording import lost_for
from advisor.report.feature_wording import evidence
from advisor.report.markdown_table import table, tidy
from advisor.report.overview import OverviewRow, Result, rows, summary
from advisor.report.step_wording import answer_text, fact_texts
from advisor.templating import environment

# An underscore inside a word has no meaning in Markdown, so names such as stateless_http are not escaped.
_SPECIAL = re.compile(r"[\\*<>\[\]`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_CODE_SPAN = re.compile(r"(`[^`\n]+`)")


def decision_markdown(decision: Decision, trace: Trace | None = None) -> str:
    """Return the document.

    Args:
        decision: the decision.
        trace: the rules that were checked, for a section with all rules.
    """
    texts = (lost_for, evidence, answer_text, fact_texts, flags_text, deployment_flags)
    filters = (code, code_cell, prose, cell, link, outcome, *texts)
    made = environment(templates_dir(), shown=show, **{filter_.__name__: filter_ for filter_ in filters})
    template = made.get_template("decision.md.j2")
    words = {"wording": decision_wording, "changes": change_wording, "table": feature_wording}
    return tidy(template.render(decision=decision, trace=trace or (), **words))


def batch_markdown(results: Sequence[Result], phrases: Mapping[str, str]) -> str:
    """Return a table of all results, then the document of each decision."""
    folder, lines = rows(results, phrases)
    parts = [f"# {phrases['batch.title']}", f"{summary(lines, code(folder), phrases)}."]
    heads = phrases["batch.columns.markdown"].split(", ")
    parts.append(table(heads, [_batch_row(row, phrases) for row in lines]))
    parts += [decision_markdown(done.decision, done.trace).strip("\n") for done in results if done.decision]
    return "\n\n".join(parts) + "\n"


def _batch_row(row: OverviewRow, phrases: Mapping[str, str]) -> list[str]:
    if row.warnings is None:
        return [code_cell(row.file), "", row.pattern, "", cell(row.error), "", ""]
    texts = [" / ".join(row.flags) or "-", cell(row.affinity or "-"), ", ".join(row.lost) or "-"]
    warned = phrases["batch.high"].format(number=sum(row.warnings), high=row.warnings[0])
    return [code_cell(row.file), row.service, row.pattern, *texts, warned]


def code(text: object) -> str:
    """Return any text as a code span."""
    flat = " ".join(str(text).split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else ""


def code_cell(text: object) -> str:
    """Return any text as a code span inside a table."""
    return code(text).replace("|", "\\|")


def prose(text: object) -> str:
    """Return text with its code spans unchanged and all other Markdown characters escaped."""
    flat = " ".join(str(text).split())
    parts = _CODE_SPAN.split(flat)
    return "".join(part if i % 2 else _SPECIAL.sub(r"\\\g<0>", part) for i, part in enumerate(parts))


def cell(text: object) -> str:
    """Return text inside a table, escaped as in `prose`."""
    return prose(text).replace("|", "\\|")


def link(ref: str) -> str:
    """Return a reference, as a link if it is a web address."""
    return f"<{ref}>" if re.fullmatch(r"https?://[^\s<>]+", ref) else prose(ref)


def outcome(row: FeatureRow, era: Era) -> str:
    """Return the outcome of a feature for the clients of an era, in bold if they lose a needed feature."""
    seen = dict(row.cells)[era]
    words = cell(seen.words)
    return f"**{words}**" if row.need != "none" and seen.named and seen.outcome != "works" else words
