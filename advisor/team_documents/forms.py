"""The forms of documents, and the complete text of a document."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from importlib import import_module

from advisor.sections.fingerprint import fingerprint, with_fingerprint
from advisor.team_documents.subject import Subject


class DocumentForm(str, Enum):
    """The form of a document. `advisor.team_documents.<name>` has its text, and is imported only for this form."""

    ADR = "adr"
    DECISION = "decision"
    ONE_PAGE = "one-page"
    RUNBOOK = "runbook"
    HTML = "html"

    @property
    def renderer(self) -> str:
        """The function of the module that makes the text."""
        return "html_page" if self is DocumentForm.HTML else f"{self.name.lower()}_markdown"

    @property
    def suffix(self) -> str:
        """The end of the name of a document."""
        return ".html" if self is DocumentForm.HTML else ".md"

    @property
    def is_record(self) -> bool:
        """Whether a folder can have several documents of a service, one for each decision."""
        return self is DocumentForm.ADR

    @property
    def has_options(self) -> bool:
        """Whether the document has the options, each with the change that makes it the decision."""
        return self in (DocumentForm.ADR, DocumentForm.HTML)


def form_of(name: str) -> DocumentForm:
    """Return the form of a new file with this name: a page for .html, else a record."""
    return DocumentForm.HTML if name.lower().endswith((".html", ".htm")) else DocumentForm.ADR


def document_text(form: DocumentForm, subject: Subject) -> str:
    """Return a document with its fingerprint."""
    module = import_module(f"advisor.team_documents.{form.name.lower()}")
    render: Callable[[Subject], str] = getattr(module, form.renderer)
    return with_fingerprint(render(subject), fingerprint(form.value, subject.decision, subject.versions, subject.date))
