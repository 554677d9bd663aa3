"""What the warnings say about a time limit follows the data of the platform: two texts never contradict each other."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from cases import read

from advisor.decision.advisor import Advisor

FIXED = re.compile(r"You cannot raise this|Limit of [^:]+: [^.]*fixed|allows at most [\d,]+ s, and the longest call")
RAISED = re.compile(
    r"Raise the (?:time limit|idle timeout of every proxy above the longest call)|If you change the limit"
)
CALLS = (None, 3, 60, 1000, 5000)
NEEDS: tuple[dict[str, Any], ...] = (
    {},
    {"needs.elicitation": "required"},
    {"needs.subscriptions": "required"},
    {"current.json_response": True, "needs.progress": "required"},
    {"transport": "sse"},
)


@pytest.fixture(scope="module")
def managed(advisor: Advisor) -> list[tuple[str, dict[str, str], str]]:
    """For each managed proxy and several requirements: the proxy, the texts of the warnings by id, and the file."""
    found = []
    kinds = [kind for kind, proxy in advisor.knowledge.proxies.items() if proxy.operated == "managed"]
    for kind, seconds, needs in product(kinds, CALLS, NEEDS):
        runs_servers = advisor.knowledge.proxies[kind].runs_servers
        flat = {
            "environment.platform": "serverless" if runs_servers else "kubernetes",
            "environment.proxy.kind": kind,
            "clients.protocol": "mixed",
            "clients.keep_cookies": True,
            "scale.instances": 3,
            **needs,
            **({"workload.longest_call_s": seconds} if seconds else {}),
        }
        decision = advisor.decide(read(flat, advisor.space))
        found.append((kind, {w.id: f"{w.message} {w.fix.text}" for w in decision.warnings}, str(flat)))
    return found


def test_no_warning_raises_a_limit_that_is_fixed(managed: list[tuple[str, dict[str, str], str]]) -> None:
    fixed, raised = set(), set()
    for kind, texts, flat in managed:
        for name, text in texts.items():
            fixed |= {kind} if FIXED.search(text) else set()
            raised |= {kind} if RAISED.search(text) else set()
            assert not (FIXED.search(text) and RAISED.search(text)), (name, text, flat)
    # Some platforms have a limit that no setting changes, and others have a setting.
    assert {"agentcore", "railway", "app-service"} <= fixed
    assert {"cloud-run", "alb", "service-connect"} <= raised


def test_the_warnings_of_one_decision_agree_about_the_total_timeout(
    advisor: Advisor, managed: list[tuple[str, dict[str, str], str]]
) -> None:
    for kind, texts, flat in managed:
        if "total" in advisor.knowledge.proxies[kind].fixed:
            for name, text in texts.items():
                assert "Raise the time limit" not in text, (name, flat)
                assert "as high as the platform allows" not in text, (name, flat)


def test_a_suggested_limit_is_one_that_the_platform_allows(advisor: Advisor) -> None:
    """Cloud Run allows 3,600 s. At this limit, no text says to raise it."""
    flat = {
        "environment.platform": "serverless",
        "environment.proxy.kind": "cloud-run",
        "clients.protocol": "legacy",
        "clients.keep_cookies": True,
        "scale.instances": 3,
        "needs.elicitation": "required",
    }
    for stated, words in ((100, "for example 600 s"), (3600, "You cannot raise this time limit")):
        decision = advisor.decide(read({**flat, "environment.proxy.total_timeout_s": stated}, advisor.space))
        waiting = [w.fix.text for w in decision.warnings if w.id.startswith("time-limit-ends-")]
        assert all(words in text for text in waiting), (stated, waiting)
        assert waiting or stated > advisor.knowledge.figure("timeout.long_s")
