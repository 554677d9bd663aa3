"""The versions that a document is made with."""

from __future__ import annotations

from typing import NamedTuple

from advisor import __version__
from advisor.decision.model import Decision
from advisor.knowledge.revision import revision


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


def versions_of(decision: Decision) -> Versions:
    """Return the versions for a document about a decision of today."""
    state = revision()
    return Versions(__version__, state.rules, state.capabilities, decision.release.exact)
