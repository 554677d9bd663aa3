"""The results of exercise 1 as text and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from advisor.console.canvas import Canvas, Column, Screen, Words
from advisor.knowledge.types import Era
from advisor.lab.exercise.document import PAIRS
from advisor.lab.exercise.table import Claim, EraResults, Exercise, Notices
from advisor.lab.probes.observation import ProbeResult

_ERAS: dict[Era, str] = {
    "legacy": "Legacy clients (protocol 2025-11-25 and older)",
    "modern": "Modern clients (protocol 2026-07-28)",
}
_CURL = "curl, without the initialize handshake"
_GUIDES = "Published advice that differs from the measurement"
_NO_CLAIMS = "No published advice differs from the measurement."
_LEGEND = "A flag pair is written as stateless_http / json_response. A live message arrives while research runs."
_SHORT = {"dropped": "lost", "hang": "hangs"}
_STYLES = {"works": "green", "error": "bold red", "hangs": "bold red", "lost": "yellow", "none": "yellow"}
_KINDS = {"text/event-stream": "SSE", "application/json": "JSON"}
_CASE = ("Flag pair", "Progress", "Log", "Correct result", "Recommended use")
_ANSWERS = {"yes": "green", "no": "yellow", "too late": "yellow"}
_CASE_COLUMNS = [
    Column(_CASE[0], least=13),
    *(Column(head, least=6, most=14) for head in _CASE[1:4]),
    Column(_CASE[4]),
]
_PAIR_COLUMNS = [
    Column("stateless_http\njson_response", least=14),
    *(Column(f"{stateless}\n{json_response}", fixed=True) for stateless, json_response in PAIRS),
]
_STATUS = re.compile(r"HTTP (\d+)(?:: (.*)| ([\w/-]*)(, .*)?)?")


class TableRow(NamedTuple):
    """A row of a table: its name, and its cells."""

    name: str
    cells: list[str]


def table_rows(found: Exercise, era: Era) -> list[TableRow]:
    """The results of clients of a protocol era, with one cell for each flag pair."""
    seen = [_sight(found, pair, era) for pair in PAIRS]
    rows = [
        TableRow("add", [_short(sight.add) for sight in seen]),
        TableRow("research", [_short(sight.research) for sight in seen]),
        TableRow("progress of research", [_count(sight.progress) for sight in seen]),
        TableRow("logs of research", [_count(sight.logging) for sight in seen]),
    ]
    rows += [
        TableRow(f"sampling, {call.rpartition('.')[2]}", [_short(sight.sampling[call]) for sight in seen])
        for call in seen[0].sampling
    ]
    rows += [
        TableRow(f"answer to {tool}", [_KINDS.get(kind := sight.content_type[tool], kind) for sight in seen])
        for tool in seen[0].content_type
    ]
    return [*rows, TableRow("Mcp-Session-Id", ["yes" if sight.session_header else "no" for sight in seen])]


def case_rows(found: Exercise) -> list[TableRow]:
    """The table of the exercise: the results of `research` with each flag pair, and the recommended use of the pair."""
    return [
        TableRow(
            f"{pair[0]} / {pair[1]}",
            [
                *(
                    _of_all({sight.era: asked(sight) for sight in found.sights if sight.under(pair)})
                    for asked in (lambda sight: _came(sight.progress), lambda sight: _came(sight.logging), _result)
                ),
                use.use,
            ],
        )
        for pair, use in zip(PAIRS, found.uses, strict=True)
    ]


def _of_all(answers: Mapping[Era, str]) -> str:
    """A single answer if all protocol eras have the same answer, else the answer of each era."""
    different = dict.fromkeys(answers.values())
    return next(iter(different)) if len(different) == 1 else ", ".join(f"{era}: {say}" for era, say in answers.items())


def _came(notices: Notices) -> str:
    return "yes" if notices.live else "too late" if notices.arrived else "no"


def _result(sight: EraResults) -> str:
    return "yes" if sight.research.outcome == "works" else _short(sight.research)


def curl_rows(found: Exercise) -> list[TableRow]:
    """The answers to curl in a few words. `curl_notes` has the complete messages."""
    names = dict.fromkeys(answer.request for answer in found.bare)
    by_place = {(answer.request, (answer.stateless_http, answer.json_response)): answer.answer for answer in found.bare}
    return [TableRow(name, [_answer(by_place[name, pair])[0] for pair in PAIRS]) for name in names]


def curl_notes(found: Exercise) -> list[str]:
    """The complete messages of the answers to curl, each once."""
    return list(dict.fromkeys(note for answer in found.bare if (note := _answer(answer.answer)[1])))


def claim_rows(found: Exercise) -> Iterator[tuple[Claim, str]]:
    """Each claim of guides and the measurement in words. Flag pairs with the same outcome are joined."""
    for _, group in groupby(found.claims, key=lambda sight: (sight.feature.id, sight.documented.says)):
        same = list(group)
        seen: dict[tuple[str, str], list[str]] = {}
        for claim in same:
            for outcome in dict.fromkeys(claim.seen.values()):
                eras = [era for era, other in claim.seen.items() if other == outcome]
                who = "all" if len(eras) > 1 else eras[0]
                pair = f"{claim.stateless_http}/{claim.json_response}"
                seen.setdefault((_SHORT.get(outcome, outcome), who), []).append(pair)
        yield same[0], "; ".join(f"{what} for {who} clients ({', '.join(on)})" for (what, who), on in seen.items())


def exercise_text(found: Exercise, screen: Screen) -> str:
    """The results as text for a terminal."""
    canvas = Canvas(screen)
    canvas.line(("Exercise 1", "bold"), f" on {found.sdk}: add(a, b) and research(topic) with the four flag pairs.")
    canvas.line((_LEGEND, "dim"))
    _table(canvas, _CASE_COLUMNS, case_rows(found), _ANSWERS)
    for era in found.eras:
        canvas.heading(_ERAS[era])
        _table(canvas, _PAIR_COLUMNS, table_rows(found, era), _STYLES)
    canvas.heading(_CURL)
    _table(canvas, _PAIR_COLUMNS, curl_rows(found), _STYLES)
    for note in curl_notes(found):
        canvas.line((note, "dim"), indent=1)
    canvas.heading(_GUIDES)
    for claim, observed in claim_rows(found):
        documented = claim.documented
        canvas.line((claim.feature.title, "bold"), indent=1)
        said = f"{documented.says} ({', '.join(documented.sources)})"
        canvas.pairs([("guides say", said), ("measured", observed)], indent=3, styles=["yellow"])
    if not found.claims:
        canvas.line(_NO_CLAIMS, indent=1)
    canvas.gap()
    canvas.line((f"Duration: {found.seconds:.0f} s.", "dim"))
    return canvas.text()


def exercise_markdown(found: Exercise) -> str:
    """The results as a Markdown document."""
    about = f"`add(a, b)` and `research(topic)` with the four flag pairs. {_LEGEND}"
    lines = [f"# Exercise 1 on {found.sdk}", "", about, ""]
    lines += [f"| {' | '.join(_CASE)} |", "|---" * len(_CASE) + "|"]
    lines += [f"| {row.name} | {' | '.join(row.cells)} |" for row in case_rows(found)]
    for era in found.eras:
        lines += ["", f"## {_ERAS[era]}", "", *_markdown(table_rows(found, era))]
    lines += ["", f"## {_CURL}", "", *_markdown(curl_rows(found)), ""]
    lines += [f"- {note}" for note in curl_notes(found)]
    lines += ["", f"## {_GUIDES}", ""]
    for claim, observed in claim_rows(found):
        sources = ", ".join(f"`{source}`" for source in claim.documented.sources)
        lines.append(f"- **{claim.feature.title}**. Guides say: {claim.documented.says} ({sources})")
        lines.append(f"  - Measured: {observed}")
    if not found.claims:
        lines.append(_NO_CLAIMS)
    return "\n".join([*lines, ""])


def _sight(found: Exercise, pair: tuple[bool, bool], era: Era) -> EraResults:
    return next(sight for sight in found.sights if sight.under(pair) and sight.era == era)


def _short(observation: ProbeResult) -> str:
    return _SHORT.get(observation.outcome, observation.outcome)


def _count(notices: Notices) -> str:
    if not notices.arrived:
        return "none"
    return f"{notices.live} live" if notices.live == notices.arrived else f"{notices.arrived}, {notices.live} live"


def _answer(text: str) -> tuple[str, str]:
    """The short form of an answer, and its complete message or ""."""
    found = _STATUS.fullmatch(text)
    if found is None:
        return text, ""
    status, message, kind, more = found.groups()
    if message:
        return status, f"{status}: {message}"
    if more:
        return f"{status} silent", f"{status} silent: {kind}{more}"
    return f"{status} {_KINDS.get(kind or '', kind or '')}".rstrip(), ""


def _table(canvas: Canvas, columns: Sequence[Column], rows: Sequence[TableRow], styles: Mapping[str, str]) -> None:
    cells: list[tuple[list[Words], str]] = [
        ([(row.name, "bold"), *((cell, styles.get(cell, "")) for cell in row.cells)], "") for row in rows
    ]
    canvas.table(columns, cells)


def _markdown(rows: Sequence[TableRow]) -> list[str]:
    heads = [f"`{stateless}` / `{json_response}`" for stateless, json_response in PAIRS]
    lines = ["| `stateless_http` / `json_response` | " + " | ".join(heads) + " |", "|---|---|---|---|---|"]
    return [*lines, *(f"| {row.name} | {' | '.join(row.cells)} |" for row in rows)]
