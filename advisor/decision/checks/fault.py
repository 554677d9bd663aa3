"""Makes the findings of the checks of the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.findings import Finding, Location


def fault(kind: str, where: str, message: str, example: Mapping[str, Any] | None = None) -> Finding:
    """Return a finding about the rules.

    Args:
        kind: gap, overlap, dead, shadowed, lost, impossible, untrue, mechanism, tier, monotone, example, source,
            unread, reason or data.
        where: the table, rule, fact or entry with the fault.
        message: a description of the fault.
        example: facts that show the fault.
    """
    return Finding(kind, message, locations=(Location(key=where),), example=example or {})
