"""Warnings about limits of the path, and warnings that must not claim more than the requirements say."""

from __future__ import annotations

from typing import Any

import pytest

LEGACY = {"clients.protocol": "legacy", "scale.instances": 3}
MODERN = {"clients.protocol": "modern", "scale.instances": 3, "sdk": "mcp-2", "operations.shared_store": "redis"}


def _warned(decision: Any) -> dict[str, Any]:
    return {warning.id: warning for warning in decision.warnings}


@pytest.mark.parametrize(
    ("kind", "seconds", "sse", "code"),
    [
        ("service-connect", 15, True, "time-limit-and-calls-not-known"),
        ("api-gateway", 29, False, "time-limit-and-calls-not-known"),
        ("lambda-url", 3, False, "time-limit-and-calls-not-known"),
        ("envoy", 15, True, "time-limit-and-calls-not-known"),
        ("gclb", 30, True, "time-limit-and-calls-not-known"),
        ("heroku", 30, False, "idle-limit-and-calls-not-known"),
        ("cloudflare", 100, False, "idle-limit-and-calls-not-known"),
    ],
)
def test_a_known_limit_is_named_if_the_longest_call_is_not_stated(
    decide: Any, advisor: Any, kind: str, seconds: int, sse: bool, code: str
) -> None:
    facts = LEGACY | {"environment.proxy.kind": kind, "environment.proxy.sse": sse}
    warning = _warned(decide(facts))[code]
    assert warning.severity == "medium"
    assert advisor.knowledge.proxies[kind].name in warning.message
    assert f"after {seconds} s" in warning.message
    assert "Set workload.longest_call_s" in warning.fix.text
    assert code not in _warned(decide(facts | {"workload.longest_call_s": 1}))


@pytest.mark.parametrize(("total", "severity"), [(None, "high"), (59, "high"), (60, "medium"), (86400, None)])
@pytest.mark.parametrize(
    ("facts", "start"),
    [
        (LEGACY | {"environment.proxy.kind": "envoy", "needs.elicitation": "required"}, "A tool asks"),
        (MODERN | {"environment.proxy.kind": "gclb", "needs.list_changed": "required"}, "Change notifications"),
    ],
)
def test_a_time_limit_ends_streams_that_wait(
    decide: Any, facts: Any, start: str, total: float | None, severity: str | None
) -> None:
    stated = {"workload.longest_call_s": 2, "environment.proxy.total_timeout_s": total}
    found = [warning for code, warning in _warned(decide(facts | stated)).items() if code.startswith("time-limit-ends")]
    assert [warning.severity for warning in found] == ([severity] if severity else [])
    assert all(warning.message.startswith(start) and "{" not in warning.message + warning.fix.text for warning in found)


def test_a_fixed_time_limit_is_called_fixed(decide: Any) -> None:
    facts = {"environment.proxy.kind": "railway", "clients.protocol": "legacy", "needs.elicitation": "required"}
    assert "You cannot raise" in _warned(decide(facts))["time-limit-ends-requests-to-clients"].fix.text


def test_clients_without_notification_streams_lose_none_to_a_time_limit(decide: Any) -> None:
    facts = LEGACY | {"environment.proxy.kind": "gclb", "needs.list_changed": "preferred", "sdk": "mcp-1"}
    decision = decide(facts | {"scale.affinity": "unavailable"})
    assert decision.core.flags.stateless_http
    assert not [code for code in _warned(decision) if code.endswith("-notifications")]


def test_the_old_transport_ends_at_a_time_limit(decide: Any) -> None:
    old = _warned(decide({"transport": "sse", "environment.proxy.kind": "gclb"}))
    assert "after 30 s" in old["old-transport-ends-at-time-limit"].message


@pytest.mark.parametrize("kind", ["haproxy", "caddy", "traefik", "istio", "cloudfront"])
def test_a_timeout_that_is_off_by_default_is_a_setting(decide: Any, advisor: Any, kind: str) -> None:
    proxy = advisor.knowledge.proxies[kind]
    facts = LEGACY | {"environment.proxy.kind": kind, "workload.longest_call_s": 600}
    assert (proxy.unset_setting or proxy.look_up) in _warned(decide(facts))["proxy-timeouts-are-settings"].fix.text
    stated = {f"environment.proxy.{name}_timeout_s": 900 for name in proxy.unset}
    assert "proxy-timeouts-are-settings" not in _warned(decide(facts | stated))


