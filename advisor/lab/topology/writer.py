"""Writes measured rows into rules/topology.yaml; what people wrote (the head, the phrases, other rows) stays."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import yaml

from advisor.errors import KnowledgeError, UsageError
from advisor.files import reason, write_atomically
from advisor.knowledge import Knowledge
from advisor.knowledge.compiler import compile_rules
from advisor.knowledge.paths import rules_dir
from advisor.knowledge.topology import Figures, MeasuredOn, Share, Way, Window, verdict

_START = "topology:\n"
_END = "\nphrases:\n"
_WIDTH = 120


def write(knowledge: Knowledge, measured: Sequence[Way]) -> str:
    """Rewrite rules/topology.yaml; the diff.

    Raises:
        UsageError: the file cannot be rewritten.
    """
    path = rules_dir() / "topology.yaml"
    try:
        before = path.read_text(encoding="utf-8")
        after = rewritten(before, updated(_reread(knowledge).topology.values(), measured))
        write_atomically(path, after)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be rewritten: {reason(error)}.") from None
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), "before", "after", n=1)
    return "".join(lines)


def _reread(knowledge: Knowledge) -> Knowledge:
    """The knowledge as it is now: a person can have corrected a sentence in the minutes that the measurement took.

    Where it is not valid at this moment, `knowledge`: no measurement is lost for that.
    """
    try:
        return compile_rules(rules_dir())
    except KnowledgeError:
        return knowledge


def rewritten(text: str, ways: Iterable[Way]) -> str:
    """The file with these rows instead of its own.

    Args:
        text: the file, with a head, the rows and the phrases, in this order.
        ways: every row, in order.

    Raises:
        ValueError: it is not laid out so.
    """
    head, found, rest = text.partition(_START)
    _, ended, tail = rest.rpartition(_END)
    if not found or not ended:
        raise ValueError("rules/topology.yaml has no head, rows and phrases, in this order")
    rows = "\n".join("".join(f"{line}\n" for line in _row(way)) for way in ways)
    return f"{head}{_START}{rows}{_END}{tail}"


def updated(ways: Iterable[Way], measured: Iterable[Way]) -> list[Way]:
    """The rows with the figures of those that were measured; what a person writes is that of `ways`."""
    new = {way.id: way for way in measured}
    return [_updated(way, new[way.id]) if way.id in new else way for way in ways]


def _updated(way: Way, new: Way) -> Way:
    taken = replace(way, runs=new.runs, window=new.window, measured=new.measured, evidence=new.evidence)
    return replace(taken, keeps=verdict(taken) or way.keeps)


def _row(way: Way) -> Iterator[str]:
    yield f"  - id: {_flow(way.id)}"
    yield f"    title: {_flow(way.title)}"
    yield f"    program: {way.program}"
    if way.mechanism:
        yield f"    mechanism: {way.mechanism}"
    if way.requirements:
        yield "    requirements:"
        yield from (f"      {key}: {_flow(value)}" for key, value in way.requirements.items())
    if way.template:
        yield f"    template: {way.template}"
    if way.directives:
        yield "    directives:"
        yield from (f"      - {_flow(directive)}" for directive in way.directives)
    yield f"    keeps: {way.keeps}"
    yield from _text("because", way.because)
    yield "    runs:"
    for run in way.runs:
        yield f"      - under: {_flow(_conditions(run.under.unusual))}"
        if run.figures:
            yield "        figures:"
            yield from (f"          {kind}: {_figures(taken)}" for kind, taken in run.figures.items())
    if way.window is not None:
        yield f"    window: {_plain(way.window)}"
    if way.measured is not None:
        yield f"    measured: {_plain(way.measured)}"
    if way.evidence:
        yield from _text("evidence", way.evidence)


def _conditions(unusual: Mapping[str, str]) -> dict[str, Any]:
    return {name: int(value) if value.isdigit() else value for name, value in unusual.items()}


def _figures(taken: Figures) -> str:
    # The rates first, what the SDK's clients saw behind them, as the head of the file explains them.
    order = ("whole", "answered", "wrong", "sampling", "over_get", "crossed", "progress", "spread")
    return _flow({name: _value(getattr(taken, name)) for name in order if getattr(taken, name) is not None})


def _plain(record: Window | MeasuredOn) -> str:
    return _flow({field.name: _value(getattr(record, field.name)) for field in fields(record)})


def _value(value: Any) -> Any:
    return str(value) if isinstance(value, Share) else value


def _text(key: str, text: str) -> Iterator[str]:
    line = f"    {key}: {_flow(text)}"
    if len(line) <= _WIDTH:
        yield line
        return
    yield f"    {key}: >-"
    yield from textwrap.wrap(
        text, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6, break_long_words=False, break_on_hyphens=False
    )


class _Dumper(yaml.SafeDumper):
    """Writes on a single line, with double quotes where any are needed."""

    def choose_scalar_style(self) -> str:
        """Double quotes instead of single quotes."""
        style: str = super().choose_scalar_style()
        return '"' if style == "'" else style


def _flow(value: Any) -> str:
    dumped: str = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=True, sort_keys=False, width=100_000, allow_unicode=True
    )
    return dumped.rstrip("\n").removesuffix("\n...")
