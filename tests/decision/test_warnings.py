"""A warning is about something that the decision has: sessions, streams, a deployment, the keys of this file."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from cases import drawn, read

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.knowledge.types import NEEDS
from advisor.requirements.hops import HOPS

# Warnings whose title names what the decision has turned off, because this is their subject.
ABOUT_THE_LACK = {
    "old-transport-today",
    "adapter-sends-no-streams",
    "gateway-needs-a-session-id",
    "sdk-has-no-json-answers",
    "java-stateless-answers-json",
}
# Warnings about streams that do not depend on the response mode: GET streams and subscriptions/listen.
OTHER_STREAMS = re.compile(r"notifications|GET stream|subscription", re.I)


@pytest.fixture(scope="module")
def decided(advisor: Advisor) -> list[tuple[dict[str, Any], Decision]]:
    """Files and their decisions: each file as drawn, and half of them with several workers or with sessions today."""
    files = []
    for number, flat in enumerate(drawn(advisor.space)[:240]):
        extra = ({}, {"scale.workers": 4}, {"current.stateless_http": False}, {"needs.elicitation": "required"})[
            number % 4
        ]
        files.append(
            {
                **flat,
                **({} if set(extra) & {f"needs.{f}" for t in flat.get("tools", []) for f in t["needs"]} else extra),
            }
        )
    return [(flat, advisor.decide(read(flat, advisor.space))) for flat in files]


def _flags(decision: Decision) -> list[Any]:
    return [tier.core.flags for tier in decision.tiers] or [decision.core.flags]


def test_no_warning_is_about_something_that_is_turned_off(
    advisor: Advisor, decided: list[tuple[dict[str, Any], Decision]]
) -> None:
    kinds = set()
    for flat, decision in decided:
        if not decision.feasible or decision.kind == "http+sse":
            continue
        titles = {w.id: advisor.knowledge.rules[w.id][1].title for w in decision.warnings if w.id not in ABOUT_THE_LACK}
        if all(flags.stateless_http for flags in _flags(decision)):
            kinds.add("no sessions")
            named = {name for name, title in titles.items() if re.search(r"(?<!ctx\.)session", title, re.I)}
            assert not named or decision.requirements["current.stateless_http"] is False, (named, flat)
        if all(flags.json_response for flags in _flags(decision)):
            kinds.add("no streams")
            streams = r"stream|SSE|wait for|requests to the client|reply"
            named = {n for n, title in titles.items() if re.search(streams, title) and not OTHER_STREAMS.search(title)}
            assert not named, (named, flat)
        if decision.core.mechanism == "none" and decision.requirements["current.stateless_http"] is not False:
            named = {name for name, title in titles.items() if "affinity" in title}
            assert not named, (named, flat)
    assert kinds == {"no sessions", "no streams"}


def test_a_warning_of_a_contradiction_is_true_with_every_flag_pair(
    advisor: Advisor, decided: list[tuple[dict[str, Any], Decision]]
) -> None:
    """No warning is about a decision that was not made, and none is about a need that is not met."""
    needs = {name for name, domain in advisor.space.domains.items() if set(domain) <= set(NEEDS)}
    contradictions = [(flat, decision) for flat, decision in decided if not decision.feasible]
    assert len(contradictions) > 10
    for flat, decision in contradictions:
        reached = []
        for stateless, json in product((False, True), repeat=2):
            facts = dict(decision.facts)
            advisor.network.revise(facts, {"stateless_http": stateless, "json_response": json})
            reached.append({rule.id for rule in advisor.findings.evaluate(facts).rules})
        in_all = set.intersection(*reached)
        about = {name for name in in_all if needs & set(advisor.knowledge.rules[name][1].when)}
        assert {warning.id for warning in decision.warnings} == in_all - about, flat


@pytest.mark.parametrize(
    ("proxy", "warned"),
    [
        # A time limit of the path ends the longest call, whatever the decision is.
        ({"kind": "envoy"}, "call-outlives-total-timeout"),
        # The path cuts the silence before the first ping, so streams and JSON answers fail alike.
        ({"kind": "haproxy", "idle_timeout_s": 10}, "silent-calls-are-cut"),
        ({"kind": "other"}, "proxy-timeouts-not-known"),
    ],
)
def test_a_contradiction_warns_of_a_path_that_ends_calls(decide: Any, proxy: dict[str, Any], warned: str) -> None:
    path = {f"environment.proxy.{key}": value for key, value in proxy.items()}
    many = {"scale.instances": 3, "scale.affinity": "unavailable", "clients.protocol": "legacy"}
    facts = {**path, **many, "workload.longest_call_s": 60}
    contradiction = decide({**facts, "needs.sampling": "required"})
    assert not contradiction.feasible
    assert warned in {warning.id for warning in contradiction.warnings}
    assert warned not in {
        w.id for w in decide({**facts, "workload.longest_call_s": 5, "needs.sampling": "required"}).warnings
    }


def test_a_limit_of_one_response_mode_is_no_warning_of_a_contradiction(decide: Any) -> None:
    """AgentCore ends a JSON answer after 900 s and a stream after 3,600 s: a call of 1,000 s fails only as JSON."""
    facts = {
        "environment.platform": "serverless",
        "environment.proxy.kind": "agentcore",
        "scale.affinity": "unavailable",
        "clients.protocol": "legacy",
        "needs.sampling": "required",
    }
    for seconds, warned in ((1000, False), (4000, True)):
        decision = decide({**facts, "workload.longest_call_s": seconds})
        assert not decision.feasible
        assert ("call-outlives-total-timeout" in {warning.id for warning in decision.warnings}) is warned


def test_a_file_with_hops_gets_no_key_of_the_single_proxy(
    advisor: Advisor, decided: list[tuple[dict[str, Any], Decision]]
) -> None:
    """`environment.proxy` is the short form for one proxy. A file with environment.hops cannot state its keys."""
    found = [(flat, decision) for flat, decision in decided if flat.get(HOPS)]
    assert len(found) > 50
    for flat, decision in found:
        for warning in decision.warnings:
            assert "environment.proxy." not in f"{warning.message} {warning.fix.text}", (warning.id, flat)


@pytest.mark.parametrize(
    ("facts", "warned"),
    [
        ({"current.stateless_http": False}, True),
        ({"current.stateless_http": True}, False),
        ({}, False),
        ({"current.stateless_http": False, "scale.workers": 1}, False),
    ],
)
def test_workers_are_a_warning_only_for_a_server_that_has_sessions(
    decide: Any, facts: dict[str, Any], warned: bool
) -> None:
    """A proxy cannot choose a worker, so no warning names session affinity as the condition for sessions."""
    found = {w.id for w in decide({"scale.workers": 4, "clients.protocol": "legacy", **facts}).warnings}
    assert ("workers-do-not-share-sessions" in found) is warned
    named = {"sessions-without-affinity", "sessions-depend-on-the-proxy", "sessions-depend-on-the-platform"}
    assert not found & named or facts.get("scale.workers") == 1


@pytest.mark.parametrize("kind", ["api-gateway", "alb", "lambda-url", "other"])
@pytest.mark.parametrize("adapter", ["asgi", "web"])
@pytest.mark.parametrize(("stated", "limit"), [(None, 3), (20, 20), (900, 0)])
def test_the_timeout_of_a_function_counts_behind_every_proxy(
    decide: Any, kind: str, adapter: str, stated: int | None, limit: int
) -> None:
    facts = {
        "environment.platform": "serverless",
        "environment.proxy.kind": kind,
        "environment.function_adapter": adapter,
    }
    timeout = {"environment.function_timeout_s": stated} if stated else {}
    found = {w.id: w for w in decide({**facts, **timeout, "workload.longest_call_s": 25}).warnings}
    assert ("call-outlives-total-timeout" in found) is bool(limit)
    if limit:
        text = f"{found['call-outlives-total-timeout'].message} {found['call-outlives-total-timeout'].fix.text}"
        assert f"ends every response after {limit} s" in text
        assert "the timeout of the function (at most 900 s)" in text
    short = {w.id: w for w in decide({**facts, **timeout}).warnings}.get("time-limit-and-calls-not-known")
    if limit:
        assert short
        assert "environment.function_timeout_s" in short.fix.text or kind == "lambda-url"


def test_the_web_adapter_needs_its_own_setting_for_streams(decide: Any) -> None:
    """A proxy that passes streams does not change that the adapter buffers."""
    base = {"environment.platform": "serverless", "environment.function_adapter": "web", "needs.progress": "required"}
    for kind in ("api-gateway", "lambda-url"):
        for sse in (True, "unknown"):
            decision = decide({**base, "environment.proxy.kind": kind, "environment.proxy.sse": sse})
            fixes = [w.fix.text for w in decision.warnings]
            assert any("AWS_LWA_INVOKE_MODE=response_stream" in fix for fix in fixes), (kind, sse)
            (row,) = [row for row in decision.features if row.feature == "progress"]
            assert "AWS_LWA_INVOKE_MODE" in row.legacy.how
