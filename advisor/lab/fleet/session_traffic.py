"""The results of many parallel clients of a tier, as in the document of a verification."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.documents import Count
from advisor.knowledge.types import Era


@dataclass(frozen=True, slots=True)
class SessionTraffic:
    """The results of the clients of one era in a tier.

    Attributes:
        tier: null in a single-tier deployment.
        clients: number of clients.
        sessions: number of clients that got a session.
        calls: number of calls.
        wrong_instance: calls that reached an instance without the session of the call.
        failed: calls that failed in another way, or that got the answer of another call.
        lost: clients with at least one failed call.
        per_instance: sessions that each instance holds; without sessions, calls that each instance answered.
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
