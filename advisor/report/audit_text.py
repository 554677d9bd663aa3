"""The result of an audit for a terminal: the verdict, the paths of requests and the worst findings."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from advisor.audits.path_facts import PathFacts
from advisor.console.canvas import Canvas, Screen
from advisor.findings import SEVERITIES
from advisor.report.findings_text import draw_findings, shown_place
from advisor.report.screen_parts import LINES, draw_rows
from advisor.requirements.text import printable
from advisor.sentences import counted, listed
from advisor.triage import Triaged

_MOST_PATHS = 2
_LONGEST_NAME = 60


class AuditScreen(NamedTuple):
    """What the text of an audit shows.

    Attributes:
        names: the folders and files as the user named them.
        paths: the values of the paths of requests.
        triaged: the findings.
        command: the command of the user, without --full.
    """

    names: Sequence[str]
    paths: Sequence[PathFacts]
    triaged: Triaged
    command: Sequence[str]


def audit_text(audit: AuditScreen, phrases: Mapping[str, str], screen: Screen, *, full: bool = False) -> str:
    """Return the result as text. Without `full`, it has at most 23 lines of 80 columns.

    Args:
        audit: the result.
        phrases: the words.
        screen: the width and the colours.
        full: whether to show everything.
    """
    canvas = Canvas(screen)
    _draw_head(canvas, audit, phrases)
    shown = audit.paths if full else audit.paths[:_MOST_PATHS]
    for index, facts in enumerate(shown):
        label = phrases["audit.label.path"] if index == 0 else ""
        draw_rows(canvas, [(f"{label:<10}", path_words(facts, phrases))])
    if len(audit.paths) > len(shown):
        draw_rows(canvas, [(" " * 10, phrases["audit.more"].format(number=len(audit.paths) - len(shown)))])
    tail = Canvas(screen)
    _draw_tail(tail, audit, phrases, full=full)
    draw_findings(canvas, audit.triaged, phrases, None if full else LINES - canvas.size - tail.size, full=full)
    return f"{canvas.text()}{tail.text()}"


def path_words(facts: PathFacts, phrases: Mapping[str, str]) -> str:
    """Return a path of requests in words: the route, the upstream, the workload and the server."""
    path = facts.path
    parts = []
    if path.proxy is not None and path.route is not None:
        host = f"{path.route.hosts[0]}" if path.route.hosts else ""
        parts.append(f"{_cut(host + (path.route.path or '/'))} ({shown_place(path.route.location)})")
    if path.upstream is not None:
        parts.append(_cut(path.upstream.name))
    if path.workload is not None:
        parts.append(_cut(f"{path.workload.kind} {path.workload.name}"))
    count = facts.get("path.count")
    if count is not None:
        parts[-1] += f", {counted(phrases, 'audit.instances', int(str(count.value)))}"
    if path.server is not None:
        code = path.server.found.code
        sessions = facts.get("server.sessions")
        known = phrases[f"audit.sessions.{sessions.value if sessions else 'unknown'}"]
        parts.append(f"{shown_place(code.location)}, {known}")
    return " > ".join(parts)


def _draw_head(canvas: Canvas, audit: AuditScreen, phrases: Mapping[str, str]) -> None:
    levels = [each.finding.severity for each in audit.triaged.findings]
    numbers = [f"{levels.count(level)} {level}" for level in SEVERITIES if level in levels]
    verdict = listed(numbers) if numbers else phrases["audit.clean"]
    paths = counted(phrases, "audit.paths", len(audit.paths))
    files = counted(phrases, "audit.files", len(audit.triaged.examined))
    name = _cut(" ".join(audit.names))
    canvas.line((name, "bold"), f": {verdict}; {paths}, {files}")


def _draw_tail(canvas: Canvas, audit: AuditScreen, phrases: Mapping[str, str], *, full: bool) -> None:
    """Draw the last lines: what was not examined, and the next commands."""
    unread = audit.triaged.not_examined
    for path, why in unread if full else unread[:1]:
        rest = "" if full or len(unread) == 1 else f" (+{len(unread) - 1})"
        text = f"{printable(path, _LONGEST_NAME)}: {why}{rest}"
        draw_rows(canvas, [(f"{phrases['audit.label.unread']:<10}", text)])
    if audit.triaged.findings:
        worst = audit.triaged.findings[0].finding.id
        commands = [f"mcp-advisor explain {worst}"]
        commands += [] if full else [shlex.join(["mcp-advisor", *audit.command, "--full"])]
        for index, command in enumerate(commands):
            label = phrases["audit.label.next"] if index == 0 else ""
            draw_rows(canvas, [(f"{label:<10}", command)])


def _cut(text: str) -> str:
    return printable(text, _LONGEST_NAME)
