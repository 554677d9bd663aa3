"""The result of a probe for a terminal: the verdict, the sessions, the ranked causes and the checks."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from advisor.console.canvas import Canvas, Screen
from advisor.endpoint.balancing import Affinity
from advisor.probe.judging import Cause, EndpointVerdict, JudgedCheck
from advisor.probe.run import Probed
from advisor.report.decision_summary import SEVERITY_STYLES
from advisor.report.screen_parts import LABEL, LINES, draw_ranked, draw_rows
from advisor.requirements.text import printable
from advisor.sentences import listed

_ENOUGH = 0.101
_LONGEST_URL = 60
_LONGEST_DETAIL = 300
_INDENT = 15


class ProbeScreen(NamedTuple):
    """What the text of a probe shows.

    Attributes:
        probed: the observations.
        judgement: what it means.
        command: the command of the user, without --full.
    """

    probed: Probed
    judgement: EndpointVerdict
    command: Sequence[str]


def probe_text(probe: ProbeScreen, phrases: Mapping[str, str], screen: Screen, *, full: bool = False) -> str:
    """Return the result as text. Without `full`, it has at most 23 lines of 80 columns.

    Args:
        probe: the result.
        phrases: the words.
        screen: the width and the colours.
        full: whether to show every check with its requests, and every cause with its reason.
    """
    canvas = Canvas(screen)
    _draw_head(canvas, probe, phrases)
    tail = Canvas(screen)
    if not full:
        _draw_counts(tail, probe, phrases)
    _draw_next(tail, probe, phrases, full=full)
    draws = [partial(_draw_cause, cause, phrases, full) for cause in probe.judgement.causes]
    draw_ranked(canvas, draws, None if full else LINES - canvas.size - tail.size, phrases["probe.more"])
    if full:
        _draw_checks(canvas, probe.judgement.checks, phrases)
    return f"{canvas.text()}{tail.text()}"


def _draw_head(canvas: Canvas, probe: ProbeScreen, phrases: Mapping[str, str]) -> None:
    seen, causes = probe.probed.seen, [cause for cause in probe.judgement.causes if cause.finding.severity != "info"]
    if causes:
        verdict = (causes[0].finding.title, SEVERITY_STYLES[causes[0].finding.severity])
    elif probe.probed.is_answered and probe.probed.is_cut:
        verdict = (phrases["probe.verdict.partial"], "yellow")
    elif probe.probed.is_answered:
        verdict = (phrases["probe.verdict.healthy"], "green")
    else:
        verdict = (phrases["probe.verdict.none"], "red")
    canvas.line((printable(probe.probed.url, _LONGEST_URL), "bold"), ": ", verdict)
    if probe.probed.is_answered:
        about = phrases["probe.about"].format(
            eras=listed(seen["eras"]),
            mode=phrases[f"probe.mode.{seen['session_mode']}"],
            response=seen["response_mode"],
        )
        draw_rows(canvas, [(phrases["probe.label.about"], about)])
    if "balancing" in seen:
        words = _session_words(probe.probed.affinity, phrases)
        draw_rows(
            canvas, [(phrases["probe.label.sessions"], f"{words}{phrases['probe.balancing.' + seen['balancing']]}")]
        )


def _session_words(affinity: Affinity | None, phrases: Mapping[str, str]) -> str:
    """The loss of sessions and the number of instances, as the beginning of a sentence."""
    if affinity is None or affinity.loss is None:
        return ""
    loss = affinity.loss
    if affinity.lost:
        words = phrases["probe.lost"].format(
            lost=affinity.lost, sessions=affinity.sessions, low=round(100 * loss.low), high=round(100 * loss.high)
        )
    elif 1 - 0.01 ** (1 / affinity.sessions) < _ENOUGH:
        words = phrases["probe.kept"].format(sessions=affinity.sessions)
    else:
        rate = math.ceil(100 * (1 - 0.01 ** (1 / affinity.sessions)))
        words = phrases["probe.few"].format(sessions=affinity.sessions, rate=rate)
    if affinity.instances is not None:
        told = affinity.instances
        form = "probe.instances" if math.isfinite(told.high) else "probe.instances.open"
        counts = phrases[form].format(
            estimate=round(told.estimate), low=math.floor(told.low), high=math.ceil(min(told.high, 1e6))
        )
        words = f"{words}, {counts}"
    return f"{words}: "


def _draw_cause(cause: Cause, phrases: Mapping[str, str], has_reason: bool, canvas: Canvas, is_long: bool) -> None:
    finding = cause.finding
    share = phrases["probe.probability"].format(number=round(100 * cause.probability))
    severity = (f"{finding.severity:<8}", SEVERITY_STYLES.get(finding.severity, ""))
    canvas.line(severity, f"{share:>5}  {finding.title} ({finding.id})")
    if is_long:
        canvas.line(finding.message, indent=_INDENT)
        if has_reason:
            canvas.line(finding.why, indent=_INDENT)
        canvas.line((f"{phrases['probe.label.fix']}: ", "bold"), finding.fix.text, indent=_INDENT)


def _draw_checks(canvas: Canvas, checks: Sequence[JudgedCheck], phrases: Mapping[str, str]) -> None:
    """Draw every check with its status, its observation and its requests."""
    canvas.gap()
    rows = [
        (phrases[f"probe.status.{check.status}"], check.title, printable(check.detail, _LONGEST_DETAIL))
        for check in checks
    ]
    canvas.pairs(rows, indent=0)
    canvas.gap()
    for check in checks:
        if check.requests:
            requests = "; ".join(printable(request, _LONGEST_DETAIL) for request in check.requests)
            canvas.line((f"{check.title}: ", "dim"), (requests, "dim"))


def _draw_counts(canvas: Canvas, probe: ProbeScreen, phrases: Mapping[str, str]) -> None:
    """Draw how many checks have which result. A check that was not made is named."""
    checks = probe.judgement.checks
    words = []
    for status in ("ok", "fault", "untested"):
        named = [check.title for check in checks if check.status == status]
        if named:
            words.append(phrases[f"probe.count.{status}"].format(number=len(named), names=listed(named)))
    spent = phrases["probe.spent"].format(requests=probe.probed.requests, seconds=f"{probe.probed.seconds:.1f}")
    draw_rows(canvas, [(phrases["probe.label.checks"], f"{'; '.join(words)}; {spent}")])


def _draw_next(canvas: Canvas, probe: ProbeScreen, phrases: Mapping[str, str], *, full: bool) -> None:
    causes = probe.judgement.causes
    commands = [f"mcp-advisor explain {causes[0].finding.id}"] if causes else []
    commands += [] if full else [shlex.join(["mcp-advisor", *probe.command, "--full"])]
    for index, command in enumerate(commands):
        label = phrases["probe.label.next"] if index == 0 else ""
        canvas.code(f"{label:<{LABEL}}{command}")
