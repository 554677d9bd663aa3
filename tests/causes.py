"""Causes of second tries that several modules share. Each is the mark `retried` with its cause."""

from __future__ import annotations

import pytest

BUSY_PROXY = pytest.mark.retried(
    "The proxy, its servers and the clients share the processors, and each request has a deadline."
)
BUSY_REDIS = pytest.mark.retried(
    "Three servers, Redis and the clients share the processors, and an instance that is late counts as dead."
)
BUSY_FLEET = pytest.mark.retried(
    "A fleet, its proxy and its clients share the processors, and an answer that is late is reported as lost."
)
BUSY_SERVERS = pytest.mark.retried(
    "Servers and their clients share the processors, and an answer that is late is reported as lost."
)
