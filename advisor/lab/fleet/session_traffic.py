"""What many clients at once met at a tier, as the document of a verification has it."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.documents import Count
from advisor.knowledge.types import Era


@dataclass(frozen=True, slots=True)
class SessionTraffic:
    """The clients of an era at a tier.

    Attributes:
        tier: null in a single-tier deployment.
        sessions: clients that got a session.
        calls: calls made.
        wrong_instance: calls of a session that reached an instance which does not know it.
        failed: calls that failed in another way, or were answered with another call's answer.
        lost: clients with at least one call that failed.
        per_instance: sessions held by each instance, or calls answered.
        example: the first failure.
    """

    tier: str | None
    era: Era
    clients: Count
    sessions: Count
    calls: Count
    wrong_instance: Count
    failed: Count
    lost: Count
    per_instance: tuple[Count, ...]
    example: str | None = None
