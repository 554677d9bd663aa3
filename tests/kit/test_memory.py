"""Memory requests and limits in manifests: the figure of the decision plus headroom, and never below the minimum."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sdk_lines import SDK_LINES

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.memory import MemoryContext
from advisor.kit.parts import kubernetes
from advisor.knowledge import Knowledge

MEBI = 1 << 20
STICKY = {
    "needs.sampling": "required",
    "environment.proxy.kind": "haproxy",
    "clients.protocol": "legacy",
    "environment.platform": "kubernetes",
}
TOOLS = [{"name": "ask", "needs": {"sampling": "required"}}, {"name": "get"}]
TIERED = STICKY | {"scale.affinity": "unavailable", "tools": TOOLS}


def texts(decision: Decision, advisor: Advisor) -> dict[str, str]:
    """File name → text, for the manifests with servers."""
    made = kubernetes.files(kit_context(decision))
    named = {file.path.rpartition("/")[2]: file.content for file in made}
    return {name: named[name] for name in ("server.yaml", "stateless.yaml", "stateful.yaml") if name in named}


def granted(text: str) -> tuple[int, int]:
    """Memory request and memory limit of the server in a manifest, in mebibytes."""
    for manifest in yaml.safe_load_all(text):
        if manifest["kind"] in ("Deployment", "StatefulSet"):
            (container,) = manifest["spec"]["template"]["spec"]["containers"]
            found = [container["resources"][key]["memory"] for key in ("requests", "limits")]
            assert all(amount.endswith("Mi") for amount in found)
            return int(found[0][:-2]), int(found[1][:-2])
    raise AssertionError("no workload")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    clients=st.integers(1, 10**6),
    least=st.integers(1, 20),
    more=st.integers(0, 20),
    workers=st.integers(1, 4),
    sdk=st.sampled_from(SDK_LINES),
    protocol=st.sampled_from(["legacy", "mixed"]),
    kind=st.sampled_from([STICKY, TIERED, {"environment.platform": "kubernetes"}]),
)
def test_no_limit_is_below_what_the_decision_computed(
    advisor: Advisor,
    decide: Any,
    clients: int,
    least: int,
    more: int,
    workers: int,
    sdk: str,
    protocol: str,
    kind: dict[str, Any],
) -> None:
    scale = {"scale.instances": {"min": least, "max": least + more}, "scale.workers": workers}
    decision = decide({**kind, **scale, "sdk": sdk, "clients.concurrent": clients, "clients.protocol": protocol})
    if not decision.feasible:
        return
    found = decision.capacity
    for name, text in texts(decision, advisor).items():
        request, limit = granted(text)
        stateful = name == "stateful.yaml" or (name == "server.yaml" and not decision.core.flags.stateless_http)
        processes = 1 if stateful else workers
        assert request >= 256 * processes
        assert limit >= max(512 * processes, request)
        assert request % 64 == limit % 64 == 0
        assert request * MEBI >= processes * found.process_bytes
        if stateful:
            needed = found.process_bytes + found.sessions_per_instance * found.session_bytes
            assert found.memory_mb in (0.0, round(needed / 1e6, 1))
            assert request * MEBI >= needed
            assert limit * MEBI >= needed * 1.5
            # With the advised number of instances, the limit is not above the plan for one instance.
            started = 1 if name == "stateful.yaml" else least
            assert request <= found.memory_budget_mib or found.advice_instances > started
        else:
            assert (request, limit) == (256 * workers, 512 * workers)


@pytest.mark.parametrize(
    ("facts", "name", "expected"),
    [
        (STICKY | {"scale.instances": 3, "clients.concurrent": 30_000}, "server.yaml", (1024, 1536)),
        (STICKY | {"scale.instances": 1, "clients.concurrent": 9_000}, "server.yaml", (960, 1408)),
        (TIERED | {"scale.instances": 3, "clients.concurrent": 9_000}, "stateful.yaml", (960, 1408)),
        (TIERED | {"scale.instances": 3, "clients.concurrent": 9_000}, "stateless.yaml", (256, 512)),
        (STICKY | {"scale.instances": 3, "clients.concurrent": 100}, "server.yaml", (256, 512)),
        (
            STICKY | {"scale.instances": {"min": 2, "max": 6}, "clients.concurrent": 18_000},
            "server.yaml",
            (960, 1408),
        ),
    ],
    ids=["fleet", "one", "stateful tier", "stateless tier", "few clients", "the fewest of a range"],
)
def test_requests_and_limits_match_the_measured_memory(
    advisor: Advisor, decide: Any, facts: dict[str, Any], name: str, expected: tuple[int, int]
) -> None:
    """The figures are those of mcp 2: 74 MB for the process and 98 kB for each session."""
    assert granted(texts(decide(facts), advisor)[name]) == expected


def test_the_manifest_says_how_it_was_computed(advisor: Advisor, decide: Any, knowledge: Knowledge) -> None:
    measured = knowledge.capacity["mcp-2"]
    facts: dict[str, Any]
    for facts, where in (
        (STICKY | {"scale.instances": 3, "clients.concurrent": 27_000}, ", spread over 3 pods)"),
        (STICKY | {"scale.instances": 1, "clients.concurrent": 9_000}, ")"),
    ):
        decision = decide(facts)
        text = " ".join(texts(decision, advisor)["server.yaml"].replace("#", " ").split())
        each = f"{measured.stream_session_bytes.median / 1000:.0f} kB each"
        held = f"{9000 * measured.stream_session_bytes.median / 1_000_000:,.0f} MB for the sessions on this pod"
        assert f"{held} (9,000 sessions, {each}; one session per client{where}" in text
        assert f"The sum is {decision.capacity.memory_mb:,.0f} MB." in text
    for facts in ({"environment.platform": "kubernetes"}, STICKY | {"scale.instances": 3, "sdk": "mcp-2"}):
        modern = facts | {"clients.protocol": "modern", "needs.sampling": "none", "clients.concurrent": 90_000}
        assert "The memory request" not in texts(decide(modern), advisor)["server.yaml"]


def test_figures_are_exact_at_the_edge_of_a_step(knowledge: Knowledge) -> None:
    plan = knowledge.memory._replace(headroom_percent=50, grain_mi=64, request_mi=1, limit_mi=1)
    exact = MemoryContext(64 * MEBI, 0, 0, plan)
    assert (exact.request_mi(1), exact.limit_mi(1)) == (64, 128)
    assert (exact.request_mi(2), exact.limit_mi(2)) == (128, 192)
    assert MemoryContext(64 * MEBI + 1, 0, 0, plan).request_mi(1) == 128
    assert MemoryContext(0, 1, 64 * MEBI, plan).request_mi(1) == 64
    assert MemoryContext(0, 1, 64 * MEBI + 1, plan).request_mi(1) == 128
