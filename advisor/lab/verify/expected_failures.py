"""Which failures `verify --chaos` injects into a fleet, and what its clients should see of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from advisor.errors import UsageError
from advisor.kit.expected_failures import Promised, promised
from advisor.knowledge import Knowledge
from advisor.lab.verify.preparation import Preparation


def expected(prepared: Preparation, knowledge: Knowledge, events: Sequence[str] = ()) -> list[Promised]:
    """The promises that can be checked on a fleet.

    Args:
        prepared: what it is started from.
        knowledge: the events and the promises.
        events: ids of the events that are wanted; all by default.

    Raises:
        UsageError: an event does not exist, or nothing stands in front of several instances.
    """
    known = [event.id for event in knowledge.events]
    for event in events:
        if event not in known:
            raise UsageError(f"There is no event {event!r}; one of {', '.join(known)}.")
    if prepared.front.program is None and max(prepared.instances.values()) > 1:
        raise UsageError("What is promised for failures counts on a proxy: run it with one, or with --instances 1.")
    # What stands in for the platform's balancer is not the kit's, and what is promised for a reload is not for it.
    apart = set() if prepared.front.own else {"proxy-reloaded"}
    found = promised(prepared.kit, knowledge, prepared.instances)
    wanted = [one for one in found if one.event.id not in apart and (not events or one.event.id in events)]
    # Where the kit has no tool that keeps state, the lab's own one keeps it in the store that the instances share.
    return [replace(one, handles=one.promise.handles) for one in wanted] if prepared.extras.redis else wanted
