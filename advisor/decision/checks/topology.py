"""Checks rules/topology.yaml: entries that contradict their figures or the rules that choose their mechanism."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from advisor.decision.checks.fault import fault
from advisor.engine.rules import Rule
from advisor.findings import Finding
from advisor.knowledge import Knowledge
from advisor.knowledge.topology import KINDS, SOURCE, BalancingStrategy, verdict

_CHOOSES = "affinity.candidate"
_DECIDED = "affinity.mechanism"


def faults(knowledge: Knowledge) -> Iterator[Finding]:
    """Yield all faults."""
    choices = {value for table in knowledge.tables.values() for value in table.outputs.get(_CHOOSES, [])}
    choices |= {mechanism for _, _, mechanism in _consequences(knowledge)}
    for strategy in knowledge.topology.values():
        yield from (_fault(strategy.id, message) for message in _declared(strategy, choices, knowledge))
        if strategy.complete:
            yield from _figures(strategy)
        else:
            yield _fault(strategy.id, "this strategy has no figures. Run `mcp-advisor topology measure --write`.")
    yield from _unmeasured(knowledge)
    yield from _uncited(knowledge)


def _fault(where: str, message: str, example: Mapping[str, Any] | None = None) -> Finding:
    """Return a fault of a strategy, or of a rule that chooses its mechanism."""
    return fault("data", f"topology: {where}", message, example)


def _unmeasured(knowledge: Knowledge) -> Iterator[Finding]:
    """Yield faults: mechanisms that decisions can contain and that no strategy has."""
    named = {value for derived in knowledge.derived if derived.id == _DECIDED for value in derived.values}
    explained = {mechanism.id for mechanism in knowledge.mechanisms.values() if mechanism.unmeasured}
    for mechanism in sorted(
        named - {strategy.mechanism for strategy in knowledge.topology.values()} - {"none"} - explained
    ):
        yield _fault(mechanism, "decisions can contain this mechanism, but no strategy measures it")


def _declared(strategy: BalancingStrategy, choices: Iterable[Any], knowledge: Knowledge) -> Iterator[str]:
    if not strategy.requirements and not strategy.template:
        yield "this strategy has no requirements and no template"
    if strategy.mechanism and strategy.mechanism not in choices:
        yield f"no rule can choose the mechanism {strategy.mechanism!r}"
    source = knowledge.sources.get(f"{SOURCE}{strategy.id}")
    if source is not None and source.title != knowledge.phrases["topology.source"].format(title=strategy.title):
        yield f"the source {source.id} is also in rules/sources.yaml"


def _figures(strategy: BalancingStrategy) -> Iterator[Finding]:
    found = verdict(strategy)
    if found != strategy.keeps:
        said = f"keeps is {strategy.keeps!r}, but the figures show {found or 'no single condition'!r}"
        yield _fault(strategy.id, said)
    if not strategy.mechanism and found == "always":
        yield _fault(
            strategy.id, "this strategy keeps every session, but has no mechanism, so decisions cannot choose it"
        )
    if strategy.mechanism and found == "never":
        yield _fault(
            strategy.id,
            f"decisions can choose {strategy.mechanism}, but this strategy loses sessions under every condition",
        )
    for run in strategy.runs:
        wrong = run.figures[KINDS[0]].wrong
        if run.keeps and wrong.count:
            shown = {**run.under.unusual, "wrong": str(wrong)}
            yield _fault(
                strategy.id,
                "every session is kept, but another instance than the owner of the session answered some calls",
                shown,
            )
        for kind in KINDS[1:]:
            taken = run.figures[kind]
            shares = {"whole": taken.whole, "answered": taken.answered, "progress": taken.progress}
            if kind.endswith("modern"):
                shares["sampling"] = taken.sampling
            lost = {name: str(share) for name, share in shares.items() if not share.full}
            if lost:
                message = f"{kind} has losses, but its clients have no session"
                yield _fault(strategy.id, message, {**run.under.unusual, **lost})


def _uncited(knowledge: Knowledge) -> Iterator[Finding]:
    """Yield faults: rules that choose a mechanism and do not cite a measurement of the mechanism."""
    for _, rule in knowledge.rules.values():
        chosen = _chosen(rule, knowledge)
        rows = [
            f"{SOURCE}{strategy.id}"
            for strategy in knowledge.topology.values()
            if chosen and strategy.mechanism == chosen
        ]
        if rows and not set(rows) & set(rule.sources):
            yield _fault(rule.id, f"this rule chooses {chosen}, but does not cite {' or '.join(rows)}")


def _chosen(rule: Rule, knowledge: Knowledge) -> Any:
    """Return the mechanism that a rule chooses by its name, or that follows from an output of the rule; or None."""
    followed = (mechanism for fact, value, mechanism in _consequences(knowledge) if rule.then.get(fact) == value)
    return rule.then.get(_CHOOSES) or next(followed, None)


def _consequences(knowledge: Knowledge) -> Iterator[tuple[str, Any, str]]:
    """Yield (fact, value, mechanism): with this value of an output, the mechanism follows."""
    for derived in knowledge.derived:
        if derived.id == _DECIDED and derived.pick is not None:
            cases = derived.pick.cases
            yield from ((derived.pick.by, case.when, case.value) for case in cases if isinstance(case.value, str))
