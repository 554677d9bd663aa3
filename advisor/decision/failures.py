"""Faults of rules/failures.yaml: cases without a promise, promises that never hold, names that nothing declares."""

from __future__ import annotations

from advisor.decision.consistency import Fault
from advisor.knowledge import Knowledge
from advisor.knowledge.failures import cases, promise_for

_BLANK = "{idle}"


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
        found_wrong += [
            Fault("source", one.id, f"the source {source!r} does not exist")
            for source in one.sources
            if source not in knowledge.sources
        ]
    return found_wrong
