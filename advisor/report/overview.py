"""A row for each of several requirements files, for tables in text and Markdown."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from advisor.decision.model import Decision
from advisor.decision.trace import Trace
from advisor.errors import InputError
from advisor.findings.finding import SEVERITIES
from advisor.knowledge.types import flag_key
from advisor.report.decision_wording import unsupported
from advisor.sentences import counted


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
    """A result in words.

    Attributes:
        file: the path of the file.
        pattern: the pattern, or that there is no decision.
        decided: whether there is a decision that keeps every required feature.
        service: the name of the service.
        flags: the flag pair, or the flag pair of each tier; () if the decision has no flags.
        affinity: the mechanism of session affinity; "" for a contradiction.
        lost: the needed features that are lost, or those that a contradiction cannot keep.
        warnings: the number of warnings of each severity, in the order of `SEVERITIES`; None for an invalid file.
        error: the first problem of an invalid file, and the number of its other problems.
    """

    file: str
    pattern: str
    decided: bool
    service: str = ""
    flags: tuple[str, ...] = ()
    affinity: str = ""
    lost: tuple[str, ...] = ()
    warnings: tuple[int, ...] | None = None
    error: str = ""


def rows(results: Sequence[Result], phrases: Mapping[str, str]) -> tuple[str, list[OverviewRow]]:
    """Return the common folder of all files, or "", and a row for each file with its path in this folder."""
    folders = {Path(result.name).parent for result in results}
    comparable = len({folder.is_absolute() for folder in folders}) == 1
    folder = os.path.commonpath(folders) if comparable else ""
    if folder in ("", "."):
        return "", [overview_row(result, result.name, phrases) for result in results]
    return folder, [overview_row(result, str(Path(result.name).relative_to(folder)), phrases) for result in results]


def overview_row(result: Result, name: str, phrases: Mapping[str, str]) -> OverviewRow:
    """Return the row of a result. The row has the name `name`."""
    decision, pattern = result.decision, _pattern(result, phrases)
    if decision is None:
        return OverviewRow(name, pattern, False, error=_problem(result.error, phrases) if result.error else "")
    core = decision.core
    flags = [flag_key(*tier.core.flags) for tier in decision.tiers] or [flag_key(*core.flags)]
    lost = decision.unmet or [row for row in decision.features if row.lost] + [row for row, _ in unsupported(decision)]
    return OverviewRow(
        file=name,
        pattern=pattern,
        decided=decision.feasible,
        service=str(decision.requirements["service"]),
        flags=tuple(flags) if decision.feasible and decision.kind != "http+sse" else (),
        affinity=core.mechanism if decision.feasible else "",
        lost=tuple(row.feature for row in lost),
        warnings=tuple(Counter(warning.severity for warning in decision.warnings)[each] for each in SEVERITIES),
    )


def _problem(error: InputError, phrases: Mapping[str, str]) -> str:
    first, *others = error.problems
    message = f"{first.key}: {first.message}" if first.key else first.message
    return phrases["batch.more-problems"].format(message=message, number=len(others)) if others else message


def summary(rows: Sequence[OverviewRow], folder: str, phrases: Mapping[str, str]) -> str:
    """Return the number of files, the number of files with each pattern, and the common folder of the files."""
    patterns = Counter(row.pattern for row in rows)
    counts = ", ".join(f"{count} {pattern}" for pattern, count in sorted(patterns.items()))
    name = "batch.summary.folder" if folder else "batch.summary"
    return counted(phrases, name, len(rows), patterns=counts, folder=folder)


def _pattern(result: Result, phrases: Mapping[str, str]) -> str:
    if result.decision is None:
        return phrases["batch.invalid"]
    return result.decision.core.pattern if result.decision.feasible else phrases["batch.impossible"]
