"""What an instance carries, as lines of text and as data: the part `load` of a verification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from statistics import median
from typing import Any

from advisor.console.canvas import Canvas, Column, Words
from advisor.knowledge.capacity import kilobytes
from advisor.knowledge.types import ERAS, FLAG_PAIRS
from advisor.lab.load.run import Load, Memory, Rate

_BOUNDS = {
    "server": "the processor of the server",
    "client": "the client of this measurement",
    "machine": "this machine, which had other work",
}


def load_dict(found: Load) -> dict[str, Any]:
    """The load as JSON types; figures of several rounds stand one after the other."""
    return {
        "asked": found.asked,
        "machine": found.machine,
        "memory": [asdict(one) for one in found.memory],
        "rates": [{**asdict(one), **_rounded(one)} for one in found.rates],
        "seconds": round(found.seconds, 1),
        "load_average": [round(one, 1) for one in found.busy],
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
    bounds = dict.fromkeys(one.bound for one in found.rates)
    canvas.line(
        f"Calls of a tool that answers at once, in a second of the server's processor time; bounded by "
        f"{' and '.join(_BOUNDS[one] for one in bounds)}. {found.machine}.",
        indent=1,
    )


def memory_lines(found: Load) -> Iterator[str]:
    """What sessions cost, in words."""
    for one in found.memory:
        yield f"{_held(one)}; {_cost(one)}."
        if one.refusal:
            yield f"Not {found.asked:,}: {one.refusal}"


def _held(one: Memory) -> str:
    streams = f", {one.streams:,} of them with their GET stream open" if one.stream_session_bytes is not None else ""
    return f"{one.sessions:,} legacy sessions held{streams}"


def _cost(one: Memory) -> str:
    idle = f"{kilobytes(one.session_bytes)} for each idle one"
    if one.stream_session_bytes is not None:
        idle += f", {kilobytes(one.stream_session_bytes)} with its stream"
    return f"{idle}, beside {one.process_bytes / 1_000_000:,.0f} MB of the process"


def _cells(rates: list[Rate]) -> list[Words]:
    times = [median(one.median_ms for one in rates), median(one.p95_ms for one in rates)]
    return [f"{median(one.calls_per_processor_s for one in rates):,.0f}", *(f"{one:.1f} ms" for one in times)]


def _rounded(one: Rate) -> dict[str, float]:
    names = ("calls_per_s", "calls_per_processor_s", "median_ms", "p95_ms")
    return {name: round(getattr(one, name), 1) for name in names}
