"""A decision as a page of HTML: a single file that needs no other file and no script."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from typing import NamedTuple

from advisor.decision.kit_support import no_kit
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.parts.duties import KitDuties, duties
from advisor.knowledge.types import ERAS
from advisor.report import change_wording, comparison_wording, decision_wording, feature_wording
from advisor.report.markdown import code
from advisor.sections.content import facts_of
from advisor.sentences import listed
from advisor.team_documents.adr import title
from advisor.team_documents.decision_path import path_nodes
from advisor.team_documents.html_templates import render_html
from advisor.team_documents.one_page import settings
from advisor.team_documents.pictures import LINE, WIDTH, topology
from advisor.team_documents.sequences import sequences
from advisor.team_documents.subject import Subject


class Task(NamedTuple):
    """A setting of the deployment, or a way to set it.

    Attributes:
        name: the setting, as Markdown; with the name of its tier, if there are tiers.
        today: its value today; "" if the requirements do not state it.
        decided: the value of the decision, as Markdown.
    """

    name: str
    today: str
    decided: str

    @property
    def done(self) -> bool:
        """Whether the value of today is the value of the decision."""
        return self.today == self.decided


def html_page(subject: Subject) -> str:
    """Return the page without its fingerprint."""
    return page_of(subject, kit_duties(subject.decision))


def page_of(subject: Subject, kit: KitDuties | None) -> str:
    """Return the page from what a kit of the decision does; None for no kit."""
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
        line_height=LINE,
        tasks=tasks(decision),
        duties=kit,
        eras=ERAS,
        wording=decision_wording,
        changes=change_wording,
        features=feature_wording,
        options=comparison_wording,
        facts=facts_of,
        listed=listed,
        no_kit=no_kit,
    )


def tasks(decision: Decision) -> list[Task]:
    """Return the settings of the deployment, next to the values of today that the requirements state."""
    if not decision.feasible:
        return []
    if decision.kind != "python":
        return [Task(mode, "", how) for mode, how in decision_wording.switch_rows(decision)]
    found = []
    for tier in decision.tiers:  # Today, the tools are not divided, so no tier has its flags yet.
        name = decision.phrases["picture.tier"].format(name=tier.name)
        found += [Task(f"{code(flag)} ({name})", "", code(value)) for flag, value in tier.core.flags._asdict().items()]
    if not decision.tiers:
        stated = decision.requirements.stated
        today = {flag: stated.get(f"current.{flag}") for flag in decision.core.flags._fields}
        found += [
            Task(code(flag), code(today[flag]) if isinstance(today[flag], bool) else "", code(value))
            for flag, value in decision.core.flags._asdict().items()
        ]
    return found


def kit_duties(decision: Decision) -> KitDuties | None:
    """Return what a kit of the decision does; None if there is no kit."""
    if not decision.feasible or no_kit(decision):
        return None
    return duties(kit_context(decision), decision)
