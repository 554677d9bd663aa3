"""Every error that a user may see, and the exit code that each ends in.

One base class: the command line shows an `AdvisorError` as its message and exits with its code. Anything else that
escapes is a defect of this program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


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
    """An error that is the user's to mend; `str()` is the message shown.

    Attributes:
        code: the exit code that it ends the program with.
    """

    code: Exit = Exit.USAGE


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input file.

    Attributes:
        key: dotted key, such as `scale.instances`, or "" for the file as a whole.
        message: what is wrong, with the offending value.
        line: 1-based line, or None when the input has no lines.
        hint: what is allowed or what was probably meant, or "".
    """

    key: str
    message: str
    line: int | None = None
    hint: str = ""


class InputError(AdvisorError):
    """A file (or stdin) that cannot be used, with every problem found in it."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        """Args: name: the file as the user named it; problems: at least one."""
        self.name = name
        self.problems = problems
        super().__init__("\n".join(self._line(problem) for problem in problems))

    def _line(self, problem: Problem) -> str:
        place = self.name if problem.line is None else f"{self.name}:{problem.line}"
        key = f"{problem.key}: " if problem.key else ""
        hint = f" {problem.hint}" if problem.hint else ""
        return f"{place}: {key}{problem.message}{hint}"


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
