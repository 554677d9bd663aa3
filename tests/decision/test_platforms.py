"""Decisions on serverless and managed platforms: affinity, one instance, functions, and changes of a setting."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.kit.render import render_kit

SERVERLESS = {"environment.platform": "serverless", "clients.protocol": "legacy", "scale.instances": 3}
ASKING = SERVERLESS | {"needs.elicitation": "required", "clients.keep_cookies": True}


@pytest.mark.parametrize(
    ("kind", "mechanism"),
    [
        ("azure-container-apps", "platform-cookie"),
        ("app-service", "platform-cookie"),
        ("heroku", "platform-cookie"),
        ("cloud-run", "platform-cookie"),
        ("alb", "platform-cookie"),
        ("fly", "fly-replay"),
        ("agentcore", "platform-session-id"),
    ],
)
def test_affinity_of_the_platform_keeps_required_sessions(decide: Any, kind: str, mechanism: str) -> None:
    decision = decide(ASKING | {"environment.proxy.kind": kind})
    assert (decision.core.pattern, decision.core.mechanism) == ("sticky-fleet", mechanism)
    plain = decide(SERVERLESS | {"environment.proxy.kind": kind, "clients.keep_cookies": True})
    assert plain.core.pattern == "stateless-fleet"


@pytest.mark.parametrize("kind", ["lambda-url", "api-gateway", "railway", "nginx", "other"])
def test_platforms_without_affinity_keep_no_sessions(decide: Any, kind: str) -> None:
    assert not decide(ASKING | {"environment.proxy.kind": kind, "scale.affinity": "available"}).feasible


def test_a_platform_that_can_keep_one_instance_runs_one_process(decide: Any, advisor: Advisor) -> None:
    for proxy in advisor.knowledge.proxies.values():
        single = decide(SERVERLESS | {"environment.proxy.kind": proxy.id, "scale.instances": 1})
        assert (single.facts["processes"] == "one") is bool(proxy.one_instance), proxy.id


def test_changes_name_the_setting_of_the_platform(decide: Any, advisor: Advisor) -> None:
    decision = decide(ASKING | {"environment.proxy.kind": "cloud-run", "clients.keep_cookies": False})
    hows = {name: way.how for way in decision.alternatives for name in way.change}
    assert "--max-instances=1" in hows["scale.instances"]
    assert "--session-affinity" in hows["clients.keep_cookies"]
    moved = [way.change for way in decision.alternatives if "environment.proxy.kind" in way.change]
    assert all("environment.platform" in change for change in moved)  # another proxy means another platform


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"environment.proxy.kind": "fly", "current.stateless_http": False}, "sessions-without-affinity"),
        (
            {
                "environment.proxy.kind": "azure-container-apps",
                "clients.keep_cookies": True,
                "current.stateless_http": False,
            },
            "sessions-depend-on-the-platform",
        ),
        ({"environment.proxy.kind": "other"}, "function-adapter-not-known"),
        ({"environment.function_adapter": "asgi"}, "adapter-runs-the-lifespan-for-each-event"),
        ({"environment.proxy.kind": "lambda-url"}, "functions-buffer-streams"),
    ],
)
def test_warnings_of_platforms(decide: Any, facts: Any, code: str) -> None:
    warning = next(warning for warning in decide(SERVERLESS | facts).warnings if warning.id == code)
    assert "{" not in warning.message + warning.fix.text


ENDS = {"shutdown-cuts-running-calls", "end-of-an-instance-is-unknown"}


def test_how_an_instance_ends_is_said_as_far_as_a_source_says_it(decide: Any, advisor: Advisor) -> None:
    """Each platform has its own figure, or the decision says what to look up. It never shows the figure of another."""
    proxies = advisor.knowledge.proxies
    for kind in (name for name, proxy in proxies.items() if proxy.possible_on("serverless") and not proxy.refuses):
        facts = {"environment.proxy.kind": kind, "clients.protocol": "legacy", "environment.function_adapter": "none"}
        (warning,) = [warning for warning in decide(SERVERLESS | facts).warnings if warning.id in ENDS]
        known = proxies[kind].stop == "signal"
        assert warning.id == ("shutdown-cuts-running-calls" if known else "end-of-an-instance-is-unknown"), kind
        assert proxies[kind].stop_note in warning.fix.text
        others = {proxy.stop_note for proxy in proxies.values() if proxy.stop_note} - {proxies[kind].stop_note}
        assert not any(note in warning.fix.text for note in others)


@pytest.mark.parametrize(("platform", "setting"), [("compose", "stop_grace_period"), ("systemd", "TimeoutStopSec")])
def test_the_time_to_end_is_a_setting_of_the_platform(decide: Any, platform: str, setting: str) -> None:
    facts = {"environment.platform": platform, "clients.protocol": "legacy", "scale.instances": 3}
    (warning,) = [warning for warning in decide(facts).warnings if warning.id in ENDS]
    assert setting in warning.fix.text
    assert "preStop" not in warning.fix.text


def test_a_platform_that_loads_the_app_gets_no_advice_about_uvicorn(decide: Any, advisor: Advisor) -> None:
    loading = [name for name, proxy in advisor.knowledge.proxies.items() if proxy.loads_app]
    assert loading
    for kind in loading:
        decision = decide(SERVERLESS | {"environment.proxy.kind": kind, "environment.path": "/mcp/"})
        assert not any("uvicorn" in warning.message + warning.fix.text for warning in decision.warnings), kind


def test_a_kit_exists_for_every_kind_of_proxy(decide: Any, advisor: Advisor) -> None:
    for kind, proxy in advisor.knowledge.proxies.items():
        clients = {"clients.protocol": {"legacy": "modern"}.get(proxy.refuses, "legacy")}
        assert render_kit(decide(SERVERLESS | clients | {"environment.proxy.kind": kind}), "")


@pytest.mark.parametrize("kind", ["render", "vercel", "cloudflare-workers"])
def test_a_platform_says_which_limits_are_not_known(decide: Any, advisor: Advisor, kind: str) -> None:
    """Without affinity, a required session is a contradiction. A limit that is not known is never passed over."""
    proxy = advisor.knowledge.proxies[kind]
    path = {"environment.proxy.kind": kind, "workload.longest_call_s": 200}
    assert not decide(ASKING | path | {"scale.affinity": "available"}).feasible
    decision = decide(SERVERLESS | path)
    assert decision.core.pattern == "stateless-fleet"
    unknown = [name for name in ("idle", "total") if getattr(proxy, f"{name}_status") == "unknown"]
    (text,) = [warning.message for warning in decision.warnings if warning.id == "proxy-timeouts-not-known"]
    assert unknown
    assert all(f"the {name} timeout" in text for name in unknown)
    beyond = {warning.id for warning in decide(SERVERLESS | path | {"workload.longest_call_s": 301}).warnings}
    assert ("call-outlives-total-timeout" in beyond) is (kind == "vercel")
