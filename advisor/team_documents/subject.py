"""What a document is about: a decision with its options, and what the team adds to it."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from typing import NamedTuple

from advisor.decision.comparison import Comparison
from advisor.decision.model import Decision
from advisor.sections.origin import Origin
from advisor.sections.versions import Versions
from advisor.team_documents.verification_result import VerificationResult


class People(NamedTuple):
    """The people of a decision, by their names."""

    decision_makers: tuple[str, ...] = ()
    consulted: tuple[str, ...] = ()
    informed: tuple[str, ...] = ()


class Subject(NamedTuple):
    """What a document is about.

    Attributes:
        comparison: the decision and its options; without options for a form that does not have them.
        versions: the versions that the document is made with.
        date: the day of the decision, as YYYY-MM-DD.
        command: the command that writes the document again.
        check: the command that checks whether the document is up to date.
        people: the people of the decision.
        verification: the result of `mcp-advisor verify`, if the team has run it.
        supersedes: the name of the file of the earlier record that a new record supersedes; "" for other documents.
    """

    comparison: Comparison
    versions: Versions
    date: str
    command: str
    check: str
    people: People = People()
    verification: VerificationResult | None = None
    supersedes: str = ""

    @property
    def origin(self) -> Origin:
        """Where the document comes from."""
        return Origin(self.versions, self.command, self.check)

    @property
    def decision(self) -> Decision:
        """The decision."""
        return self.comparison.decision
