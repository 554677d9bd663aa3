"""The complete decision as a Markdown document for the repository of a team.

The same input gives the same document, so the document contains no date of its creation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from advisor.decision.model import Decision
from advisor.decision.trace import Trace
from advisor.report.markdown import cell, code, code_cell
from advisor.report.markdown_table import table
from advisor.report.overview import OverviewRow, Result, rows, summary
from advisor.report.step_wording import answer_text, fact_texts
from advisor.sections.fingerprint import fingerprint, with_fingerprint
from advisor.sections.origin import Origin
from advisor.sections.rendering import render
from advisor.sections.versions import Versions, versions_of
from advisor.team_documents.forms import DocumentForm
from advisor.team_documents.subject import Subject


def decision_markdown(subject: Subject) -> str:
    """Return the document without its fingerprint."""
    return written_decision(subject.decision, origin=subject.origin)


def written_decision(decision: Decision, trace: Trace | None = None, origin: Origin | None = None) -> str:
    """Return the document without its fingerprint.

    Args:
        decision: the decision.
        trace: the rules that were checked, for a section with all rules.
        origin: the origin, for a document of its own.
    """
    return render(
        "decision.md.j2",
        decision=decision,
        trace=trace or (),
        origin=origin,
        answer_text=answer_text,
        fact_texts=fact_texts,
    )


def printed_decision(result: Result, command: str, complete: Decision) -> str:
    """Return the document with its fingerprint, for standard output.

    Args:
        result: the decision, without the warnings that the team accepts.
        command: the command that prints the document.
        complete: the decision with all warnings, for the fingerprint.
    """
    assert result.decision is not None
    versions = versions_of(complete)
    return _marked(written_decision(result.decision, result.trace, Origin(versions, command, "")), complete, versions)


def _marked(text: str, complete: Decision, versions: Versions) -> str:
    """Return a document with the fingerprint of a decision."""
    return with_fingerprint(text, fingerprint(DocumentForm.DECISION.value, complete, versions, ""))


def batch_markdown(results: Sequence[Result], phrases: Mapping[str, str], complete: Sequence[Decision | None]) -> str:
    """Return a table of all results, then the document of each decision with its fingerprint.

    Args:
        results: the decisions, without the warnings that the team accepts, and the errors.
        phrases: the phrases of the rules, by id.
        complete: for each result, the decision with all warnings, for the fingerprint.
    """
    folder, lines = rows(results, phrases)
    parts = [f"# {phrases['batch.title']}", f"{summary(lines, code(folder), phrases)}."]
    heads = phrases["batch.columns.markdown"].split(", ")
    parts.append(table(heads, [_batch_row(row, phrases) for row in lines]))
    for done, whole in zip(results, complete, strict=True):
        if done.decision and whole:
            parts.append(_marked(written_decision(done.decision, done.trace), whole, versions_of(whole)).strip("\n"))
    return "\n\n".join(parts) + "\n"


def _batch_row(row: OverviewRow, phrases: Mapping[str, str]) -> list[str]:
    if row.warnings is None:
        return [code_cell(row.file), "", row.pattern, "", cell(row.error), "", ""]
    texts = [" / ".join(row.flags) or "-", cell(row.affinity or "-"), ", ".join(row.lost) or "-"]
    warned = phrases["batch.high"].format(number=sum(row.warnings), high=row.warnings[0])
    return [code_cell(row.file), row.service, row.pattern, *texts, warned]
