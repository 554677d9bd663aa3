"""The forms of documents, and the complete text of a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from advisor.team_documents.adr import adr_markdown
from advisor.team_documents.fingerprint import fingerprint, with_fingerprint
from advisor.team_documents.one_page import one_page_markdown
from advisor.team_documents.runbook import runbook_markdown
from advisor.team_documents.subject import Subject


class DocumentForm(str, Enum):
    """The form of a document."""

    ADR = "adr"
    ONE_PAGE = "one-page"
    RUNBOOK = "runbook"


_RENDERERS: Mapping[DocumentForm, Callable[[Subject], str]] = {
    DocumentForm.ADR: adr_markdown,
    DocumentForm.ONE_PAGE: one_page_markdown,
    DocumentForm.RUNBOOK: runbook_markdown,
}


def document_text(form: DocumentForm, subject: Subject) -> str:
    """Return a document with its fingerprint."""
    found = fingerprint(form.value, subject.decision, subject.versions)
    return with_fingerprint(_RENDERERS[form](subject), found)
