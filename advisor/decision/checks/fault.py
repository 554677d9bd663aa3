"""What a check of the knowledge reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.findings import Finding, Location


def fault(kind: str, where: str, message: str, example: Mapping[str, Any] | None = None) -> Finding:
    """A finding about the knowledge.

    Args:
        kind: gap, overlap, dead, shadowed, lost, example, source, unread or data.
        where: the table, rule, fact or row.
        message: what is wrong.
        example: facts that show it.
    """
    return Finding(kind, message, locations=(Location(key=where),), example=example or {})
