"""The versions that a document is made with."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from typing import NamedTuple

from advisor import __version__
from advisor.decision.model import Decision
from advisor.knowledge.revision import KnowledgeRevision, current_revision


class Versions(NamedTuple):
    """The versions of the program and its knowledge.

    Attributes:
        tool: the version of mcp-advisor.
        rules: the revision of rules/.
        capabilities: the revision of rules/capabilities/, the measurements of the SDK releases.
        sdk: the SDK release whose measurements the decision uses.
    """

    tool: str
    rules: str
    capabilities: str
    sdk: str


def versions_of(decision: Decision, state: KnowledgeRevision | None = None) -> Versions:
    """Return the versions for a document about a decision of today.

    Args:
        decision: the decision.
        state: the state of the knowledge, if the caller has read it for several documents.
    """
    found = state or current_revision()
    return Versions(__version__, found.rules, found.capabilities, decision.release.exact)
