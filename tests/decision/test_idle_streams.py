"""Decisions about streams and sessions that are idle, for SDKs of other languages than Python."""

from __future__ import annotations

from typing import Any

import pytest

OTHER = {"sdk": "other", "clients.protocol": "legacy", "scale.instances": 1, "workload.longest_call_s": 3}
STREAMING = {"environment.proxy.kind": "alb", "environment.proxy.sse": True}


def _warned(decision: Any) -> dict[str, Any]:
    return {warning.id: warning for warning in decision.warnings}


@pytest.mark.parametrize("language", ["go", "csharp", "java", "kotlin", "typescript", "unknown"])
@pytest.mark.parametrize(
    ("need", "idle", "name", "severity"),
    [
        ("required", 10, "short-timeout-cuts-silent-notifications", "high"),
        ("preferred", 20, "short-timeout-cuts-silent-notifications", "high"),
        ("required", 60, "timeout-cuts-required-silent-notifications", "high"),
        ("preferred", 60, "timeout-cuts-preferred-silent-notifications", "medium"),
    ],
)
def test_a_silent_stream_of_notifications_is_cut(
    decide: Any, language: str, need: str, idle: float, name: str, severity: str
) -> None:
    facts = OTHER | STREAMING | {"language": language, "environment.proxy.idle_timeout_s": idle}
    warned = _warned(decide(facts | {"needs.subscriptions": need}))
    assert warned[name].severity == severity
    assert f"after {idle} s" in warned[name].message
    assert not [code for code in _warned(decide(facts)) if code.endswith("-silent-notifications")]


def test_the_default_timeout_of_the_proxy_counts(decide: Any) -> None:
    warned = _warned(decide(OTHER | STREAMING | {"language": "go", "needs.list_changed": "required"}))
    assert "subscriptions/listen" in warned["timeout-cuts-required-silent-notifications"].message


def test_an_unknown_timeout_can_cut_the_stream(decide: Any) -> None:
    facts = OTHER | {"environment.proxy.kind": "other", "environment.proxy.sse": True, "language": "csharp"}
    assert _warned(decide(facts | {"needs.list_changed": "preferred"}))["unknown-timeout-can-cut-notifications"]
    assert "unknown-timeout-can-cut-notifications" not in _warned(decide(facts | {"needs.progress": "preferred"}))


def test_comments_keep_the_streams_of_a_rust_server_open(decide: Any) -> None:
    facts = OTHER | STREAMING | {"language": "rust", "needs.subscriptions": "required"}
    assert not [code for code in _warned(decide(facts)) if code.endswith("-notifications")]
    short = _warned(decide(facts | {"environment.proxy.idle_timeout_s": 10}))["idle-timeout-cuts-notifications"]
    assert "(15 s)" in short.message
    assert "pings-not-known" not in _warned(decide(facts | {"workload.longest_call_s": 300}))


@pytest.mark.parametrize(("language", "after"), [("rust", "5 minutes"), ("csharp", "2 hours")])
def test_the_idle_timeout_of_sessions_is_named(decide: Any, language: str, after: str) -> None:
    facts = OTHER | {"language": language}
    assert (
        f"after {after} without"
        in _warned(decide(facts | {"needs.session_state": "required"}))["idle-sessions-end"].message
    )
    asks = _warned(decide(facts | {"needs.elicitation": "required"}))
    assert asks["idle-sessions-end-without-state"].severity == "low"
    assert "idle-sessions-end" not in asks


def test_every_language_says_what_happens_to_an_idle_session(knowledge: Any) -> None:
    for name, language in knowledge.languages.items():
        assert (language.expiry == "unknown") == (name == "unknown")
        assert (language.expiry == "idle-timeout") == bool(language.expiry_s and language.expiry_setting)
        assert language.ping_note


def test_pings_do_not_help_a_post_request_that_waits(decide: Any) -> None:
    facts = OTHER | {"language": "go", "environment.proxy.kind": "ingress-nginx", "workload.longest_call_s": 150}
    old = _warned(decide(facts | {"transport": "sse"}))
    assert "proxy-read-timeout" in old["old-transport-call-outlives-idle-timeout"].fix.text
    assert "pings-not-known" not in old
    assert "interval" not in old["old-transport-call-outlives-idle-timeout"].fix.text
    assert "pings-not-known" in _warned(decide(facts))


@pytest.mark.parametrize(("sdk", "ends"), [("mcp==2.3.0", True), ("mcp==1.30.0", True), ("mcp==1.28.1", False)])
def test_the_idle_timeout_of_python_sessions_is_named(decide: Any, sdk: str, ends: bool) -> None:
    warned = _warned(
        decide({"sdk": sdk, "scale.instances": 1, "clients.protocol": "legacy", "needs.session_state": "required"})
    )
    assert ("idle-python-sessions-end" in warned) is ends
    if ends:
        assert "after 30 minutes without" in warned["idle-python-sessions-end"].message