def test_a_timeout_that_is_off_by_default_in_an_outer_hop(decide: Any) -> None:
    hops = {"environment.hops": [{"kind": "haproxy"}, {"kind": "nginx"}], "workload.longest_call_s": 600}
    assert "HAProxy" in _warned(decide(LEGACY | hops))["proxy-timeouts-are-settings"].message


@pytest.mark.parametrize("language", ["unknown", "csharp", "go", "kotlin"])
def test_an_unknown_ping_interval_is_not_safe(decide: Any, language: str) -> None:
    facts = LEGACY | {"environment.proxy.kind": "nginx", "workload.longest_call_s": 300, "environment.proxy.sse": True}
    other = decide(facts | {"sdk": "other", "language": language})
    assert _warned(other)["pings-not-known"].severity == "medium"
    assert "pings-not-known" not in _warned(decide(facts))
    assert "pings-not-known" not in _warned(decide(facts | {"sdk": "other", "environment.proxy.idle_timeout_s": 400}))


@pytest.mark.parametrize("kind", ["fly", "cloud-run"])
def test_needed_subscriptions_are_not_refused(decide: Any, kind: str) -> None:
    facts = MODERN | {"environment.platform": "serverless", "environment.proxy.kind": kind}
    needed = _warned(decide(facts | {"needs.list_changed": "required"}))
    assert "needless-serverless-subscriptions" not in needed
    assert "Refuse" not in needed["serverless-subscriptions"].fix.text
    needless = _warned(decide(facts))
    assert "serverless-subscriptions" not in needless
    assert "middleware" in needless["needless-serverless-subscriptions"].fix.text


@pytest.mark.parametrize("sdk", ["fastmcp-2", "fastmcp-4", "mcp-2"])
def test_an_oauth_proxy_has_a_token_verifier(decide: Any, sdk: str) -> None:
    assert "tokens-are-not-checked" not in _warned(decide({"sdk": sdk, "environment.auth": "oauth-proxy"}))


@pytest.mark.parametrize("kind", ["haproxy", "nginx", "envoy", "istio"])
def test_affinity_that_can_exist_today_is_not_denied(decide: Any, kind: str) -> None:
    facts = LEGACY | {"environment.proxy.kind": kind, "current.stateless_http": False}
    possible = _warned(decide(facts | {"scale.affinity": "available"}))
    warning = possible["sessions-depend-on-the-proxy"]
    assert "Unless session affinity is configured" in warning.message
    assert "The requirements state several instances" in warning.message  # the file does not say how many run today
    assert "If one instance runs today" in warning.fix.text
    assert "sessions-without-affinity" not in possible
    assert "sessions-without-affinity" in _warned(decide(facts | {"scale.affinity": "unavailable"}))


def test_stateless_is_no_fault_if_no_feature_needs_sessions(decide: Any) -> None:
    today = {"current.stateless_http": True, "scale.instances": 1}
    for facts in ({"sdk": "other"}, {"preference": "full-features"}, {"environment.platform": "local"}):
        assert "stateless-is-not-safer" not in _warned(decide(today | facts))
    assert "stateless-is-not-safer" in _warned(decide(today | {"needs.elicitation": "required"}))


@pytest.mark.parametrize(
    ("need", "code", "severity"),
    [
        ("required", "client-lacks-feature", "high"),
        ("preferred", "client-lacks-preferred-feature", "medium"),
        ("unknown", "client-lacks-feature-of-unknown-need", "low"),
    ],
)
def test_a_feature_that_a_client_lacks_is_named_with_its_need(decide: Any, need: str, code: str, severity: str) -> None:
    warned = _warned(decide({"clients.apps": ["claude-code"], "needs.sampling": need}))
    assert [name for name in warned if name.startswith("client-lacks")] == [code]
    assert warned[code].severity == severity
    assert f"sampling ({need})" in warned[code].message
    assert ("to preferred" in warned[code].fix.text) is (need == "required")


def test_no_fix_offers_what_the_requirements_exclude(decide: Any) -> None:
    blocked = {"environment.proxy.sse": False, "workload.longest_call_s": 90, "environment.proxy.kind": "alb"}
    assert "json_response" not in _warned(decide(LEGACY | blocked))["answer-outlives-idle-timeout"].fix.text
    fly = {"environment.platform": "serverless", "environment.proxy.kind": "fly", "needs.elicitation": "required"}
    warned = _warned(decide(LEGACY | fly))
    assert "failed-instance-needs-404" not in warned  # no user can configure the proxy of Fly.io
    assert "force_self" in warned["fly-replay-needs-code"].message + warned["fly-replay-needs-code"].fix.text


