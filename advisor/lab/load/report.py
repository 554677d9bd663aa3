"""The results of a load measurement as text."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from advisor.console.canvas import Canvas, Column, Words
from advisor.knowledge.capacity import kilobytes
from advisor.knowledge.types import ERAS, FLAG_PAIRS
from advisor.lab.load.run import Load, Memory, Rate

_BOUNDS = {
    "server": "the CPU of the server",
    "client": "the CPU of the client",
    "machine": "other work of this machine",
}


def draw_load(canvas: Canvas, found: Load) -> None:
    """Draw the results as a section of a report."""
    canvas.heading("Load of one instance")
    for line in memory_lines(found):
        canvas.line(line, indent=1)
    heads = ("Clients", "stateless_http", "json_response", "calls/CPU s", "median", "95 %")
    rows: list[tuple[list[Words], str]] = [
        ([era, *map(str, pair), *_cells(rates)], "")
        for era in ERAS
        for pair in FLAG_PAIRS
        if (rates := found.rate(*pair, era))
    ]
    canvas.table([Column(head, fixed=True) for head in heads], rows)
    bounds = dict.fromkeys(rate.bound for rate in found.rates)
    canvas.line("calls/CPU s: calls of a tool that does no work, per second of CPU time of the server.", indent=1)
    canvas.line("median, 95 %: latency of these calls.", indent=1)
    canvas.line(f"Limited by {' and '.join(_BOUNDS[bound] for bound in bounds)}. {found.machine}.", indent=1)


def memory_lines(found: Load) -> Iterator[str]:
    """The number of sessions and their memory."""
    for memory in found.memory:
        streams = f"{memory.streams:,} of them with an open GET stream"
        yield f"The process held {memory.sessions:,} legacy sessions, {streams}."
        yield f"Memory: {_cost(memory)}."
        if memory.refusal:
            yield f"The measurement did not reach {found.asked:,} sessions: {memory.refusal}"


def _cost(memory: Memory) -> str:
    idle, streaming = kilobytes(memory.session_bytes), kilobytes(memory.stream_session_bytes)
    process = f"{memory.process_bytes / 1_000_000:,.0f} MB for the process"
    return f"{process}, plus {idle} for each idle session or {streaming} for each session with an open GET stream"


def _cells(rates: list[Rate]) -> list[Words]:
    times = [median(rate.median_ms for rate in rates), median(rate.p95_ms for rate in rates)]
    return [f"{median(rate.calls_per_processor_s for rate in rates):,.0f}", *(f"{time:.1f} ms" for time in times)]
