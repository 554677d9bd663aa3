"""Faults of the topology table: rows that say other things than their figures, or than the rules that choose them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from advisor.engine.rules import Rule
from advisor.knowledge import Knowledge
from advisor.knowledge.topology import KINDS, SOURCE, Way, verdict

_CHOOSES = "affinity.candidate"
_DECIDED = "affinity.mechanism"

Found = Iterator[tuple[str, str, dict[str, Any]]]
"""Row or rule, what is wrong with it, and values that show it."""


def faults(knowledge: Knowledge) -> Found:
    """Everything that is wrong with the table."""
    choices = {value for table in knowledge.tables.values() for value in table.outputs.get(_CHOOSES, [])}
    choices |= {mechanism for _, _, mechanism in _consequences(knowledge)}
    for one in knowledge.topology.values():
        yield from ((one.id, message, {}) for message in _declared(one, choices, knowledge))
        if one.complete:
            yield from _figures(one)
        else:
            yield one.id, "it lacks figures: `mcp-advisor topology measure --write`", {}
    yield from _unmeasured(knowledge)
    yield from _uncited(knowledge)


def _unmeasured(knowledge: Knowledge) -> Found:
    """Mechanisms that decisions name and that no row is about."""
    named = {value for derived in knowledge.derived if derived.id == _DECIDED for value in derived.values}
    for mechanism in sorted(named - {one.mechanism for one in knowledge.topology.values()} - {"none"}):
        yield mechanism, "decisions name it, and no row of the table measures it", {}


def _declared(one: Way, choices: Iterable[Any], knowledge: Knowledge) -> Iterator[str]:
    if not one.requirements and not one.template:
        yield "neither requirements nor a template say what is measured"
    if one.mechanism and one.mechanism not in choices:
        yield f"no rule can choose the mechanism {one.mechanism!r}"
    source = knowledge.sources.get(f"{SOURCE}{one.id}")
    if source is not None and source.title != knowledge.phrases["topology.source"].format(title=one.title):
        yield f"the source {source.id} is declared in rules/sources.yaml too"


def _figures(one: Way) -> Found:
    found = verdict(one)
    if found != one.keeps:
        yield one.id, f"it is said to keep sessions {one.keeps!r}, its figures say {found or 'no one condition'!r}", {}
    if not one.mechanism and found == "always":
        yield one.id, "it keeps every session, and no decision names it: give it its mechanism", {}
    if one.mechanism and found == "never":
        yield one.id, f"{one.mechanism} is chosen by decisions, and it loses sessions under every condition", {}
    for run in one.runs:
        wrong = run.figures[KINDS[0]].wrong
        if run.keeps and wrong.count:
            shown = {**run.under.unusual, "wrong": str(wrong)}
            yield one.id, "every session is whole, though others than its owner served some of its calls", shown
        for kind in KINDS[1:]:
            taken = run.figures[kind]
            shares = {"whole": taken.whole, "answered": taken.answered, "progress": taken.progress}
            if kind.endswith("modern"):
                shares["sampling"] = taken.sampling
            lost = {name: str(share) for name, share in shares.items() if not share.full}
            if lost:
                message = f"{kind} lost something, though there is no session to lose"
                yield one.id, message, {**run.under.unusual, **lost}


def _uncited(knowledge: Knowledge) -> Found:
    """Rules that choose a mechanism and cite none of the rows that measured it."""
    for _, rule in knowledge.rules.values():
        chosen = _chosen(rule, knowledge)
        rows = [f"{SOURCE}{one.id}" for one in knowledge.topology.values() if chosen and one.mechanism == chosen]
        if rows and not set(rows) & set(rule.sources):
            yield rule.id, f"it chooses {chosen} and cites none of {', '.join(rows)}", {}


def _chosen(rule: Rule, knowledge: Knowledge) -> Any:
    """The mechanism that a rule chooses, by name or by a conclusion from which it follows; None where it does not."""
    followed = (mechanism for fact, value, mechanism in _consequences(knowledge) if rule.then.get(fact) == value)
    return rule.then.get(_CHOOSES) or next(followed, None)


def _consequences(knowledge: Knowledge) -> Iterator[tuple[str, Any, str]]:
    """Conclusions of rules (fact and value) from which a mechanism follows, and that mechanism."""
    for derived in knowledge.derived:
        if derived.id == _DECIDED and derived.pick is not None:
            cases = derived.pick.cases
            yield from ((derived.pick.by, one.when, one.value) for one in cases if isinstance(one.value, str))
