"""Warnings about a product, a setting or a client application that is known to cause a failure."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.console.canvas import Screen
from advisor.report.first_screen import first_screen

ONE = {"sdk": "mcp-1", "clients.protocol": "legacy", "scale.instances": 1, "environment.platform": "compose"}


def _warned(decision: Any) -> dict[str, Any]:
    return {warning.id: warning for warning in decision.warnings}


@pytest.mark.parametrize(("kind", "cause"), [("traefik", "compress middleware"), ("cloudflare", "Quick Tunnel")])
def test_a_setting_that_buffers_streams_is_named(decide: Any, kind: str, cause: str) -> None:
    facts = ONE | {"environment.proxy.kind": kind}
    needed = _warned(decide(facts | {"needs.progress": "required"}))["known-setting-buffers-streams"]
    assert needed.severity == "medium"
    assert cause in needed.message
    assert _warned(decide(facts))["known-setting-buffers-unneeded-streams"].severity == "low"
    stated = _warned(decide(facts | {"needs.progress": "required", "environment.proxy.sse": True}))
    assert not [code for code in stated if code.startswith("known-setting-")]


def test_a_setting_of_an_outer_hop_buffers_streams(decide: Any) -> None:
    hops = [{"kind": "cloudflare"}, {"kind": "nginx", "sse": True}]
    assert (
        "Cloudflare"
        in _warned(decide(ONE | {"environment.hops": hops, "needs.progress": "required"}))[
            "known-setting-buffers-streams"
        ].message
    )


def test_a_client_that_does_not_initialize_again_is_named(decide: Any) -> None:
    facts = {name: value for name, value in ONE.items() if name != "clients.protocol"}
    facts |= {"needs.session_state": "required", "workload.state_by": "session"}
    named = _warned(decide(facts | {"clients.apps": ["claude-ai"]}))
    assert "Claude (claude.ai connectors)" in named["rollout-ends-sessions-for-good"].message
    assert named["rollout-ends-sessions-for-good"].severity == "medium"
    assert "rollout-ends-sessions" not in named
    assert "rollout-ends-sessions" in _warned(decide(ONE | facts))


def test_the_named_client_is_on_the_first_screen(decide: Any) -> None:
    facts = {"sdk": "mcp-1", "clients.apps": ["claude-ai"], "scale.instances": 1, "environment.platform": "compose"}
    state = {"needs.session_state": "required", "workload.state_by": "session", "environment.proxy.kind": "nginx"}
    shown = first_screen(decide(facts | state), Screen(80))
    assert "After an update or a restart, calls of a named client fail" in shown
