"""Faults of rules/failures.yaml: cases without a promise, promises that never hold, names that nothing declares."""

from __future__ import annotations

from advisor.decision.checks.consistency import Fault
from advisor.knowledge import Knowledge
from advisor.knowledge.failures import HANDLES, Felt, Promise, Then, cases, promise_for

_BLANK = "{idle}"
# What calls may see of an event without which none of them can have felt it in that way.
_NEEDED: dict[Felt, tuple[Then, ...]] = {
    "fails": ("retry-succeeds", "404-then-initialize", "503-then-retry", "5xx-then-retry", "5xx-then-initialize"),
    "waits": ("waits",),
    "lost": ("404-then-initialize", "5xx-then-initialize"),
}


def failures(knowledge: Knowledge) -> list[Fault]:
    """Every fault; a case without a promise is reported once for its event."""
    held, faults = set(), {}
    for case in cases(knowledge.events):
        found = promise_for(case, knowledge.promises)
        if found is not None:
            held.add(found.id)
        elif case.event not in faults:
            example = {"keeping": case.keeping, "era": case.era, "answers": case.answers, "proxy": case.proxy}
            faults[case.event] = Fault("gap", case.event, "no promise speaks of this case", example)
    named = {event.id for event in knowledge.events}
    found_wrong = list(faults.values())
    for one in knowledge.promises:
        if one.event not in named:
            found_wrong.append(Fault("dead", one.id, f"the event {one.event!r} does not exist"))
        elif one.id not in held:
            found_wrong.append(Fault("shadowed", one.id, "a promise before it always holds first"))
        if not one.sources:
            found_wrong.append(Fault("source", one.id, "no source is given"))
        if set("{}") & set(one.clients.replace(_BLANK, "")):
            found_wrong.append(Fault("data", one.id, f"its text holds another blank than {_BLANK}"))
        found_wrong += _unfelt(one)
        found_wrong += [
            Fault("source", one.id, f"the source {source!r} does not exist")
            for source in one.sources
            if source not in knowledge.sources
        ]
    found_wrong += [
        Fault("gap", f"handles.{value}", "no phrase says it in DECISION.md")
        for value in HANDLES
        if f"handles.{value}" not in knowledge.phrases
    ]
    return found_wrong


def _unfelt(one: Promise) -> list[Fault]:
    """What must be felt although nobody may, and a share that is none."""
    shares = [] if 0 < one.lost_at_most <= 1 else [Fault("data", one.id, f"{one.lost_at_most:g} is not a share")]
    return shares + [
        Fault("data", one.id, f"{felt!r} must be felt, which {one.then!r} rules out")
        for felt in one.felt
        if one.then not in _NEEDED[felt]
    ]
