"""The faults that `verify --chaos` injects into a fleet, and the expected behaviour for each fault."""

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
from advisor.requirements.text import unknown_names

_KEY = "expected_failures"
_STATED = ("then", "running", "others", "felt", "lost_at_most")


def failures_to_inject(
    prepared: Preparation, knowledge: Knowledge, events: Sequence[str] = ()
) -> list[ExpectedFailure]:
    """Select the faults that can be injected into a fleet.

    Args:
        prepared: the fleet to start.
        knowledge: the events and their expected behaviour.
        events: ids of the events to inject; empty for all events.

    Raises:
        UsageError: an event does not exist, several instances run without a proxy, or nothing is expected.
    """
    known = [event.id for event in knowledge.events]
    if problem := unknown_names(events, known, "Unknown event {}.", "The events are"):
        raise UsageError(problem)
    if prepared.kit.plain:
        raise UsageError(
            "The kit of a developer's machine has no expected behaviour for faults. To fix this, set "
            "environment.platform to the platform of the deployment."
        )
    if prepared.front.program is None and max(prepared.instances.values()) > 1:
        raise UsageError(
            "Fault injection into several instances needs a proxy. To fix this, name a proxy with --proxy or use "
            "--instances 1."
        )
    # The stand-in for the platform's load balancer is not part of the kit. The kit has no expected behaviour for its
    # failures.
    found = [
        failure
        for failure in expected_failures(prepared.kit, prepared.instances)
        if prepared.front.own or failure.event.strikes != "proxy"
    ]
    wanted = [failure for failure in found if not events or failure.event.id in events]
    # If the kit has no tool with state handles, the lab's own tool stores state in the shared store.
    return (
        [replace(failure, handles=failure.expected.handles) for failure in wanted] if prepared.extras.redis else wanted
    )


def as_documented(
    failures: Sequence[ExpectedFailure], document: Mapping[str, Any], prepared: Preparation, knowledge: Knowledge
) -> tuple[list[ExpectedFailure], list[str]]:
    """Replace the expected behaviour of the failures by the expected behaviour in the kit's decision.json.

    decision.json describes only the decided number of instances. If a run has another number and another expected
    behaviour applies to this number, the failure stays unchanged.

    Args:
        failures: the failures to inject.
        document: the content of decision.json.
        prepared: the fleet to start.
        knowledge: the expected behaviour of each case.

    Returns:
        The failures, and problems with the document in words.
    """
    records = document.get(_KEY)
    if not isinstance(records, list):
        return list(failures), [f"decision.json has no array `{_KEY}`. To fix this, run `generate` again."]
    stated = {_place(record): record for record in records if isinstance(record, dict)}
    decided = {_place(record): record["keeping"] for record in failure_records(prepared.kit)}
    found, problems = [], []
    for failure in failures:
        place = _place(failure_record(failure, prepared.kit))
        if decided.get(place) == failure.keeping:
            try:
                failure = _stated(failure, stated[place])
            except (KeyError, ValidationError) as error:
                what = f"{failure.event.id} for {failure.era} clients"
                problems.append(f"decision.json: `{_KEY}` has no valid entry for the event {what} ({_reason(error)}).")
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
