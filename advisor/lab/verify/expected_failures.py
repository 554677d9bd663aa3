"""Which failures `verify --chaos` injects into a fleet, and what its clients should see of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from advisor.errors import UsageError
from advisor.kit.expected_failures import ExpectedFailure, expected_failures, failure_record, failure_records
from advisor.knowledge import Knowledge
from advisor.knowledge.failures import ExpectedBehaviour
from advisor.lab.verify.preparation import Preparation

_KEY = "expected_failures"
_STATED = ("then", "running", "others", "felt", "lost_at_most")


def failures_to_inject(
    prepared: Preparation, knowledge: Knowledge, events: Sequence[str] = ()
) -> list[ExpectedFailure]:
    """The failures that can be checked on a fleet.

    Args:
        prepared: what it is started from.
        knowledge: the events, and what is expected of each.
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
    # The stand-in for the platform's balancer is not the kit's, and what is expected of a reload is not for it.
    apart = set() if prepared.front.own else {"proxy-reloaded"}
    found = expected_failures(prepared.kit, knowledge, prepared.instances)
    wanted = [
        failure for failure in found if failure.event.id not in apart and (not events or failure.event.id in events)
    ]
    # Where the kit has no tool that keeps state, the lab's own tool keeps it in the store that the instances share.
    return (
        [replace(failure, handles=failure.expected.handles) for failure in wanted] if prepared.extras.redis else wanted
    )


def as_documented(
    failures: Sequence[ExpectedFailure], document: Mapping[str, Any], prepared: Preparation, knowledge: Knowledge
) -> tuple[list[ExpectedFailure], list[str]]:
    """The failures with what the kit's decision.json expects of them.

    A run with another number of instances than decided is not described there: what it expects stays as it is.

    Args:
        failures: to inject.
        document: decision.json.
        prepared: what the fleet is started from.
        knowledge: what is expected in each case.

    Returns:
        The failures, and in words what the document does not say.
    """
    records = document.get(_KEY)
    if not isinstance(records, list):
        return list(failures), [f"decision.json has no array `{_KEY}`: `generate` writes it again."]
    stated = {_place(record): record for record in records if isinstance(record, dict)}
    decided = {_place(record): record["keeping"] for record in failure_records(prepared.kit, knowledge)}
    found, problems = [], []
    for failure in failures:
        place = _place(failure_record(failure, prepared.kit))
        if decided.get(place) == failure.keeping:
            try:
                failure = _stated(failure, stated[place])
            except (KeyError, ValidationError) as error:
                what = f"{failure.event.id} for {failure.era} clients"
                problems.append(f"decision.json: `{_KEY}` does not say what is expected of {what} ({_reason(error)}).")
        found.append(failure)
    return found, problems


def _place(record: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(record.get("event")), str(record.get("tier")), str(record.get("era"))


def _stated(failure: ExpectedFailure, record: Mapping[str, Any]) -> ExpectedFailure:
    values = {**asdict(failure.expected), **{key: record[key] for key in _STATED}}
    values["handles"] = record["handles"] or failure.expected.handles
    expected = TypeAdapter(ExpectedBehaviour).validate_python(values)
    return replace(failure, expected=expected, handles=failure.handles and expected.handles)


def _reason(error: KeyError | ValidationError) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing" if isinstance(error.args[0], str) else "no entry"
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
