"""Decisions about timeouts: pings, limits that are not known, and the data of the proxies."""

from __future__ import annotations

from typing import Any

import pytest
from sdk_lines import SDK_LINES

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision

PING_RULES = {
    "idle-timeout-below-ping",
    "idle-timeout-cuts-requests-to-clients",
    "idle-timeout-cuts-notifications",
    "idle-timeout-cuts-get-streams",
}
FLEET = {"scale.instances": 3, "clients.protocol": "legacy"}
ASKING = {"needs.elicitation": "required", "clients.protocol": "legacy", "workload.longest_call_s": 4}


def _fix(decision: Any, warning: str) -> str:
    return str(next(found.fix.text for found in decision.warnings if found.id == warning))


def _warned(decision: Decision) -> dict[str, str]:
    return {warning.id: warning.severity for warning in decision.warnings}


@pytest.mark.parametrize(
    ("idle", "outcome"),
    [(10, "beyond"), (15, "beyond"), (15.5, "within"), (60, "within")],
)
def test_pings_must_be_faster_than_the_idle_timeout(decide: Any, idle: float, outcome: str) -> None:
    assert decide(FLEET | {"environment.proxy.idle_timeout_s": idle}).facts["stream.pings"] == outcome


def test_the_default_of_the_proxy_is_compared_with_the_pings(decide: Any, advisor: Advisor) -> None:
    outcomes = {
        kind: decide(FLEET | {"environment.proxy.kind": kind}).facts["stream.pings"]
        for kind in advisor.knowledge.proxies
    }
    assert "beyond" not in outcomes.values()
    assert outcomes["heroku"] == outcomes["cloudfront"] == "within"
    assert outcomes["none"] == outcomes["haproxy"] == outcomes["other"] == "unknown"


@pytest.mark.parametrize("sdk", [*SDK_LINES, "mcp==1.8.0", "fastmcp==2.11.0"])
def test_every_release_has_a_ping_interval(decide: Any, sdk: str) -> None:
    assert decide(FLEET | {"sdk": sdk, "environment.proxy.idle_timeout_s": 10}).facts["stream.pings"] == "beyond"


@pytest.mark.parametrize(
    ("facts", "warned"),
    [
        (FLEET | {"workload.longest_call_s": 40}, {"idle-timeout-below-ping": "high"}),
        (FLEET, {"idle-timeout-below-ping": "high"}),  # the calls can be long
        (FLEET | {"workload.longest_call_s": 4}, {}),  # every call ends before the timeout, and there are no sessions
        (FLEET | {"environment.proxy.sse": False, "workload.longest_call_s": 40}, {}),  # JSON has a warning of its own
        (ASKING, {"idle-timeout-cuts-requests-to-clients": "high", "idle-timeout-cuts-get-streams": "low"}),
        (
            FLEET | {"needs.list_changed": "required", "workload.longest_call_s": 4},
            {"idle-timeout-cuts-notifications": "high"},
        ),
    ],
)
def test_an_idle_timeout_below_the_ping_interval(decide: Any, facts: Any, warned: dict[str, str]) -> None:
    decision = decide({"environment.proxy.kind": "haproxy", **facts, "environment.proxy.idle_timeout_s": 10})
    assert {code: severity for code, severity in _warned(decision).items() if code in PING_RULES} == warned


def test_the_warning_names_the_setting_of_the_proxy(decide: Any) -> None:
    facts = {"environment.proxy.kind": "haproxy", "environment.proxy.idle_timeout_s": 10}
    warning = next(warning for warning in decide(FLEET | facts).warnings if warning.id == "idle-timeout-below-ping")
    assert "after 10 s without data" in warning.message
    assert "after 15 s" in warning.message
    assert "timeout server" in warning.fix.text
    assert "{" not in warning.message + warning.fix.text


