"""What `verify --chaos` found, as text and as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TypedDict

from advisor.console.canvas import Canvas, Column, Words
from advisor.documents import Count, Number, document
from advisor.knowledge.failures import Handles, Running, Then
from advisor.knowledge.types import Era
from advisor.knowledge.vocabulary import Keeping
from advisor.lab.chaos.evidence import ChaosRow, HandlesSeen


class RunningRecord(TypedDict):
    """A call that ran where a fault was injected; null where no call did."""

    promised: Running | None
    seen: Running | None


class HandlesRecord(TypedDict):
    """State handles in the shared store; null where there is no such store.

    Attributes:
        gone: calls whose handle was not known any more.
    """

    promised: Handles | None
    seen: HandlesSeen | None
    calls: Count
    failed: Count
    gone: Count


class ChaosRecord(TypedDict):
    """What is expected of a fault, and what was observed.

    Attributes:
        tier: null in a single-tier deployment.
        keeping: how the requests of a session find its owner.
        promised: what DECISION.md says that calls see from the event on.
        seen: null where the event was not made to happen.
        running_call: a call that ran where the fault was injected; null where no call did.
        handles: state handles in the shared store; null where there is no such store.
        detail: what is not as expected.
        failed_first: calls whose first request failed.
        failed_after_retry: calls that were not done in the end.
        lost_elsewhere: lost sessions whose owner was not a target.
        executed_twice: requests that were executed more than once.
        run_again: calls that ran again because their client repeated them.
    """

    tier: str | None
    event: str
    era: Era
    keeping: Keeping
    promised: Then
    seen: Then | None
    running_call: RunningRecord
    handles: HandlesRecord
    agrees: bool
    detail: str
    calls: Count
    failed_first: Count
    failed_after_retry: Count
    sessions_lost: Count
    lost_elsewhere: Count
    executed_twice: Count
    run_again: Count
    longest_wait_s: Number
    seconds: Number


def chaos_data(rows: Sequence[ChaosRow]) -> list[ChaosRecord]:
    """The key `chaos` of the document of `verify --format json`."""
    return [
        document(
            ChaosRecord,
            row.failure,
            tier=row.tier,
            event=row.failure.event.id,
            promised=row.failure.expected.then,
            seen=row.judged.seen,
            running_call={"promised": row.failure.expected.running, "seen": row.judged.running},
            handles=document(HandlesRecord, row.handles.numbers, promised=row.failure.handles, seen=row.handles.seen),
            agrees=row.agrees,
            detail="; ".join(row.problems),
            seconds=row.seconds,
            **asdict(row.judged.numbers),
        )
        for row in rows
    ]


def chaos_text(canvas: Canvas, rows: Sequence[ChaosRow]) -> None:
    """A section of the report."""
    for tier in dict.fromkeys(row.tier for row in rows):
        some = [row for row in rows if row.tier == tier]
        canvas.heading(f"When something fails{f', tier {tier}' if tier else ''}")
        verdicts = [
            Column("Event", fixed=True),
            Column("Era", fixed=True, least=6),
            Column("Promised", least=19),
            Column("Seen", least=19),
            Column("Kept", fixed=True, least=4),
        ]
        canvas.table(verdicts, [(_verdict(row), "") for row in some])
        heads = ["Event", "Era", "Calls", "Failed\nat first", "and when\nrepeated", "Sessions\nlost", "Longest\nwait"]
        canvas.table([Column(head, fixed=True, least=4) for head in heads], [(_counts(row), "") for row in some])
    canvas.line("What was seen leaves out the calls that ran where an event struck; the counts include them.", indent=2)
    twice = sum(row.judged.numbers.executed_twice for row in rows)
    canvas.line(
        f"{sum(row.judged.numbers.calls for row in rows)} calls; "
        f"{f'{twice} requests were' if twice else 'no request was'} executed twice, "
        f"{sum(row.judged.numbers.run_again for row in rows)} calls ran again because their client repeated them.",
        indent=2,
    )
    numbers = [row.handles.numbers for row in rows if row.handles.seen]
    if numbers:
        canvas.line(
            f"{sum(counts.calls for counts in numbers)} calls with a handle; "
            f"{sum(counts.failed for counts in numbers)} failed, "
            f"{sum(counts.gone for counts in numbers)} found that what was kept is gone.",
            indent=2,
        )
    for row in rows:
        for problem in row.problems:
            where = f"clients, tier {row.tier}" if row.tier else "clients"
            what = f"{row.failure.event.title}, {row.failure.era} {where}: "
            canvas.line((what, "bold"), f"{problem}.", indent=2)


def _verdict(row: ChaosRow) -> list[Words]:
    verdict = ("yes", "green") if row.agrees else ("NO", "bold red")
    return [row.failure.event.id, row.failure.era, row.failure.expected.then, row.judged.seen or "-", verdict]


def _counts(row: ChaosRow) -> list[Words]:
    numbers = row.judged.numbers
    counted = (numbers.calls, numbers.failed_first, numbers.failed_after_retry, numbers.sessions_lost)
    return [row.failure.event.id, row.failure.era, *map(str, counted), f"{numbers.longest_wait_s:.1f} s"]
