"""A condition on a value that is not known, or that comes from outside the files, does not hold."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.audits.conditions import holding
from advisor.audits.path_fact import PathFact

KNOWN = {
    "route.idle_timeout": PathFact(60),
    "server.ping": PathFact(15.0),
    "upstream.sticky": PathFact("none", default_of="every proxy"),
    "route.retries_on": PathFact(("error", "timeout")),
    "route.buffering": PathFact(True, is_dynamic=True),
}


@pytest.mark.parametrize(
    ("name", "condition", "expected"),
    [
        ("route.idle_timeout", 60, True),
        ("route.idle_timeout", {"below": 61}, True),
        ("route.idle_timeout", {"below": 60}, False),
        ("route.idle_timeout", {"above": 59, "below": 61}, True),
        ("route.idle_timeout", {"above": 0, "below": 60}, False),
        ("server.ping", {"below": "route.idle_timeout"}, True),
        ("server.ping", {"above": "route.idle_timeout"}, False),
        ("server.ping", {"below": "route.total_timeout"}, False),
        ("upstream.sticky", "none", True),
        ("upstream.sticky", {"not": "cookie"}, True),
        ("upstream.sticky", {"not_in": ["cookie", "none"]}, False),
        ("upstream.sticky", {"stated": False}, True),
        ("upstream.sticky", {"stated": True}, False),
        ("upstream.sticky", {"stated": False, "not": "none"}, False),
        ("route.retries_on", {"has": "timeout"}, True),
        ("route.retries_on", {"lacks": "timeout"}, False),
        ("route.retries_on", {"has": ["luck", "error"]}, True),
        ("route.retries_on", {"lacks": ["luck", "error"]}, False),
        ("route.retries_on", {"lacks": ["luck", "fate"]}, True),
        ("upstream.sticky", {"matches": "^no"}, True),
        ("upstream.sticky", {"matches": "^on"}, False),
        ("route.buffering", True, False),
        ("route.buffering", {"not": True}, False),
        ("route.buffering", {"stated": True}, True),
        ("route.total_timeout", {"not": 0}, False),
        ("route.total_timeout", {"lacks": "error"}, False),
        ("route.total_timeout", {"stated": False}, True),
    ],
)
def test_a_condition_on_a_value(name: str, condition: Any, expected: bool) -> None:
    found = holding({name: condition}, KNOWN.get)
    assert (found is not None) is expected
    if found:
        assert found == [(name, KNOWN[name])]


def test_all_conditions_must_hold() -> None:
    assert holding({"route.idle_timeout": 60, "server.ping": 15}, KNOWN.get) is not None
    assert holding({"route.idle_timeout": 60, "server.ping": 16}, KNOWN.get) is None
