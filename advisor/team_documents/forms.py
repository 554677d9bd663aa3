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

    @property
    def suffix(self) -> str:
        """The end of the name of a document."""
        return ".html" if self.value == "html" else ".md"

    @property
    def is_record(self) -> bool:
        """Whether a folder can have several documents of a service, one for each decision."""
        return self is DocumentForm.ADR

    @property
    def searched(self) -> int:
        """How many facts the comparison changes together to make another option the decision."""
        return 2 if self is DocumentForm.ADR else 0


def document_text(form: DocumentForm, subject: Subject) -> str:
    """Return a document with its fingerprint."""
    name = form.value.replace("-", "_")
    render: Callable[[Subject], str] = getattr(import_module(f"advisor.team_documents.{name}"), f"{name}_markdown")
    return with_fingerprint(render(subject), fingerprint(form.value, subject.decision, subject.versions))
