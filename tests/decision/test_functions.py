"""Functions behind an adapter: what an adapter cannot do is never decided, whatever the file says of the proxy."""

from __future__ import annotations

from typing import Any

import pytest
from cases import read

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision

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
