"""Warnings that a team has accepted, from a file with the id of a warning in each line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from advisor.errors import UsageError
from advisor.files import reason
from advisor.report.overview import Result
from advisor.requirements.text import nearest


def without_accepted(results: Sequence[Result], file: str) -> tuple[list[Result], list[str]]:
    """Return the results without the accepted warnings.

    Args:
        results: the results of all inputs.
        file: the file with the ids; `#` starts a comment. "" accepts no warning.

    Returns:
        The results, and a message for each id that no decision has. Such an entry is out of date or misspelt.

    Raises:
        UsageError: the file cannot be read.
    """
    accepted = _read(file) if file else {}
    present = {warning.id for result in results if result.decision for warning in result.decision.warnings}
    stale = [
        f"{file}:{line}: no decision has the warning {name!r:.80}. {nearest(name, present) or 'Remove this line.'}"
        for name, line in accepted.items()
        if name not in present
    ]
    return [_without(result, accepted.keys() & present) for result in results], stale


def _without(result: Result, accepted: set[str]) -> Result:
    if result.decision is None:
        return result
    kept = tuple(warning for warning in result.decision.warnings if warning.id not in accepted)
    return result._replace(decision=result.decision._replace(warnings=kept))


def _read(file: str) -> dict[str, int]:
    """The ids and their lines."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, or bytes that are not UTF-8
        raise UsageError(f"{file} cannot be read: {reason(error)}.") from None
    names = {number: line.partition("#")[0].strip() for number, line in enumerate(lines, 1)}
    return {name: number for number, name in names.items() if name}
