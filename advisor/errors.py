"""The errors that users see, and the exit codes of the program.

The command line prints the message of an `AdvisorError` and exits with the error's code. Any other uncaught
exception is a defect of this program.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from advisor.findings import Finding


class Exit(IntEnum):
    """The exit codes of every command (the public contract, version 1)."""

    OK = 0
    """Success."""
    FINDINGS = 1
    """A check found a problem, or a kit has merge conflicts."""
    USAGE = 2
    """Wrong usage or invalid input."""
    CONTRADICTION = 3
    """No configuration keeps every required feature."""
    ENVIRONMENT = 4
    """Something on this machine prevents the run, such as a missing program, a used port or a full disk."""
    NOTHING_EXAMINED = 5
    """The command found nothing to examine, so "no findings" would be wrong."""
    HUNG_UP = 129
    """Interrupted by SIGHUP, because the terminal was closed."""
    INTERRUPTED = 130
    """Interrupted by Ctrl-C. Every file is complete, and `ask` saved the answers so far."""
    TERMINATED = 143
    """Interrupted by SIGTERM."""


class AdvisorError(Exception):
    """An error that the user can fix. `str()` returns the message for the user.

    Attributes:
        code: the exit code of the program after this error.
    """

    code: Exit = Exit.USAGE


class InputError(AdvisorError):
    """A file, or standard input, is unusable.

    Attributes:
        name: the file name as the user typed it.
        problems: every problem of the file, at least one.
    """

    def __init__(self, name: str, problems: Sequence[Finding]) -> None:
        """Args: name, problems: see the attributes."""
        self.name = name
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.text(name) for problem in problems))


class UsageError(AdvisorError):
    """The arguments of a command are unusable."""


class NoDocumentError(UsageError):
    """There is no document of a form for a decision. Another form, or other requirements, can have a document."""

    def __init__(self, message: str, code: Exit = Exit.USAGE) -> None:
        """Set the message and the exit code."""
        super().__init__(message)
        self.code = code


class KnowledgeError(AdvisorError):
    """A file in rules/ is invalid. `rules check` reports it."""

    code = Exit.FINDINGS


class EnvironmentLacksError(AdvisorError):
    """The environment lacks something that a command needs. The message says how to get it."""

    code = Exit.ENVIRONMENT


class InterruptedByUserError(AdvisorError):
    """The user or a signal stopped the program. The message names the saved file."""

    def __init__(self, message: str, code: Exit = Exit.INTERRUPTED) -> None:
        """Args: message: for the user; code: the exit code."""
        self.code = code
        super().__init__(message)


class EndedBySignalError(InterruptedByUserError):
    """SIGINT, SIGTERM or SIGHUP ended a run of the lab. All processes of the run have ended."""

    def __init__(self, number: int) -> None:
        """Args: number: the number of the signal."""
        super().__init__("Interrupted. All started programs have ended.", Exit(128 + number))


class LabError(AdvisorError):
    """A step of the lab failed: a program ended, or was not ready in time.

    Attributes:
        reason: the failed step, with the time limit if there is one.
        lines: the last lines of the log, or ().
        log: the path of the log, or None. The log file stays after an error that ends the run.
    """

    code = Exit.FINDINGS

    def __init__(self, reason: str, *, lines: Sequence[str] = (), log: Path | None = None) -> None:
        """Args: reason, lines, log: see the attributes."""
        self.reason = reason
        self.lines = tuple(lines)
        self.log = log
        super().__init__(reason)

    def __str__(self) -> str:
        shown = [self.reason, *(f"    {line}" for line in self.lines)]
        return "\n".join(shown if self.log is None else [*shown, f"Log: {self.log}"])
