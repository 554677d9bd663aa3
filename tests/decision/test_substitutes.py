"""What to do instead of a lost feature fits the clients that lose the feature."""

from __future__ import annotations

import re
from typing import Any

import pytest

MODERN_ONLY = re.compile(r"ttlMs|round.trip|Resolve\(|subscriptions/listen")


@pytest.mark.parametrize("transport", ["streamable-http", "sse"])
def test_no_substitute_for_legacy_clients_needs_the_modern_protocol(decide: Any, transport: str) -> None:
    names = ("sampling", "subscriptions", "list_changed", "progress", "session_state")
    decision = decide(
        {
            **{f"needs.{name}": "preferred" for name in names},
            "transport": transport,
            "clients.protocol": "legacy",
            "scale.instances": 3,
            "scale.affinity": "unavailable",
        }
    )
    lost = [row for row in decision.needed if row.lost and row.instead]
    assert {"sampling", "subscriptions"} <= {row.feature for row in lost}
    for row in lost:
        for sentence in row.instead.split(". "):
            assert not MODERN_ONLY.search(sentence) or "modern clients" in sentence, row.instead
        assert not row.instead.startswith("Write the tool with"), row.instead
