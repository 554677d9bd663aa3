"""A decision as a page of HTML: a single file that needs no other file and no script."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from typing import NamedTuple

from advisor.decision.kit_support import no_kit
from advisor.decision.model import Decision
from advisor.knowledge.types import ERAS
from advisor.report import change_wording, comparison_wording, decision_wording, feature_wording
from advisor.sentences import listed
from advisor.team_documents.adr import facts_of, failing_text, title
from advisor.team_documents.decision_path import path_nodes
from advisor.team_documents.html_templates import render_html
from advisor.team_documents.one_page import settings
from advisor.team_documents.pictures import WIDTH, sequences, topology
from advisor.team_documents.subject import Subject


class Task(NamedTuple):
    """A setting that the team changes.

    Attributes:
        key: the key of the requirements file with the value of today.
        today: this value.
        decided: the value of the decision.
        done: whether both values are equal.
    """

    key: str
    today: str
    decided: str
    done: bool


def html_page(subject: Subject) -> str:
    """Return the page without its fingerprint."""
    decision = subject.decision
    return render_html(
        "decision.html.j2",
        subject=subject,
        decision=decision,
        comparison=subject.comparison,
        title=title(decision),
        settings=settings(decision),
        nodes=path_nodes(decision),
        pictures=[topology(decision), *sequences(decision)] if decision.feasible else [],
        width=WIDTH,
        tasks=tasks(decision),
        eras=ERAS,
        wording=decision_wording,
        changes=change_wording,
        features=feature_wording,
        options=comparison_wording,
        facts=facts_of,
        failing=failing_text,
        listed=listed,
        no_kit=no_kit,
    )


def tasks(decision: Decision) -> list[Task]:
    """Return the settings of today that the requirements state, next to the decision."""
    if not decision.feasible or decision.tiers or decision.kind != "python":
        return []
    stated = decision.requirements.stated
    found = []
    for flag, value in decision.core.flags._asdict().items():
        today = stated.get(f"current.{flag}")
        if isinstance(today, bool):
            found.append(Task(flag, str(today), str(value), today is value))
    return found
