"""A decision on one printed page. The words are in templates/documents/one-page.md.j2."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from typing import NamedTuple

from advisor.decision.model import Decision
from advisor.report import decision_wording
from advisor.report.change_wording import value_text
from advisor.report.markdown import code
from advisor.sections.rendering import render
from advisor.sentences import sentences
from advisor.team_documents.adr import title
from advisor.team_documents.pictures import topology
from advisor.team_documents.subject import Subject

MOST_ROWS = 6
"""Rows of each list on the page. A last row then says how many more there are."""

_ROOM = 150
"""The letters of a reason of two sentences: two lines on paper, with the name and the value of the setting."""

_TODAY = (
    "environment.platform",
    "environment.proxy.kind",
    "scale.instances",
    "scale.workers",
    "scale.affinity",
    "clients.concurrent",
    "current.stateless_http",
    "current.json_response",
)
"""The facts that describe the present deployment, in the order of the page."""


class Setting(NamedTuple):
    """A setting of the decision and its reason.

    Attributes:
        name: the setting, as Markdown.
        value: its value, for each tier of a tiered deployment.
        why: the reason in one or two sentences.
    """

    name: str
    value: str
    why: str


def one_page_markdown(subject: Subject) -> str:
    """Return the page without its fingerprint."""
    decision = subject.decision
    return render(
        "one-page.md.j2",
        subject=subject,
        decision=decision,
        title=title(decision),
        today=[
            (code(name), value_text(decision.requirements.stated[name]))
            for name in _TODAY
            if _is_stated(decision, name)
        ],
        settings=settings(decision),
        picture=topology(decision) if decision.feasible else None,
        most=MOST_ROWS,
    )


def _is_stated(decision: Decision, name: str) -> bool:
    return name in decision.requirements.stated


def settings(decision: Decision) -> list[Setting]:
    """Return the flags or modes, the session affinity and the instances; nothing for a contradiction."""
    if not decision.feasible:
        return []
    found = []
    if decision.kind == "python":
        reasons = (("stateless_http", decision.reason.because), ("json_response", _because(decision, "json_response")))
        for flag, why in reasons:
            values = [(tier.name, getattr(tier.core.flags, flag)) for tier in decision.tiers]
            text = ", ".join(f"{value} in the {name} tier" for name, value in values)
            if values and len({value for _, value in values}) == 1:
                text = f"{values[0][1]} in both tiers"
            found.append(Setting(code(flag), text or str(getattr(decision.core.flags, flag)), _short(why)))
    else:
        rows = decision_wording.switch_rows(decision)
        found += [
            Setting(name, how.rstrip("."), _short(decision.reason.because) if not number else "")
            for number, (name, how) in enumerate(rows)
        ]
    affinity = Setting("Session affinity", decision_wording.affinity_text(decision), _short(decision.because))
    capacity = _short(decision.capacity.because) if decision.capacity else ""
    return [*found, affinity, Setting("Instances", decision_wording.instances_text(decision), capacity)]


def _because(decision: Decision, output: str) -> str:
    return next((step.rule.because for step in decision.steps if output in step.rule.then), "")


def _short(text: str) -> str:
    """Return the first sentence, and the second sentence if the page has room for it."""
    first, *rest = sentences(text)
    return f"{first} {rest[0]}" if rest and len(first) + len(rest[0]) < _ROOM else first
