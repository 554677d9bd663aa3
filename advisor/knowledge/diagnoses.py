"""The types of rules/diagnoses.yaml: how to find the cause of a problem in a deployment."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from typing import Literal, NamedTuple

Only = Literal["sessions", "several", "single-worker", "redis"]
"""What a deployment must have for a step."""


class DiagnosisStep(NamedTuple):
    """A command or a query, and what its results mean. The head of rules/diagnoses.yaml explains the keys."""

    do: str
    good: str
    bad: str
    promql: str = ""
    sh: str = ""
    only: tuple[Only, ...] = ()


class Diagnosis(NamedTuple):
    """How to find the cause of an alert, a failure, or a problem that warnings describe."""

    id: str
    steps: list[DiagnosisStep]
    because: str
    sources: list[str]
    title: str = ""
    warnings: list[str] = []  # noqa: RUF012


class SilentWarnings(NamedTuple):
    """Warnings that a running deployment does not show.

    Attributes:
        id: a name for the group.
        text: the reason.
        warnings: their ids.
    """

    id: str
    text: str
    warnings: list[str]
