"""The filled table of exercise 1 as text, as Markdown and as data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from advisor.knowledge.types import Era
from advisor.lab.exercise import PAIRS, SCHEMA, Claim, Exercise, Notices, Sight
from advisor.lab.observation import Observation
from advisor.render.screen import Canvas, Column, Screen, Words

_ERAS: dict[Era, str] = {"legacy": "Legacy clients", "modern": "Modern clients"}
_SHORT = {"dropped": "lost", "hang": "hangs"}
_STYLES = {"works": "green", "error": "bold red", "hangs": "bold red", "lost": "yellow", "none": "yellow"}
_KINDS = {"text/event-stream": "SSE", "application/json": "JSON"}
_STATUS = re.compile(r"HTTP (\d+)(?:: (.*)| ([\w/-]*)(, .*)?)?")


class Row(NamedTuple):
    """A row of a table: what it is about, and a text for each flag pair."""

    name: str
    cells: list[str]


def table_rows(found: Exercise, era: Era) -> list[Row]:
    """What clients of an era see."""
    seen = [_sight(found, pair, era) for pair in PAIRS]
    rows = [
        Row("add", [_short(one.add) for one in seen]),
        Row("research", [_short(one.research) for one in seen]),
        Row("its progress", [_count(one.progress) for one in seen]),
        Row("its log messages", [_count(one.logs) for one in seen]),
    ]
    rows += [
        Row(f"sampling, {call.rpartition('.')[2]}", [_short(one.sampling[call]) for one in seen])
        for call in seen[0].sampling
    ]
    rows += [
        Row(f"the answer to {tool}", [_KINDS.get(one.content_types[tool], one.content_types[tool]) for one in seen])
        for tool in seen[0].content_types
    ]
    return [*rows, Row("Mcp-Session-Id", ["yes" if one.session_header else "no" for one in seen])]


def curl_rows(found: Exercise) -> list[Row]:
    """What curl sees, in few words; `curl_notes` has the messages."""
    names = dict.fromkeys(one.request for one in found.bare)
    by_place = {(one.request, (one.stateless_http, one.json_response)): one.answer for one in found.bare}
    return [Row(name, [_answer(by_place[name, pair])[0] for pair in PAIRS]) for name in names]


def curl_notes(found: Exercise) -> list[str]:
    """The messages behind the answers, each once."""
    return list(dict.fromkeys(note for one in found.bare if (note := _answer(one.answer)[1])))


def claim_rows(found: Exercise) -> Iterator[tuple[Claim, str]]:
    """Each claim of guides with what was observed instead, flag pairs with the same observation put together."""
    for _, group in groupby(found.claims, key=lambda one: (one.feature.id, one.documented.says)):
        same = list(group)
        seen: dict[str, list[str]] = {}
        for one in same:
            for era, outcome in one.seen.items():
                pair = f"{one.stateless_http}/{one.json_response}"
                seen.setdefault(f"{_SHORT.get(outcome, outcome)} for {era} clients", []).append(pair)
        yield same[0], "; ".join(f"{what} ({', '.join(pairs)})" for what, pairs in seen.items())


def exercise_text(found: Exercise, screen: Screen) -> str:
    """The table on a terminal."""
    canvas = Canvas(screen)
    canvas.line(("Exercise 1", "bold"), f" on {found.sdk}: add(a, b) and research(topic) under the four flag pairs.")
    for era in found.eras:
        canvas.heading(_ERAS[era])
        _table(canvas, table_rows(found, era))
    canvas.heading("curl, without a handshake")
    _table(canvas, curl_rows(found))
    for note in curl_notes(found):
        canvas.line((note, "dim"), indent=1)
    canvas.heading("Where published advice differs")
    for claim, observed in claim_rows(found):
        documented = claim.documented
        canvas.line((claim.feature.title, "bold"), indent=1)
        said = f"{documented.says} ({', '.join(documented.sources)})"
        canvas.pairs([("guides say", said), ("observed", observed)], indent=3, styles=["yellow"])
    if not found.claims:
        canvas.line("Nowhere.", indent=1)
    canvas.gap()
    canvas.line((f"{found.seconds:.0f} s. Flag pairs are written stateless_http/json_response.", "dim"))
    return canvas.text()


def exercise_markdown(found: Exercise) -> str:
    """The table as a Markdown document."""
    lines = [f"# Exercise 1 on {found.sdk}", "", "`add(a, b)` and `research(topic)` under the four flag pairs."]
    for era in found.eras:
        lines += ["", f"## {_ERAS[era]}", "", *_markdown(table_rows(found, era))]
    lines += ["", "## curl, without a handshake", "", *_markdown(curl_rows(found)), ""]
    lines += [f"- {note}" for note in curl_notes(found)]
    lines += ["", "## Where published advice differs", ""]
    for claim, observed in claim_rows(found):
        sources = ", ".join(f"`{one}`" for one in claim.documented.sources)
        lines.append(f"- **{claim.feature.title}**. Guides say: {claim.documented.says} ({sources})")
        lines.append(f"  - observed: {observed}")
    if not found.claims:
        lines.append("Nowhere.")
    return "\n".join([*lines, "", "Flag pairs are written `stateless_http`/`json_response`.", ""])


def exercise_dict(found: Exercise) -> dict[str, Any]:
    """The document of `exercise --format json`."""
    return {
        "schema": SCHEMA,
        "sdk": found.sdk,
        "rows": [_row(one) for one in found.sights],
        "curl": [
            {**_pair(one.stateless_http, one.json_response), "request": one.request, "answer": one.answer}
            for one in found.bare
        ],
        "published": [
            {
                **_pair(one.stateless_http, one.json_response),
                "feature": one.feature.id,
                "says": one.documented.says,
                "documented": one.documented.outcome,
                "observed": dict(one.seen),
                "sources": list(one.documented.sources),
            }
            for one in found.claims
        ],
        "seconds": round(found.seconds, 1),
    }


def _row(one: Sight) -> dict[str, Any]:
    return {
        **_pair(one.stateless_http, one.json_response),
        "era": one.era,
        "add": _cell(one.add),
        "research": _cell(one.research),
        "progress": {"outcome": one.progress.outcome, "arrived": one.progress.count, "live": one.progress.live},
        "logging": {"outcome": one.logs.outcome, "arrived": one.logs.count, "live": one.logs.live},
        "sampling": [{"call": call, **_cell(seen)} for call, seen in one.sampling.items()],
        "content_type": dict(one.content_types),
        "session_header": one.session_header,
    }


def _pair(stateless_http: bool, json_response: bool) -> dict[str, bool]:
    return {"stateless_http": stateless_http, "json_response": json_response}


def _cell(one: Observation) -> dict[str, str]:
    return {"outcome": one.outcome, "message": one.message}


def _sight(found: Exercise, pair: tuple[bool, bool], era: Era) -> Sight:
    return next(one for one in found.sights if (one.stateless_http, one.json_response, one.era) == (*pair, era))


def _short(one: Observation) -> str:
    return _SHORT.get(one.outcome, one.outcome)


def _count(one: Notices) -> str:
    if not one.count:
        return "none"
    return f"{one.live} live" if one.live == one.count else f"{one.count}, {one.live} live"


def _answer(text: str) -> tuple[str, str]:
    """An answer in few words, and its message if it has one."""
    found = _STATUS.fullmatch(text)
    if found is None:
        return text, ""
    status, message, kind, more = found.groups()
    if message:
        return status, f"{status}: {message}"
    if more:
        return f"{status} silent", f"{status} silent: {kind}{more}"
    return f"{status} {_KINDS.get(kind or '', kind or '')}".rstrip(), ""


def _table(canvas: Canvas, rows: Sequence[Row]) -> None:
    columns = [Column("stateless_http\njson_response", least=14)]
    columns += [Column(f"{stateless}\n{json_response}", fixed=True) for stateless, json_response in PAIRS]
    cells: list[tuple[list[Words], str]] = [
        ([(row.name, "bold"), *((cell, _STYLES.get(cell, "")) for cell in row.cells)], "") for row in rows
    ]
    canvas.table(columns, cells)


def _markdown(rows: Sequence[Row]) -> list[str]:
    heads = [f"`{stateless}` / `{json_response}`" for stateless, json_response in PAIRS]
    lines = ["| `stateless_http` / `json_response` | " + " | ".join(heads) + " |", "|---|---|---|---|---|"]
    return [*lines, *(f"| {row.name} | {' | '.join(row.cells)} |" for row in rows)]
