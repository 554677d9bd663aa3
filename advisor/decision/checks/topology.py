"""Faults of the topology table: rows that say other things than their figures, or than the rules that choose them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from advisor.decision.checks.fault import fault
from advisor.engine.rules import Rule
from advisor.findings import Finding
from advisor.knowledge import Knowledge
from advisor.knowledge.topology import KINDS, SOURCE, Way, verdict

_CHOOSES = "affinity.candidate"
_DECIDED = "affinity.mechanism"


def faults(knowledge: Knowledge) -> Iterator[Finding]:
    """Everything that is wrong with the table."""
    choices = {value for table in knowledge.tables.values() for value in table.outputs.get(_CHOOSES, [])}
    choices |= {mechanism for _, _, mechanism in _consequences(knowledge)}
    for way in knowledge.topology.values():
        yield from (_fault(way.id, message) for message in _declared(way, choices, knowledge))
        if way.complete:
            yield from _figures(way)
        else:
            yield _fault(way.id, "it lacks figures: `mcp-advisor topology measure --write`")
    yield from _unmeasured(knowledge)
    yield from _uncited(knowledge)


def _fault(where: str, message: str, example: Mapping[str, Any] | None = None) -> Finding:
    """A fault of a row of the table, or of a rule that chooses its mechanism."""
    return fault("data", f"topology: {where}", message, example)


def _unmeasured(knowledge: Knowledge) -> Iterator[Finding]:
    """Mechanisms that decisions name and that no row is about."""
    named = {value for derived in knowledge.derived if derived.id == _DECIDED for value in derived.values}
    for mechanism in sorted(named - {way.mechanism for way in knowledge.topology.values()} - {"none"}):
        yield _fault(mechanism, "decisions name it, and no row of the table measures it")


def _declared(way: Way, choices: Iterable[Any], knowledge: Knowledge) -> Iterator[str]:
    if not way.requirements and not way.template:
        yield "neither requirements nor a template say what is measured"
    if way.mechanism and way.mechanism not in choices:
        yield f"no rule can choose the mechanism {way.mechanism!r}"
    source = knowledge.sources.get(f"{SOURCE}{way.id}")
    if source is not None and source.title != knowledge.phrases["topology.source"].format(title=way.title):
        yield f"the source {source.id} is declared in rules/sources.yaml too"


def _figures(way: Way) -> Iterator[Finding]:
    found = verdict(way)
    if found != way.keeps:
        said = f"it is said to keep sessions {way.keeps!r}, its figures say {found or 'no one condition'!r}"
        yield _fault(way.id, said)
    if not way.mechanism and found == "always":
        yield _fault(way.id, "it keeps every session, and no decision names it: give it its mechanism")
    if way.mechanism and found == "never":
        yield _fault(way.id, f"{way.mechanism} is chosen by decisions, and it loses sessions under every condition")
    for run in way.runs:
        wrong = run.figures[KINDS[0]].wrong
        if run.keeps and wrong.count:
            shown = {**run.under.unusual, "wrong": str(wrong)}
            yield _fault(way.id, "every session is whole, though others than its owner served some of its calls", shown)
        for kind in KINDS[1:]:
            taken = run.figures[kind]
            shares = {"whole": taken.whole, "answered": taken.answered, "progress": taken.progress}
            if kind.endswith("modern"):
                shares["sampling"] = taken.sampling
            lost = {name: str(share) for name, share in shares.items() if not share.full}
            if lost:
                message = f"{kind} lost something, though there is no session to lose"
                yield _fault(way.id, message, {**run.under.unusual, **lost})


def _uncited(knowledge: Knowledge) -> Iterator[Finding]:
    """Rules that choose a mechanism and cite none of the rows that measured it."""
    for _, rule in knowledge.rules.values():
        chosen = _chosen(rule, knowledge)
        rows = [f"{SOURCE}{way.id}" for way in knowledge.topology.values() if chosen and way.mechanism == chosen]
        if rows and not set(rows) & set(rule.sources):
            yield _fault(rule.id, f"it chooses {chosen} and cites none of {', '.join(rows)}")


def _chosen(rule: Rule, knowledge: Knowledge) -> Any:
    """The mechanism that a rule chooses, by name or by a conclusion from which it follows; None where it does not."""
    followed = (mechanism for fact, value, mechanism in _consequences(knowledge) if rule.then.get(fact) == value)
    return rule.then.get(_CHOOSES) or next(followed, None)


def _consequences(knowledge: Knowledge) -> Iterator[tuple[str, Any, str]]:
    """Conclusions of rules (fact and value) from which a mechanism follows, and that mechanism."""
    for derived in knowledge.derived:
        if derived.id == _DECIDED and derived.pick is not None:
            cases = derived.pick.cases
            yield from ((derived.pick.by, case.when, case.value) for case in cases if isinstance(case.value, str))
