"""Decisions as annotations of GitHub Actions: a line for each problem, which GitHub shows next to the file.

Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.decision.model import Decision
from advisor.errors import InputError
from advisor.findings import Severity
from advisor.report import decision_wording
from advisor.report.overview import Result

_LEVELS: dict[Severity, str] = {"high": "error", "medium": "warning", "low": "notice", "info": "notice"}


def github_annotations(results: Sequence[Result]) -> str:
    """Return a line for each problem of a file, each feature that a contradiction loses, and each warning."""
    return "".join(f"{line}\n" for result in results for line in _of(result))


def _of(result: Result) -> Iterator[str]:
    if result.error is not None:
        yield from _problems(result.error)
    if result.decision is not None and not result.decision.feasible:
        yield from _unmet(result.name, result.decision)
    for warning in result.decision.warnings if result.decision is not None else ():
        said = f"{warning.message} {warning.fix.text}".strip()
        yield annotation(warning.severity, said, file=result.name, title=f"{warning.title} ({warning.id})")


def _problems(error: InputError) -> Iterator[str]:
    for problem in error.problems:
        said = f"{problem.key}: {problem.message} {problem.fix.text}".removeprefix(": ").strip()
        yield annotation("high", said, file=error.name, line=str(problem.line or ""))


def _unmet(file: str, decision: Decision) -> Iterator[str]:
    phrases = decision.phrases
    for row in decision.unmet:
        said = decision_wording.lost_for(row, phrases) or phrases["screen.never"]
        yield annotation("high", f"{row.title}: {said}", file=file, title=phrases["screen.label.unmet"])


def annotation(severity: Severity, message: str, **properties: str) -> str:
    """Return a workflow command without its line end.

    Args:
        severity: gives the level of the annotation.
        message: the text.
        properties: such as `file`, `line` and `title`. An empty property is left out.
    """
    given = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items() if value)
    head = f"{_LEVELS[severity]} {given}" if given else _LEVELS[severity]
    return f"::{head}::{_escaped(message)}"


def _escaped(text: str, more: str = "") -> str:
    """Replace the characters that end a command or a property, as GitHub's toolkit does."""
    for char in f"%\r\n{more}":
        text = text.replace(char, f"%{ord(char):02X}")
    return text