def test_thirty_seconds_at_haproxy_cut_nothing(decide: Any, advisor: Advisor) -> None:
    """A client timeout of 30 s is harmless, and a server timeout of 30 s is longer than the ping interval."""
    facts = {
        "environment.proxy.kind": "haproxy",
        "environment.proxy.idle_timeout_s": 30,
        "needs.list_changed": "preferred",
    }
    assert not PING_RULES & _warned(decide({"scale.instances": 1, "sdk": "fastmcp-2", **facts})).keys()
    haproxy = advisor.knowledge.proxies["haproxy"]
    assert "does not cut a running answer" in haproxy.streaming
    assert "measured-haproxy-timeouts" in haproxy.sources


@pytest.mark.parametrize("kind", ["other", "azure-container-apps", "gateway-api", "fly", "app-service"])
def test_limits_that_are_not_known_are_named(decide: Any, advisor: Advisor, kind: str) -> None:
    decision = decide(FLEET | {"environment.proxy.kind": kind, "workload.longest_call_s": 600})
    warning = next(warning for warning in decision.warnings if warning.id == "proxy-timeouts-not-known")
    assert warning.severity == "medium"
    assert advisor.knowledge.proxies[kind].look_up in warning.fix.text
    assert "timeout" in warning.message.partition("does not know")[2].partition(" of the proxy")[0]


def test_a_default_that_is_not_confirmed_is_shown_as_such(decide: Any) -> None:
    decision = decide(FLEET | {"environment.proxy.kind": "azure-container-apps", "workload.longest_call_s": 600})
    warning = next(warning for warning in decision.warnings if warning.id == "proxy-timeouts-not-known")
    assert "the idle timeout (240 s is not confirmed) and the total timeout" in warning.message


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"environment.proxy.kind": "gateway-api"}, "proxy-timeouts-and-calls-not-known"),
        ({"environment.proxy.kind": "gateway-api", "workload.longest_call_s": 4}, None),
        ({"environment.proxy.kind": "gateway-api", "workload.longest_call_s": 9}, "proxy-timeouts-not-known"),
        ({"environment.proxy.kind": "traefik", "workload.longest_call_s": 4}, None),
        ({"environment.proxy.kind": "traefik", "workload.longest_call_s": 9}, "proxy-timeouts-are-settings"),
        ({"environment.proxy.kind": "caddy", "workload.longest_call_s": 600}, "proxy-timeouts-are-settings"),
        ({"environment.proxy.kind": "nginx", "workload.longest_call_s": 600}, None),
        (
            {
                "environment.proxy.kind": "gateway-api",
                "workload.longest_call_s": 9,
                "environment.proxy.idle_timeout_s": 60,
                "environment.proxy.total_timeout_s": 86400,
            },
            None,
        ),
    ],
)
def test_stated_and_known_limits_need_no_look_up(decide: Any, facts: Any, code: str | None) -> None:
    warned = [code for code in _warned(decide(FLEET | facts)) if code.startswith("proxy-timeouts")]
    assert warned == ([code] if code else [])


@pytest.mark.parametrize(
    ("kind", "idle", "total"),
    [
        ("api-gateway", 300, 29),
        ("service-connect", 300, 15),
        ("gclb", None, 30),
        ("heroku", 30, None),
        ("cloudflare", 100, None),
        ("azure-container-apps", 240, None),
        ("app-service", 230, None),
        ("cloudfront", 30, None),
    ],
)
def test_the_limits_of_managed_proxies(decide: Any, advisor: Advisor, kind: str, idle: float, total: float) -> None:
    proxy = advisor.knowledge.proxies[kind]
    assert (proxy.idle_timeout_s, proxy.total_timeout_s) == (idle, total)
    facts = decide(FLEET | {"environment.proxy.kind": kind, "workload.longest_call_s": 600}).facts
    assert (facts["call.idle"], facts["call.total"]) == (
        "beyond" if idle else "unknown",
        "beyond" if total else "unknown",
    )


