"""Functions behind an adapter: what an adapter cannot do is never decided, whatever the file says of the proxy."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from cases import edited, read

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.errors import InputError
from advisor.requirements.edits import edits

FUNCTION = {"environment.platform": "serverless", "workload.longest_call_s": 2, "clients.keep_cookies": True}


def decide(advisor: Advisor, **flat: Any) -> Decision:
    return advisor.decide(read({**FUNCTION, **flat}, advisor.space))


@pytest.mark.parametrize("kind", ["alb", "api-gateway", "lambda-url"])
@pytest.mark.parametrize("sse", [True, "unknown"])
@pytest.mark.parametrize(
    ("sdk", "protocol", "feature"),
    [
        ("mcp-1", "legacy", "elicitation"),
        ("mcp-1", "legacy", "progress"),
        ("mcp-2", "mixed", "progress"),
        ("mcp-2", "modern", "list_changed"),
        ("mcp-2", "modern", "subscriptions"),
    ],
)
def test_an_asgi_adapter_keeps_no_stream_and_no_session(
    advisor: Advisor, kind: str, sse: Any, sdk: str, protocol: str, feature: str
) -> None:
    flat = {
        "sdk": sdk,
        "clients.protocol": protocol,
        f"needs.{feature}": "required",
        "operations.shared_store": "redis",
    }
    proxy = {"environment.proxy.kind": kind, "environment.proxy.sse": sse}
    decision = decide(advisor, **flat, **proxy, **{"environment.function_adapter": "asgi"})
    assert not decision.feasible
    assert decision.alternatives
    assert "environment.proxy.sse" in decision.requirements.inferred


def test_functions_have_no_session_affinity(advisor: Advisor) -> None:
    flat = {"sdk": "mcp-1", "clients.protocol": "legacy", "needs.elicitation": "required"}
    proxy = {"environment.proxy.kind": "alb", "environment.proxy.sse": True, "scale.affinity": "available"}
    assert not decide(advisor, **flat, **proxy, **{"environment.function_adapter": "web"}).feasible
    containers = decide(advisor, **flat, **proxy, **{"environment.function_adapter": "none"})
    assert containers.core.mechanism == "platform-cookie"


def test_a_single_serverless_instance_keeps_sessions_only_if_a_feature_needs_them(advisor: Advisor) -> None:
    flat = {"sdk": "mcp-2", "clients.protocol": "legacy", "environment.proxy.kind": "cloud-run", "scale.instances": 1}
    assert decide(advisor, **flat).core.flags.stateless_http
    assert not decide(advisor, **flat, **{"needs.elicitation": "required"}).core.flags.stateless_http


def test_modern_plain_clients_get_json(advisor: Advisor) -> None:
    flat = {"sdk": "mcp-2", "clients.protocol": "modern", "clients.plain_http": True, "environment.platform": "compose"}
    assert decide(advisor, **flat).core.flags.json_response
    assert not decide(advisor, **flat, **{"workload.longest_call_s": 40}).core.flags.json_response


LEGACY_PROGRESS = {"clients.protocol": "legacy", "sdk": "mcp-1", "needs.progress": "required"}
ASGI = {"environment.function_adapter": "asgi", "environment.function_timeout_s": 20}


def remedies(decision: Decision) -> list[dict[str, Any]]:
    """The edits of the file that each remedy prints."""
    facts = decision.knowledge.facts
    return [edits(decision.requirements, way.change, facts) for way in decision.alternatives]


@pytest.mark.parametrize("kind", ["lambda-url", "api-gateway"])
@pytest.mark.parametrize("sse", [True, "unknown"])
def test_a_web_adapter_is_the_first_remedy_for_streams(advisor: Advisor, kind: str, sse: Any) -> None:
    proxy = {"environment.proxy.kind": kind, "environment.proxy.sse": sse}
    ways = remedies(decide(advisor, **LEGACY_PROGRESS, **ASGI, **proxy))
    assert ways[0] == {"environment.function_adapter": "web"}


def test_a_remedy_names_the_stated_key_that_contradicts_it(advisor: Advisor) -> None:
    proxy = {"environment.proxy.kind": "lambda-url", "environment.proxy.sse": False}
    ways = remedies(decide(advisor, **LEGACY_PROGRESS, **ASGI, **proxy))
    assert {"environment.function_adapter": "web", "environment.proxy.sse": True} in ways
    moved = next(way for way in ways if "environment.platform" in way)
    assert moved["environment.proxy.kind"] == "nginx"
    assert moved["environment.proxy.sse"] is True
    assert moved["environment.function_adapter"] is moved["environment.function_timeout_s"] is None


def test_a_platform_without_functions_can_have_session_affinity(advisor: Advisor) -> None:
    """The file states what the function implies. The other platform does not imply it."""
    flat = {"sdk": "mcp-1", "clients.protocol": "legacy", "needs.elicitation": "required", "scale.instances": 3}
    stated = {"scale.affinity": "unavailable", "environment.proxy.kind": "lambda-url"}
    ways = remedies(decide(advisor, **flat, **ASGI, **stated))
    moved = next(way for way in ways if "environment.platform" in way)
    assert moved["scale.affinity"] == "available"


def test_a_load_balancer_passes_no_streams_of_a_function(advisor: Advisor) -> None:
    alb = {"environment.proxy.kind": "alb"}
    decision = decide(advisor, **LEGACY_PROGRESS, **ASGI, **alb)
    assert {"environment.function_adapter": "web"} not in remedies(decision)
    web = decide(advisor, **LEGACY_PROGRESS, **alb, **{"environment.function_adapter": "web"})
    assert not web.feasible
    assert {"environment.proxy.kind": "api-gateway"} in remedies(web)


@pytest.mark.parametrize("adapter", ["asgi", "web"])
def test_every_change_of_a_function_gives_what_it_prints(advisor: Advisor, adapter: str) -> None:
    """For each combination of stated and implied values: the file after the printed edits has the printed decision."""
    kinds = ["lambda-url", "api-gateway", "alb", "other"]
    stated = product(kinds, [True, False, None], ["available", "unavailable", None], ["progress", "elicitation"])
    for kind, sse, affinity, feature in stated:
        flat: dict[str, Any] = {**FUNCTION, "environment.function_adapter": adapter, "environment.proxy.kind": kind}
        flat |= {"sdk": "mcp-2", "clients.protocol": "mixed", f"needs.{feature}": "required"}
        flat |= {} if sse is None else {"environment.proxy.sse": sse}
        flat |= {} if affinity is None else {"scale.affinity": affinity}
        decision = advisor.decide(read(flat, advisor.space))
        ways = () if decision.feasible else decision.alternatives  # a feasible decision has other patterns instead
        changes = [*((way.change, way.core) for way in ways)]
        changes += [(other.change, other.core) for other in decision.counterfactuals]
        for change, core in changes:
            printed = edits(decision.requirements, change, advisor.space.facts)
            after = read(edited(flat, printed), advisor.space)
            found = advisor.core(after)  # the flags of a tiered deployment are those of a tier
            assert (advisor.decide(after).core if found.pattern == "tiered" else found) == core, (printed, flat)


# --- the timeout of a function, and the maxima of platforms ---------------------------------------------------------


@pytest.mark.parametrize("adapter", ["none", "unknown", "asgi", "web"])
def test_a_stated_timeout_of_a_function_limits_every_call(advisor: Advisor, adapter: str) -> None:
    flat: dict[str, Any] = {"sdk": "mcp-1", "environment.proxy.kind": "api-gateway"}
    flat |= {"environment.function_adapter": adapter}
    flat |= {"environment.function_timeout_s": 10, "workload.longest_call_s": 20}
    warned = {warning.id: warning.message for warning in decide(advisor, **flat).warnings}
    assert "the timeout of the function) ends every response after 10 s" in warned["call-outlives-total-timeout"]


def test_the_fix_for_a_long_call_knows_the_maximum_of_the_platform(advisor: Advisor) -> None:
    lambda_url: dict[str, Any] = {"environment.proxy.kind": "lambda-url", "environment.function_timeout_s": 900}
    for longest, phrase in ((1000, "allows at most 900 s"), (899, "")):
        decision = decide(advisor, **lambda_url, **{"workload.longest_call_s": longest})
        fixes = [found.fix.text for found in decision.warnings if found.id == "call-outlives-total-timeout"]
        assert [phrase in fix for fix in fixes] == ([True] if phrase else [])


MAXIMA = [
    ({"environment.proxy.kind": kind, f"environment.proxy.{about}_timeout_s": seconds}, about)
    for kind, about, seconds in (
        ("cloud-run", "total", 3600),
        ("alb", "idle", 4000),
        ("heroku", "idle", 55),
        ("railway", "total", 900),
        ("agentcore", "total", 3600),
    )
] + [({"environment.proxy.kind": kind}, "function") for kind in ("lambda-url", "api-gateway", "alb")]


@pytest.mark.parametrize(("flat", "about"), MAXIMA)
def test_a_timeout_beyond_the_maximum_of_the_platform_is_refused(
    advisor: Advisor, flat: dict[str, Any], about: str
) -> None:
    key = "environment.function_timeout_s" if about == "function" else f"environment.proxy.{about}_timeout_s"
    most = {**FUNCTION, "environment.function_timeout_s": 900, **flat} if about == "function" else {**FUNCTION, **flat}
    assert advisor.decide(read(most, advisor.space))
    with pytest.raises(InputError, match="is longer than"):
        read({**most, key: most[key] + 1}, advisor.space)
    kind = flat["environment.proxy.kind"]
    hops = [{"kind": "cloudflare"}, {"kind": kind, f"{about}_timeout_s": most[key] + 1}]
    if about != "function":
        with pytest.raises(InputError, match=rf"hops\[1\].{about}_timeout_s"):
            read({**FUNCTION, "environment.hops": hops}, advisor.space)


@pytest.mark.parametrize(
    ("key", "value"), [("environment.function_adapter", "asgi"), ("environment.function_timeout_s", 30)]
)
@pytest.mark.parametrize("platform", ["kubernetes", "compose", "systemd", "local", None])
def test_facts_about_functions_need_a_platform_with_functions(
    advisor: Advisor, key: str, value: Any, platform: str | None
) -> None:
    stated = {} if platform is None else {"environment.platform": platform}
    with pytest.raises(InputError, match=r"needs environment\.platform: serverless"):
        read({key: value, **stated}, advisor.space)
    assert read({"environment.function_adapter": "none", **stated}, advisor.space)


def test_a_platform_that_runs_servers_is_named_on_another_platform(advisor: Advisor) -> None:
    for proxy in advisor.knowledge.proxies.values():
        for platform in ("compose", "serverless"):
            flat = {"environment.proxy.kind": proxy.id, "environment.platform": platform}
            warned = {warning.id for warning in advisor.decide(read(flat, advisor.space)).warnings}
            assert ("proxy-runs-servers-itself" in warned) == (proxy.runs_servers and platform == "compose"), proxy.id
