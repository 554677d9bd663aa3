"""Findings as Markdown for a comment on a pull request: a table, and the details of each finding."""

from __future__ import annotations

import re
from collections.abc import Mapping

from advisor.findings import Location
from advisor.report.findings_text import override_text
from advisor.report.markdown import cell, code, code_cell, prose
from advisor.report.repository_paths import repository_path
from advisor.requirements.text import printable
from advisor.sentences import counted
from advisor.triage import Triaged, TriagedFinding

LIMIT = 65_536
"""The most characters of a comment on GitHub."""
_ROOM = LIMIT - 2_000  # the rest is for the heading and the notes at the end
_LONGEST_PATH = 200


def findings_markdown(triaged: Triaged, phrases: Mapping[str, str]) -> str:
    """Return the findings as Markdown that fits in a comment on GitHub. Rows come first, then details."""
    files = counted(phrases, "findings.files", len(triaged.examined))
    head = counted(phrases, "findings.head", len(triaged.findings), files=files)
    parts = [f"### mcp-advisor: {head}"]
    if not triaged.examined:
        parts.append(phrases["findings.nothing"])
    room = _ROOM
    columns = phrases["findings.columns"].split(", ")
    rows, room = _fitting([_row(each, triaged, phrases) for each in triaged.findings], room)
    if rows:  # not aligned, because spaces would count as characters of the comment
        parts.append("\n".join((f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *rows)))
    details, room = _fitting([_details(each, triaged, phrases) for each in triaged.findings], room)
    parts += details
    notes, room = _fitting([_unread(path, why, triaged, phrases) for path, why in triaged.not_examined], room)
    if notes:
        parts.append("\n".join(notes))
    if left := len(triaged.findings) - len(rows):
        parts.append(phrases["findings.rows-left-out"].format(number=left))
    elif left := len(triaged.findings) - len(details):
        parts.append(phrases["findings.details-left-out"].format(number=left))
    if triaged.suppressed:
        parts.append(f"{counted(phrases, 'findings.suppressed.head', len(triaged.suppressed))}.")
    return "\n\n".join(parts) + "\n"


def _fitting(blocks: list[str], room: int) -> tuple[list[str], int]:
    """Return the first blocks that fit together, and the room that is left: 0 after a block that does not fit."""
    found = list[str]()
    for block in blocks:
        if len(block) + 2 > room:
            return found, 0
        room -= len(block) + 2
        found.append(block)
    return found, room


def _row(each: TriagedFinding, triaged: Triaged, phrases: Mapping[str, str]) -> str:
    finding = each.finding
    was = f" ({cell(override_text(each, phrases), _without_mentions)})" if each.override else ""
    place = code_cell(_place(finding.locations[0], triaged))
    cells = [f"{finding.severity}{was}", f"[{code(finding.id)}]({finding.url})", place]
    return f"| {' | '.join([*cells, cell(finding.message, _without_mentions)])} |"


def _details(each: TriagedFinding, triaged: Triaged, phrases: Mapping[str, str]) -> str:
    finding = each.finding
    place, *others = [_place(location, triaged) for location in finding.locations]
    title = _html(f"{finding.id}, {place}")
    lines = [f"<details><summary>{title}</summary>", prose(finding.why, _without_mentions)]
    if finding.fix.text:
        lines.append(f"**{phrases['findings.fix']}** {prose(finding.fix.text, _without_mentions)}")
    if others:
        lines.append(f"{phrases['findings.also']} {', '.join(map(code, others))}")
    if finding.fix.patch:
        lines.append(_fenced(finding.fix.patch))
    return "\n\n".join([*(line for line in lines if line), "</details>"])


def _unread(path: str, why: str, triaged: Triaged, phrases: Mapping[str, str]) -> str:
    shown = code(_place(Location(path), triaged))
    text = phrases["findings.unread"].format(why=printable(why, 500))
    return f"- {shown}: {prose(text, _without_mentions)}"


def _place(location: Location, triaged: Triaged) -> str:
    path = printable(repository_path(triaged.folder, location.path), _LONGEST_PATH)
    return path if location.line is None else f"{path}:{location.line}"


def _fenced(text: str) -> str:
    """Return text as a block of code. The fence is longer than each run of backticks in the text."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    lines = [printable(line, len(line)) for line in text.replace("\r", "").replace("\t", "    ").splitlines()]
    return "\n".join([f"{fence}diff", *lines, fence])


def _html(text: str) -> str:
    for char, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(char, name)
    return _without_mentions(text)  # HTML has no code spans


def _without_mentions(text: str) -> str:
    """Return a text whose names notify no person and refer to no issue on GitHub."""
    return re.sub(r"([@#])(?=\w)", r"\1<!-- -->", text)
