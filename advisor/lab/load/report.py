"""What an instance carries, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from advisor.console.canvas import Canvas, Column, Words
from advisor.knowledge.capacity import kilobytes
from advisor.knowledge.types import ERAS, FLAG_PAIRS
from advisor.lab.load.run import Load, Memory, Rate

_BOUNDS = {
    "server": "the processor of the server",
    "client": "the client of this measurement",
    "machine": "this machine, which had other work",
}


def draw_load(canvas: Canvas, found: Load) -> None:
    """Draw it as a section of a report."""
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
    canvas.line(
        f"Calls of a tool that answers at once, in a second of the server's processor time; bounded by "
        f"{' and '.join(_BOUNDS[bound] for bound in bounds)}. {found.machine}.",
        indent=1,
    )


def memory_lines(found: Load) -> Iterator[str]:
    """What sessions cost, in words."""
    for memory in found.memory:
        streams = f"{memory.streams:,} of them with their GET stream open"
        yield f"{memory.sessions:,} legacy sessions held, {streams}; {_cost(memory)}."
        if memory.refusal:
            yield f"Not {found.asked:,}: {memory.refusal}"


def _cost(memory: Memory) -> str:
    idle, streaming = kilobytes(memory.session_bytes), kilobytes(memory.stream_session_bytes)
    process = f"{memory.process_bytes / 1_000_000:,.0f} MB of the process"
    return f"{idle} for each idle one, {streaming} with its stream, besides {process}"


def _cells(rates: list[Rate]) -> list[Words]:
    times = [median(rate.median_ms for rate in rates), median(rate.p95_ms for rate in rates)]
    return [f"{median(rate.calls_per_processor_s for rate in rates):,.0f}", *(f"{time:.1f} ms" for time in times)]