@pytest.mark.parametrize(
    ("facts", "warning"),
    [
        # A proxy that buffers streams makes the decision use JSON answers, which are silent until they are complete.
        ({"environment.proxy.kind": "app-service", "environment.proxy.sse": False}, "answer-outlives-idle-timeout"),
        ({"environment.proxy.kind": "heroku", "environment.proxy.sse": False}, "answer-outlives-idle-timeout"),
        ({"environment.proxy.kind": "railway"}, "call-outlives-total-timeout"),
        ({"environment.proxy.kind": "agentcore", "environment.platform": "serverless"}, "call-outlives-total-timeout"),
    ],
)
def test_no_warning_advises_to_raise_a_fixed_limit(decide: Any, advisor: Advisor, facts: Any, warning: str) -> None:
    fix = _fix(decide(FLEET | facts | {"workload.longest_call_s": 4000}), warning)
    assert "You cannot raise this" in fix
    assert "use another platform" in fix
    assert "Raise" not in fix


def test_a_limit_that_can_be_changed_names_its_setting(decide: Any) -> None:
    facts = {"environment.proxy.kind": "alb", "environment.proxy.sse": False, "workload.longest_call_s": 90}
    fix = _fix(decide(FLEET | facts), "answer-outlives-idle-timeout")
    assert "Raise the idle timeout" in fix
    assert "Settings of AWS Application Load Balancer: the attribute idle_timeout.timeout_seconds" in fix


@pytest.mark.parametrize("cookies", [True, False])
def test_caddy_follows_the_session_id_without_cookies(decide: Any, cookies: bool) -> None:
    facts = {"environment.proxy.kind": "caddy", "needs.elicitation": "required", "clients.keep_cookies": cookies}
    decision = decide(FLEET | facts)
    assert (decision.core.pattern, decision.core.mechanism) == ("sticky-fleet", "caddy-session-envelope")
    assert "platform-affinity-is-a-setting" not in {warned.id for warned in decision.warnings}, "a kit configures Caddy"


def test_traefik_keeps_sessions_for_clients_with_cookies_only(decide: Any) -> None:
    facts = FLEET | {"environment.proxy.kind": "traefik", "needs.elicitation": "required"}
    assert decide(facts | {"clients.keep_cookies": True}).core.mechanism == "platform-cookie"
    assert not decide(facts | {"clients.keep_cookies": False}).feasible


@pytest.mark.parametrize("kind", ["app-service", "heroku", "apache"])
def test_new_proxies_with_a_cookie_keep_sessions(decide: Any, kind: str) -> None:
    facts = FLEET | {"environment.proxy.kind": kind, "needs.elicitation": "required"}
    assert decide(facts | {"clients.keep_cookies": True}).core.mechanism == "platform-cookie"
    assert not decide(facts | {"clients.keep_cookies": False}).feasible


@pytest.mark.parametrize("kind", ["api-gateway", "lambda-url", "service-connect", "aws-nlb", "cloudfront", "railway"])
def test_new_proxies_without_affinity_keep_no_sessions(decide: Any, kind: str) -> None:
    facts = FLEET | {"environment.proxy.kind": kind, "needs.elicitation": "required", "clients.keep_cookies": True}
    assert not decide(facts).feasible


@pytest.mark.parametrize(("sse", "limit"), [(True, 900), ("unknown", 29), (False, 29)])
def test_a_stream_through_an_api_gateway_is_longer_only_with_response_streaming(
    decide: Any, sse: bool | str, limit: int
) -> None:
    facts = FLEET | {"environment.proxy.kind": "api-gateway", "environment.proxy.sse": sse}
    for seconds in (limit - 1, limit + 1):
        decision = decide(facts | {"workload.longest_call_s": seconds})
        warned = {warning.id: warning.fix.text for warning in decision.warnings}
        assert ("call-outlives-total-timeout" in warned) is (seconds > limit), (sse, seconds)
        if seconds > limit:
            assert "30 s of an HTTP API" in warned["call-outlives-total-timeout"]
