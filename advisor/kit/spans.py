"""Whether an SDK release creates OpenTelemetry spans (rules/traits.yaml)."""

from __future__ import annotations

from advisor.knowledge import Knowledge

TRAIT = "OpenTelemetry spans"


def creates_spans(knowledge: Knowledge, package: str, version: str) -> bool:
    """Whether an SDK release creates a span for each request.

    Args:
        knowledge: the rules.
        package: mcp or fastmcp.
        version: the SDK release.
    """
    found = (trait for trait in knowledge.traits if (trait.name, trait.package) == (TRAIT, package))
    return any(trait.holds(version) and not trait.seen.startswith("absent") for trait in found)
