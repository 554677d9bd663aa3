"""A row for each of several requirements files, for tables in text and Markdown."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from advisor.decision.model import Decision
from advisor.decision.trace import Trace
from advisor.errors import InputError
from advisor.knowledge.types import flag_key

IMPOSSIBLE = "not possible"
"""The pattern in the table of requirements for which no configuration keeps every required feature."""


class Result(NamedTuple):
    """The result for a requirements file: a decision or an error.

    Attributes:
        name: the file as the user named it.
        decision: the decision, or None if the file has an error.
        error: the error of the file, or None.
        trace: the rules that were checked, if the output shows them.
    """

    name: str
    decision: Decision | None
    error: InputError | None = None
    trace: Trace | None = None


class OverviewRow(NamedTuple):
    """A result in words. `warnings` is the number of warnings, and `high` the number of high-severity warnings."""

    file: str
    service: str
    pattern: str
    flags: str
    affinity: str
    lost: str
    warnings: str = ""
    high: str = ""
    error: str = ""


def rows(results: Sequence[Result]) -> tuple[str, list[OverviewRow]]:
    """Return the common folder of all files, or "", and a row for each file with its path in this folder."""
    folders = {Path(result.name).parent for result in results}
    comparable = len({folder.is_absolute() for folder in folders}) == 1
    folder = os.path.commonpath(folders) if comparable else ""
    if folder in ("", "."):
        return "", [_row(result, result.name) for result in results]
    return folder, [_row(result, str(Path(result.name).relative_to(folder))) for result in results]


def _row(result: Result, name: str) -> OverviewRow:
    decision = result.decision
    if decision is None:
        problems = result.error.problems if result.error else []
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        first = problems[0] if problems else None
        message = f"{first.key}: {first.message}" if first and first.key else (first.message if first else "")
        return OverviewRow(name, "", "invalid", "", "", "", error=f"{message}{more}")
    core = decision.core
    lost = [row for row in decision.features if row.lost]
    flags = " / ".join(flag_key(*tier.core.flags) for tier in decision.tiers) or flag_key(*core.flags)
    return OverviewRow(
        file=name,
        service=str(decision.requirements["service"]),
        pattern=_pattern(decision),
        flags=flags if decision.feasible and decision.kind != "http+sse" else "-",
        affinity=core.mechanism if decision.feasible else "-",
        lost=", ".join(row.feature for row in decision.unmet or lost) or "-",
        warnings=str(len(decision.warnings)),
        high=str(sum(warning.severity == "high" for warning in decision.warnings)),
    )


def summary(results: Sequence[Result], folder: str) -> str:
    """Return the number of files, the number of files with each pattern, and the common folder of the files."""
    patterns = Counter(_pattern(result.decision) if result.decision else "invalid" for result in results)
    counts = ", ".join(f"{count} {pattern}" for pattern, count in sorted(patterns.items()))
    return f"{len(results)} files: {counts}{f' (folder: {folder})' if folder else ''}"


def _pattern(decision: Decision) -> str:
    return decision.core.pattern if decision.feasible else IMPOSSIBLE
