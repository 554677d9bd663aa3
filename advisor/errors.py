"""Every error that a user may see, and the exit code that each ends in.

One base class: the command line shows an `AdvisorError` as its message and exits with its code. Anything else that
escapes is a defect of this program.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from advisor.findings import Finding


class Exit(IntEnum):
    """The exit codes of every command (the public contract, version 1)."""

    OK = 0
    """Done, nothing wrong."""
    FINDINGS = 1
    """Findings, or observed is not predicted."""
    USAGE = 2
    """Bad usage or invalid input."""
    CONTRADICTION = 3
    """No configuration keeps every required feature."""
    ENVIRONMENT = 4
    """A program, a free port or an extra is missing."""
    HUNG_UP = 129
    """As `INTERRUPTED`, by SIGHUP: the terminal was closed."""
    INTERRUPTED = 130
    """Interrupted; nothing half-written, answers so far saved."""
    TERMINATED = 143
    """As `INTERRUPTED`, by SIGTERM."""


class AdvisorError(Exception):
    """An error that the user can fix; `str()` is the message shown.

    Attributes:
        code: the exit code that it ends the program with.
    """

    code: Exit = Exit.USAGE


class InputError(AdvisorError):
    """A file (or stdin) that cannot be used, with every problem found in it.

    Attributes:
        name: the file as the user named it.
        problems: what is wrong with it, at least one problem.
    """

    def __init__(self, name: str, problems: Sequence[Finding]) -> None:
        """Args: name, problems: as the attributes."""
        self.name = name
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.text(name) for problem in problems))


class UsageError(AdvisorError):
    """A command that was called in a way that cannot work."""


class KnowledgeError(AdvisorError):
    """A file under rules/ that is not valid; `rules check` reports these."""

    code = Exit.FINDINGS


class EnvironmentLacksError(AdvisorError):
    """Something that a command needs is not installed; the message names the command that installs it."""

    code = Exit.ENVIRONMENT


class InterruptedByUserError(AdvisorError):
    """The user stopped the program; the message says what was saved."""

    code = Exit.INTERRUPTED


class EndedBySignalError(InterruptedByUserError):
    """A run of the lab was ended by SIGINT, SIGTERM or SIGHUP; its processes are gone."""

    def __init__(self, number: int) -> None:
        """Args: number: the signal's number."""
        self.code = Exit(128 + number)
        super().__init__("Interrupted; everything that was started is ended.")


class LabError(AdvisorError):
    """A step of the lab that failed: a program that ended or was not ready in time.

    Attributes:
        reason: what was waited for, and for how long.
        lines: the last lines of the log, or ().
        log: where the log is (kept when the error ends the run), or None.
    """

    code = Exit.FINDINGS

    def __init__(self, reason: str, *, lines: Sequence[str] = (), log: Path | None = None) -> None:
        """Args: reason, lines, log: as the attributes."""
        self.reason = reason
        self.lines = tuple(lines)
        self.log = log
        super().__init__(reason)

    def __str__(self) -> str:
        shown = [self.reason, *(f"    {line}" for line in self.lines)]
        return "\n".join(shown if self.log is None else [*shown, f"Log: {self.log}"])
