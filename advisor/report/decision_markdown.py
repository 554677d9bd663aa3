"""A decision as a Markdown document that a team can keep in its repository: the same for the same input, no dates."""

from __future__ import annotations

import re
from collections.abc import Sequence

from advisor.decision.model import Decision, FeatureRow, Trace
from advisor.engine.table import show
from advisor.knowledge.paths import templates_dir
from advisor.knowledge.types import Era
from advisor.report import decision_wording
from advisor.report.decision_wording import change_text, evidence, fact_texts, flags_text, lost_for
from advisor.report.overview import Result, rows, summary
from advisor.templating import environment

# Underscores inside words do not emphasise, so names such as stateless_http stay readable.
_SPECIAL = re.compile(r"[\\*<>\[\]`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_CODE_SPAN = re.compile(r"(`[^`\n]+`)")


def decision_markdown(decision: Decision, trace: Trace | None = None) -> str:
    """The whole document.

    Args:
        decision: what was decided.
        trace: every rule tried, to append it.
    """
    filters = (code, code_cell, prose, cell, link, outcome, lost_for, evidence, fact_texts, change_text, flags_text)
    made = environment(templates_dir(), shown=show, **{filter_.__name__: filter_ for filter_ in filters})
    template = made.get_template("decision.md.j2")
    text = template.render(decision=decision, trace=trace or {}, wording=decision_wording)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def batch_markdown(results: Sequence[Result]) -> str:
    """A table of all results, then the document of each decision."""
    folder, lines = rows(results)
    parts = ["# Deployment decisions", f"{summary(results)}{f', in {code(folder)}' if folder else ''}."]
    table = ["| File | Service | Pattern | Flags | Affinity | Lost | High warnings |", "|---|---|---|---|---|---|---|"]
    for row in lines:
        middle = cell(row.error or row.affinity)
        texts = [code_cell(row.file), row.service, row.pattern, row.flags, middle, row.lost, row.warnings]
        table.append(f"| {' | '.join(texts)} |")
    parts.append("\n".join(table))
    parts += [decision_markdown(done.decision, done.trace).strip("\n") for done in results if done.decision]
    return "\n\n".join(parts) + "\n"


def code(text: object) -> str:
    """Text as a code span, whatever is in it."""
    flat = " ".join(str(text).split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else ""


def code_cell(text: object) -> str:
    """Text as a code span inside a table."""
    return code(text).replace("|", "\\|")


def prose(text: object) -> str:
    """Text as it reads: its code spans stay, everything else that Markdown would act on is escaped."""
    flat = " ".join(str(text).split())
    parts = _CODE_SPAN.split(flat)
    return "".join(part if i % 2 else _SPECIAL.sub(r"\\\g<0>", part) for i, part in enumerate(parts))


def cell(text: object) -> str:
    """Prose inside a table."""
    return prose(text).replace("|", "\\|")


def link(ref: str) -> str:
    """A reference, as a link where it is an address."""
    return f"<{ref}>" if re.fullmatch(r"https?://[^\s<>]+", ref) else prose(ref)


def outcome(row: FeatureRow, era: Era) -> str:
    """What clients of an era observe of a feature, for a table; bold where they lose a feature that is needed."""
    seen = dict(row.cells)[era]
    words = cell(seen.words)
    return f"**{words}**" if row.need != "none" and seen.named and seen.outcome != "works" else words
