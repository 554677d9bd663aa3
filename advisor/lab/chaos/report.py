"""What `verify --chaos` found, as text and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.console.canvas import Canvas, Column, Words
from advisor.lab.chaos.evidence import ChaosRow

_NUMBERS = (
    "calls",
    "failed_first",
    "failed_after_retry",
    "sessions_lost",
    "lost_elsewhere",
    "executed_twice",
    "run_again",
    "longest_wait_s",
)
_HANDLES = ("calls", "failed", "gone")


def chaos_data(rows: Sequence[ChaosRow]) -> list[dict[str, Any]]:
    """The key `chaos` of the document of `verify --format json`."""
    return [_data(row) for row in rows]


def _data(row: ChaosRow) -> dict[str, Any]:
    return {
        "tier": row.tier,
        "event": row.event,
        "era": row.era,
        "keeping": row.keeping,
        "promised": row.promised,
        "seen": row.seen,
        "running_call": {"promised": row.running_promised, "seen": row.running_seen},
        "handles": {
            "promised": row.handles_promised,
            "seen": row.handles.seen,
            **{name: getattr(row.handles.numbers, name) for name in _HANDLES},
        },
        "agrees": row.agrees,
        "detail": "; ".join(row.problems),
        **{name: getattr(row.numbers, name) for name in _NUMBERS},
        "seconds": row.seconds,
    }


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
    twice = sum(row.numbers.executed_twice for row in rows)
    canvas.line(
        f"{sum(row.numbers.calls for row in rows)} calls; "
        f"{f'{twice} requests were' if twice else 'no request was'} executed twice, "
        f"{sum(row.numbers.run_again for row in rows)} calls ran again because their client repeated them.",
        indent=2,
    )
    numbers = [row.handles.numbers for row in rows if row.handles.seen]
    if numbers:
        canvas.line(
            f"{sum(one.calls for one in numbers)} calls with a handle; {sum(one.failed for one in numbers)} failed, "
            f"{sum(one.gone for one in numbers)} found that what was kept is gone.",
            indent=2,
        )
    for row in rows:
        for problem in row.problems:
            where = f", tier {row.tier}" if row.tier else ""
            canvas.line((f"{row.title}, {row.era} clients{where}: ", "bold"), f"{problem}.", indent=2)


def _verdict(row: ChaosRow) -> list[Words]:
    verdict = ("yes", "green") if row.agrees else ("NO", "bold red")
    return [row.event, row.era, row.promised, row.seen or "-", verdict]


def _counts(row: ChaosRow) -> list[Words]:
    numbers = row.numbers
    counted = (numbers.calls, numbers.failed_first, numbers.failed_after_retry, numbers.sessions_lost)
    return [row.event, row.era, *map(str, counted), f"{numbers.longest_wait_s:.1f} s"]