AGENTCORE = {"environment.platform": "serverless", "environment.proxy.kind": "agentcore", "clients.protocol": "legacy"}


@pytest.mark.parametrize(
    ("stated", "limit"),
    [
        ({"workload.longest_call_s": 1200}, ""),  # a stream has 3,600 s
        ({"workload.longest_call_s": 4000}, "3,600 s"),
        ({"workload.longest_call_s": 1200, "environment.proxy.sse": False}, "900 s"),  # a JSON answer has 900 s
        ({"workload.longest_call_s": 1200, "environment.proxy.total_timeout_s": 1000}, "1,000 s"),
    ],
)
def test_a_platform_can_have_a_limit_for_streams_and_another_for_json(decide: Any, stated: Any, limit: str) -> None:
    warned = _warned(decide(AGENTCORE | stated))
    assert ("call-outlives-total-timeout" in warned) is bool(limit)
    assert not limit or f"after {limit}" in warned["call-outlives-total-timeout"].message


def test_agentcore_has_no_setting_and_no_error_page_for_sessions(decide: Any) -> None:
    warned = _warned(decide(AGENTCORE | {"needs.elicitation": "required", "current.stateless_http": False}))
    assert not warned.keys() & {"platform-affinity-is-a-setting", "failed-instance-needs-404"}
    assert "after 3,600 s" in warned["time-limit-ends-requests-to-clients"].message
    assert "sessions-depend-on-the-platform" not in _warned(decide(AGENTCORE | {"current.stateless_http": False}))


def test_a_timeout_that_is_on_is_not_called_off(decide: Any) -> None:
    warned = _warned(decide({"environment.proxy.kind": "cloudfront", "workload.longest_call_s": 600}))
    fix = warned["proxy-timeouts-are-settings"].fix
    assert "response completion timeout" in fix.text
    assert "30 s by default" not in fix.text


@pytest.mark.parametrize(
    ("stated", "text"),
    [
        ({"environment.platform": "serverless", "environment.proxy.kind": "fly"}, "`fly scale count 1`"),
        ({"environment.platform": "systemd", "environment.proxy.kind": "alb"}, "run one process"),
        ({"environment.platform": "systemd", "environment.proxy.kind": "haproxy"}, "run one process"),
        ({"environment.platform": "serverless", "environment.proxy.kind": "alb"}, ""),
    ],
)
def test_one_process_is_a_way_to_keep_sessions(decide: Any, stated: Any, text: str) -> None:
    facts = {"scale.instances": 2, "current.stateless_http": False, "clients.protocol": "legacy"}
    fixes = [
        warning.fix.text
        for name, warning in _warned(decide(facts | stated)).items()
        if name in ("sessions-without-affinity", "sessions-depend-on-the-platform", "sessions-depend-on-the-proxy")
    ]
    assert [text in fix for fix in fixes] == [True]
    assert all(("without redundancy" in fix) is bool(text) for fix in fixes)


def test_a_known_limit_is_not_called_unknown(decide: Any) -> None:
    """Another hop already ends the call, or the same platform has a known limit of another kind."""
    path = {"environment.hops": [{"kind": "service-connect"}, {"kind": "app-service"}]}
    unknown = {"proxy-timeouts-not-known", "proxy-timeouts-and-calls-not-known"}
    ended = _warned(decide(LEGACY | path | {"workload.longest_call_s": 300}))
    assert "after 15 s" in ended["call-outlives-total-timeout"].message
    assert not unknown & ended.keys()
    assert not unknown & _warned(decide(LEGACY | path)).keys()
    assert "proxy-timeouts-not-known" in _warned(decide(LEGACY | path | {"workload.longest_call_s": 10}))
    alone = _warned(decide(LEGACY | {"environment.proxy.kind": "app-service", "workload.longest_call_s": 300}))
    message = alone["proxy-timeouts-not-known"].message
    assert "does not know the total timeout of the proxy (Azure App Service)" in message
    assert "knows the idle timeout of Azure App Service, which is 230 s" in message
