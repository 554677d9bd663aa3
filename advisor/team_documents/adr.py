"""A decision as an architecture decision record in the form of MADR 4.0.0. The words are in templates/documents/."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from typing import NamedTuple

from advisor.decision.comparison import DeploymentOption
from advisor.decision.model import Decision
from advisor.knowledge.catalogue import Source
from advisor.knowledge.options import OptionEstimate
from advisor.report import change_wording
from advisor.sections.rendering import render
from advisor.sentences import inside
from advisor.team_documents.decision_path import drawn_steps
from advisor.team_documents.front_matter import front_matter
from advisor.team_documents.pictures import topology
from advisor.team_documents.sequences import sequences
from advisor.team_documents.subject import Subject

_RATING = {
    **dict.fromkeys(("none", "easy"), "Good"),
    **dict.fromkeys(("medium", "days"), "Neutral"),
    **dict.fromkeys(("high", "weeks"), "Bad"),
}
"""How MADR rates the level of an estimate. A low effort is good, and a low impact on users is neutral."""


class OptionEntry(NamedTuple):
    """An option of a record.

    Attributes:
        title: the title, which is different for each option.
        option: the option.
        kept: the titles of the needed features that the option keeps, apart from plain calls.
        estimates: (rating, estimate) for each estimate.
        wins: the change that makes the option the decision, as `key: value`; "" without such a change.
    """

    title: str
    option: DeploymentOption
    kept: tuple[str, ...]
    estimates: tuple[tuple[str, OptionEstimate], ...]
    wins: str


def adr_markdown(subject: Subject) -> str:
    """Return the record without its fingerprint."""
    decision, people = subject.decision, subject.people
    head = front_matter(
        (
            ("status", "accepted" if decision.feasible else "proposed"),
            ("date", subject.date),
            ("decision-makers", people.decision_makers),
            ("consulted", people.consulted),
            ("informed", people.informed),
        )
    )
    options = option_entries(subject)
    text = render(
        "adr.md.j2",
        subject=subject,
        decision=decision,
        title=title(decision),
        options=options,
        chosen=next((entry for entry in options if entry.option.chosen), None),
        barriers=barriers(subject),
        sources=cited(decision),
        pictures=[topology(decision), *sequences(decision)] if decision.feasible else [],
        steps=drawn_steps(decision),
    )
    return f"{head}\n{text}"


def title(decision: Decision) -> str:
    """Return the title of a document about a decision."""
    service = decision.requirements["service"]
    if not decision.feasible:
        return f"Resolve the contradiction in the requirements of {service}"
    return f"Deploy {service} as {decision.means}"


def option_entries(subject: Subject) -> list[OptionEntry]:
    """Return the considered options with different titles, the best first."""
    found: dict[str, OptionEntry] = {}
    for option in subject.comparison.leading:
        name = option.means[:1].upper() + option.means[1:]
        rows = [row for row in option.features if row.need != "none" and row.feature != "plain"]
        kept = tuple(inside(row.title) for row in rows if not row.lost and not row.substituted)
        estimates = tuple((_rating(estimate), estimate) for estimate in option.estimates.values())
        found.setdefault(name, OptionEntry(name, option, kept, estimates, _wins(option, subject.decision)))
    return list(found.values())


def barriers(subject: Subject) -> list[str]:
    """Return the facts that forbid options, in words."""
    return [*dict.fromkeys(each.words for option in subject.comparison.leading for each in option.barriers)]


def _rating(estimate: OptionEstimate) -> str:
    return _RATING.get(estimate.level) or ("Neutral" if estimate.about == "users" else "Good")


def cited(decision: Decision) -> list[Source]:
    """Return the sources of the rules that decide and of the warnings of high severity."""
    named = [name for step in decision.steps for name in step.rule.sources]
    named += [name for warning in decision.warnings if warning.severity == "high" for name in warning.sources]
    return [source for source in decision.sources if source.id in named]


def _wins(option: DeploymentOption, decision: Decision) -> str:
    if option.wins is None or not option.wins.change:
        return ""
    edits = decision.edits(option.wins.change)
    return ", ".join(f"{key}: {change_wording.value_text(value)}" for key, value in edits.items())
