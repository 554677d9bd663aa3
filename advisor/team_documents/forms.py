"""The forms of documents, and the complete text of a document."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from importlib import import_module

from advisor.team_documents.fingerprint import fingerprint, with_fingerprint
from advisor.team_documents.subject import Subject


class DocumentForm(str, Enum):
    """The form of a document. `advisor.team_documents.<name>` has its text, and is imported only for this form."""

    ADR = "adr"
    ONE_PAGE = "one-page"
    RUNBOOK = "runbook"


def document_text(form: DocumentForm, subject: Subject) -> str:
    """Return a document with its fingerprint."""
    name = form.value.replace("-", "_")
    render: Callable[[Subject], str] = getattr(import_module(f"advisor.team_documents.{name}"), f"{name}_markdown")
    return with_fingerprint(render(subject), fingerprint(form.value, subject.decision, subject.versions))
