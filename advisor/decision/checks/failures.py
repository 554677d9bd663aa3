"""Checks rules/failures.yaml: cases without an expected behaviour, entries without effect, undeclared names."""

from __future__ import annotations

from advisor.decision.checks.fault import fault
from advisor.findings import Finding
from advisor.knowledge import Knowledge
from advisor.knowledge.failures import HANDLES, ExpectedBehaviour, Felt, Then, behaviour_for, cases

_BLANK = "{idle}"
# For each effect on clients, the results of calls (`then`) with which clients can notice this effect.
_NEEDED: dict[Felt, tuple[Then, ...]] = {
    "fails": ("retry-succeeds", "404-then-initialize", "503-then-retry", "5xx-then-retry", "5xx-then-initialize"),
    "waits": ("waits",),
    "lost": ("404-then-initialize", "5xx-then-initialize"),
}


def failures(knowledge: Knowledge) -> list[Finding]:
    """Return all faults. Of several cases of an event without an expected behaviour, it reports only the first."""
    held, faults = set(), {}
    for case in cases(knowledge.events, knowledge.mechanisms, knowledge.kit_proxies):
        found = behaviour_for(case, knowledge.promises)
        if found is not None:
            held.add(found.id)
        elif case.event not in faults:
            example = {"keeping": case.keeping, "era": case.era, "answers": case.answers, "proxy": case.proxy}
            example |= {"several_proxies": str(case.several_proxies).lower()}
            faults[case.event] = fault("gap", case.event, "no entry has the expected behaviour for this case", example)
    named = {event.id for event in knowledge.events}
    found_wrong = list(faults.values())
    for behaviour in knowledge.promises:
        if behaviour.event not in named:
            found_wrong.append(fault("dead", behaviour.id, f"the event {behaviour.event!r} does not exist"))
        elif behaviour.id not in held:
            found_wrong.append(fault("shadowed", behaviour.id, "earlier entries apply to all cases of this entry"))
        if not behaviour.sources:
            found_wrong.append(fault("source", behaviour.id, "no source is given"))
        if set("{}") & set(behaviour.clients.replace(_BLANK, "")):
            found_wrong.append(fault("data", behaviour.id, f"the text contains a placeholder other than {_BLANK}"))
        found_wrong += _unfelt(behaviour)
        found_wrong += [
            fault("source", behaviour.id, f"the source {source!r} does not exist")
            for source in behaviour.sources
            if source not in knowledge.sources
        ]
    found_wrong += [
        fault("gap", f"handles.{value}", "rules/ has no phrase for this value in DECISION.md")
        for value in HANDLES
        if f"handles.{value}" not in knowledge.phrases
    ]
    return found_wrong


def _unfelt(behaviour: ExpectedBehaviour) -> list[Finding]:
    """Return faults: effects that clients cannot notice with this result, and a share outside of 0 to 1."""
    share = behaviour.lost_at_most
    shares = (
        []
        if 0 < share <= 1
        else [fault("data", behaviour.id, f"lost_at_most: {share:g} is not a share above 0 and up to 1")]
    )
    return shares + [
        fault("data", behaviour.id, f"clients cannot notice {felt!r} if calls see {behaviour.then!r}")
        for felt in behaviour.felt
        if behaviour.then not in _NEEDED[felt]
    ]
