"""The results of `verify --chaos`, as text and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TypedDict, get_args

from advisor.console.canvas import Canvas, Column, Words
from advisor.documents import Count, Number, document
from advisor.knowledge.failures import Handles, Running, Then
from advisor.knowledge.types import Era
from advisor.knowledge.vocabulary import Keeping
from advisor.lab.chaos.evidence import ChaosRow, HandlesSeen


class RunningRecord(TypedDict):
    """A call that ran on the target when the fault was injected; both values are null where no call ran there."""

    promised: Running | None
    seen: Running | None


class HandlesRecord(TypedDict):
    """State handles in the shared store; the first two values are null where there is no shared store.

    Attributes:
        promised: expected behaviour.
        seen: observed behaviour.
        failed: calls that failed, or that succeeded only after the fault.
        gone: calls with a state handle that the server does not know any more.
    """

    promised: Handles | None
    seen: HandlesSeen | None
    calls: Count
    failed: Count
    gone: Count


class ChaosRecord(TypedDict):
    """The expected and the observed behaviour of clients after a fault.

    Attributes:
        tier: null in a single-tier deployment.
        keeping: how requests of a session reach the owner of the session.
        promised: expected behaviour of calls after the fault, as DECISION.md states it.
        seen: observed behaviour; null where the fault was not injected.
        running_call: a call that ran on the target when the fault was injected.
        handles: state handles in the shared store.
        detail: the differences from the expected behaviour, in words.
        failed_first: calls with a failed first request.
        failed_after_retry: calls that failed after all retries.
        lost_elsewhere: lost sessions of an owner that was not a target.
        executed_twice: requests that instances executed more than once.
        run_again: calls that ran again because the client repeated the request.
        seconds: time from the start of the experiment until all clients were served again.
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


def chaos_text(canvas: Canvas, rows: Sequence[ChaosRow], phrases: Mapping[str, str]) -> None:
    """Write the section about fault injection of the report. `phrases` has the phrases of the rules, by id."""
    for tier in dict.fromkeys(row.tier for row in rows):
        some = [row for row in rows if row.tier == tier]
        canvas.heading(f"Fault injection{f', tier {tier}' if tier else ''}")
        verdicts = [
            Column("Event", fixed=True),
            Column("Era", fixed=True, least=6),
            Column("Expected", least=19),
            Column("Observed", least=19),
            Column("OK", fixed=True, least=4),
        ]
        canvas.table(verdicts, [(_verdict(row), "") for row in some])
        heads = ["Event", "Era", "Calls", "1st try\nfailed", "Retry\nfailed", "Sessions\nlost", "Longest\nwait"]
        canvas.table([Column(head, fixed=True, least=4) for head in heads], [(_counts(row), "") for row in some])
    shown = {behaviour for row in rows for behaviour in (row.failure.expected.then, row.judged.seen)}
    for behaviour in get_args(Then):
        if behaviour in shown:
            canvas.line((behaviour, "bold"), f": {phrases[f'then.{behaviour}']}", indent=2)
    canvas.line(
        "The column Observed leaves out the calls that ran on the target when the fault was injected. "
        "The counts include these calls.",
        indent=2,
    )
    canvas.line(
        f"Calls: {sum(row.judged.numbers.calls for row in rows)}. "
        f"Requests executed twice: {sum(row.judged.numbers.executed_twice for row in rows)}. "
        f"Calls executed again after a retry of the client: {sum(row.judged.numbers.run_again for row in rows)}.",
        indent=2,
    )
    numbers = [row.handles.numbers for row in rows if row.handles.seen]
    if numbers:
        canvas.line(
            f"Calls with a state handle: {sum(counts.calls for counts in numbers)}. "
            f"Failed: {sum(counts.failed for counts in numbers)}. "
            f"State lost: {sum(counts.gone for counts in numbers)}.",
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
