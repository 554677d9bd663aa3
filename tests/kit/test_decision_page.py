"""The table of failures in DECISION.md, for each mechanism for sessions, compared with snapshots.

`MCP_ADVISOR_UPDATE_SNAPSHOTS=1 pytest tests/kit/test_decision_page.py` writes the files again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.endpoints import client_notes
from advisor.kit.expected_failures import expected_failures, keeping
from advisor.kit.parts.duties import duties
from advisor.kit.render import render_kit
from advisor.knowledge import Knowledge
from advisor.knowledge.paths import templates_dir
from advisor.report.release_wording import release_texts
from advisor.requirements import load_bytes, load_path

ROOT = Path(__file__).parents[2]
SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = os.environ.get("MCP_ADVISOR_UPDATE_SNAPSHOTS") == "1"
KITS = {
    "customer-service-agent-sticky": ["nginx-sticky-learn"],
    "exercise-1-research": ["stateless"],
    "exercise-2-team-document": ["redis-session-directory"],
    "customer-service-agent": ["stateless", "single-instance"],
    "internal-data-platform": ["single-instance"],
}


def page(advisor: Advisor, name: str) -> str:
    path = ROOT / "examples" / f"{name}.yaml"
    decision = advisor.decide(load_path(path, advisor.space))
    return {file.path: file.content for file in render_kit(decision, path.read_text())}["DECISION.md"]


def section(text: str) -> str:
    found = re.search(r"^## When something fails\n.*?(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert found, text
    return found[0]


@pytest.mark.parametrize("name", KITS)
def test_the_failure_table_matches_its_snapshot(advisor: Advisor, name: str) -> None:
    text = section(page(advisor, name))
    path = SNAPSHOTS / f"failures-{name}.md"
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("kind", ["nginx", "haproxy", "envoy", "caddy", "traefik"])
def test_the_page_names_the_limit_that_the_proxy_lacks(advisor: Advisor, kind: str) -> None:
    text = (ROOT / "examples" / "customer-service-agent-sticky.yaml").read_text()
    text = re.sub(r"proxy: \{.*\}", f"proxy: {{kind: {kind}}}", text)
    decision = advisor.decide(load_bytes(text.encode(), "sticky.yaml", advisor.space))
    files = {file.path: file.content for file in render_kit(decision, text)}
    lacks = advisor.knowledge.kit_proxies[kind].lacks
    assert bool(lacks) == (kind in ("envoy", "caddy"))
    assert f"; {lacks};" in files["DECISION.md"] if lacks else "client address" not in _left(files["DECISION.md"])


@pytest.mark.parametrize(
    ("proxy", "mechanism", "lacks"),
    [
        ("{kind: nginx, version: '1.31'}", "nginx-sticky-learn", True),
        ("{kind: nginx, version: '1.31', replicas: 2}", "nginx-session-envelope", False),
        ("{kind: nginx, version: '1.22.1', replicas: 2}", "nginx-session-envelope", True),
        ("{kind: haproxy, replicas: 2}", "haproxy-session-envelope", False),
    ],
)
def test_the_page_says_which_nginx_has_no_check_for_new_sessions(
    advisor: Advisor, proxy: str, mechanism: str, lacks: bool
) -> None:
    text = (ROOT / "examples" / "customer-service-agent-sticky.yaml").read_text()
    text = re.sub(r"proxy: \{.*\}", f"proxy: {proxy}", text).replace("platform: kubernetes", "platform: systemd")
    decision = advisor.decide(load_bytes(text.encode(), "sticky.yaml", advisor.space))
    assert decision.core.mechanism == mechanism
    files = {file.path: file.content for file in render_kit(decision, text)}
    assert ("; a check of lost nodes for new sessions" in _left(files["DECISION.md"])) == lacks


@pytest.mark.parametrize("kind", ["nginx", "haproxy", "envoy", "caddy"])
@pytest.mark.parametrize("platform", ["kubernetes", "compose", "systemd"])
@pytest.mark.parametrize("replicas", [1, 2])
def test_the_page_says_what_the_loss_of_the_proxy_does(
    advisor: Advisor, kind: str, platform: str, replicas: int
) -> None:
    text = (ROOT / "examples" / "customer-service-agent-sticky.yaml").read_text()
    text = re.sub(r"proxy: \{.*\}", f"proxy: {{kind: {kind}, replicas: {replicas}}}", text)
    text = re.sub(r"platform: \w+", f"platform: {platform}", text)
    decision = advisor.decide(load_bytes(text.encode(), "sticky.yaml", advisor.space))
    kit = kit_context(decision)
    files = {file.path: file.content for file in render_kit(decision, text)}
    said = section(files["DECISION.md"])
    row = next(line for line in said.splitlines() if line.startswith("| The proxy crashes"))
    has_table = decision.core.mechanism in ("nginx-sticky-learn", "haproxy-stick-table")
    assert ("table of sessions" in row) == has_table
    assert ("No session is lost" in row) == (not has_table)
    assert ("Every call fails" in row) == (replicas == 1)
    on_kubernetes = platform == "kubernetes" and replicas == 1
    assert (f"To run two pods of {kind}" in said) == (on_kubernetes and not has_table)
    assert (f"allows only one pod of {kind}" in said) == (on_kubernetes and has_table)
    assert ("needs a second machine" in said) == (platform != "kubernetes" and replicas == 1 and not has_table)
    if platform == "kubernetes":
        manifest = files["kubernetes/proxy.yaml"]
        assert f"replicas: {replicas}" in manifest
        assert ("Never run more than one replica" in manifest) == has_table
    assert kit.proxy_replicas == replicas
    assert not (has_table and replicas > 1)


def test_a_kit_without_a_proxy_has_no_row_for_its_loss(advisor: Advisor) -> None:
    assert "The proxy crashes" not in page(advisor, "analytics-behind-alb")


def _left(text: str) -> str:
    return text.partition("**Left to you:**")[2]


@pytest.mark.parametrize("name", KITS)
def test_the_page_has_the_rows_that_chaos_checks(advisor: Advisor, name: str) -> None:
    kit = kit_context(advisor.decide(load_path(ROOT / "examples" / f"{name}.yaml", advisor.space)))
    assert [keeping(tier) for tier in kit.tiers] == KITS[name]
    promises = expected_failures(kit)
    rows = [line for line in section(page(advisor, name)).splitlines() if line.startswith("| ")]
    assert {promise.era for promise in promises} == set(kit.eras)
    for promise in promises:
        assert "{" not in promise.clients
        tier = promise.tier.name if kit.tiered else ""
        mine = [row for row in rows if row.startswith(f"| {promise.event.title} |") and tier in row.split("|")[2]]
        assert len(mine) == 1, promise
        assert promise.clients in mine[0]
    assert len(rows) - 1 <= len({(promise.tier.name, promise.event.id) for promise in promises}) + bool(kit.proxy)


def test_with_one_running_instance_no_event_moves_clients_to_another(advisor: Advisor) -> None:
    kit = kit_context(advisor.decide(load_path(ROOT / "examples/exercise-1-research.yaml", advisor.space)))
    alone = expected_failures(kit, {"main": 1})
    assert {promise.keeping for promise in alone} == {"stateless-single"}
    assert "instances-replaced" not in {promise.event.id for promise in alone}


@pytest.mark.parametrize(("stated", "is_assumed"), [("", True), ("workload: {longest_call_s: 45}\n", False)])
def test_a_kit_says_whether_the_longest_call_is_assumed(advisor: Advisor, stated: str, is_assumed: bool) -> None:
    text = "service: a\nscale: {instances: 3}\nenvironment: {platform: kubernetes, proxy: {kind: alb}}\n" + stated
    decision = advisor.decide(load_bytes(text.encode(), "r.yaml", advisor.space))
    files = {file.path: file.content for file in render_kit(decision, text)}
    assert (
        "the requirements do not state the longest call; this kit assumes 60 s" in files["DECISION.md"]
    ) is is_assumed
    assert ("the longest call takes 45 s" in files["DECISION.md"]) is not is_assumed
    assert any("so 60 s is an assumption" in content for content in files.values()) is is_assumed


@pytest.mark.parametrize(
    ("platform", "replicas", "said"),
    [
        ("kubernetes", 1, "If this is not the owner, the client gets 404"),
        ("kubernetes", 2, "No session is lost, because nginx stores nothing about sessions here."),
        ("compose", 1, ""),
    ],
)
def test_a_kit_says_what_a_rolling_update_of_its_proxy_does_to_sessions(
    advisor: Advisor, platform: str, replicas: int, said: str
) -> None:
    text = (
        "service: a\nscale: {instances: 3}\nclients: {protocol: legacy}\nneeds: {sampling: required}\n"
        f"environment: {{platform: {platform}, proxy: {{kind: nginx, version: 1.31.9, replicas: {replicas}}}}}\n"
    )
    made = render_kit(advisor.decide(load_bytes(text.encode(), "r.yaml", advisor.space)), text)
    (document,) = [file.content for file in made if file.path == "DECISION.md"]
    assert ("starts a rolling update" in document) == bool(said)
    assert said in document


def test_each_warning_with_an_own_fix_in_kits_exists(knowledge: Knowledge) -> None:
    text = (templates_dir() / "kit" / "documents" / "warning_fixes.j2").read_text()
    named = set(re.findall(r'warning.id == "([^"]+)"', text))
    assert named
    assert named <= {rule.id for _, rule in knowledge.rules.values()}


def test_a_kit_with_its_own_proxy_behind_traefik_says_so(decide: Callable[..., Any]) -> None:
    facts = {"scale.instances": 3, "environment.platform": "systemd", "environment.proxy.kind": "traefik"}
    decision = decide({"sdk": "mcp-2", **facts, "needs.sampling": "required", "scale.affinity": "available"})
    kit = kit_context(decision)
    assert (kit.proxy, kit.outer_proxy) == ("nginx", "traefik"), "Traefik cannot find the owner by the session ID"
    reason = kit.knowledge.proxies["traefik"].not_in_kit
    notes = " ".join(client_notes(kit, 8080))
    said = "Traefik must send all requests to nginx of this kit."
    assert f"This kit contains no configuration of Traefik. {reason} {said}" in notes
    files = {file.path: file.content for file in render_kit(decision, "")}
    assert not [path for path in files if "traefik" in path]
    (left,) = (line for line in files["DECISION.md"].splitlines() if line.startswith("* **Left to you:**"))
    assert "the configuration of Traefik, which this kit does not contain" in left
    assert left.endswith(reason)


@pytest.mark.parametrize(
    ("facts", "mechanism"),
    [
        ({}, "none"),
        ({"clients.keep_cookies": True}, "traefik-sticky-cookie"),
        ({"clients.addresses": "stable"}, "traefik-hrw"),
    ],
)
@pytest.mark.parametrize("platform", ["compose", "systemd"])
def test_a_kit_configures_traefik(
    decide: Callable[..., Any], platform: str, facts: dict[str, Any], mechanism: str
) -> None:
    needs = {"needs.sampling": "required", "scale.affinity": "available"} if facts else {}
    place = {"environment.platform": platform, "environment.proxy.kind": "traefik", "scale.instances": 3}
    decision = decide({"sdk": "mcp-2", **place, **needs, **facts})
    kit = kit_context(decision)
    assert (kit.proxy, kit.outer_proxy, decision.core.mechanism) == ("traefik", "", mechanism)
    files = {file.path: file.content for file in render_kit(decision, "")}
    assert "proxy/traefik.yaml" in files
    assert client_notes(kit, 8080) == []
    assert "which this kit does not contain" not in files["DECISION.md"]
    assert ("sticky:" in files["proxy/traefik.yaml"]) == (mechanism == "traefik-sticky-cookie")
    assert ("strategy: hrw" in files["proxy/traefik.yaml"]) == (mechanism == "traefik-hrw")
    assert "session affinity in your load balancer" not in files["DECISION.md"]
    warned = {warning.id for warning in decision.warnings}
    assert ("cookie-affinity-needs-cookies" in warned) == (mechanism == "traefik-sticky-cookie")


def test_a_kubernetes_kit_behind_traefik_configures_traefik(decide: Callable[..., Any]) -> None:
    facts = {"environment.platform": "kubernetes", "environment.proxy.kind": "traefik", "scale.instances": 3}
    decision = decide({"sdk": "mcp-2", **facts})
    files = {file.path: file.content for file in render_kit(decision, "")}
    assert any("traefik.ingress.kubernetes.io" in text for text in files.values())
    assert client_notes(kit_context(decision), 8080) == []
    assert "which this kit does not contain" not in files["DECISION.md"]


@pytest.mark.parametrize(("elicitation", "kept"), [("unknown", "Progress"), ("required", "Elicitation, Progress")])
def test_the_page_lists_features_of_a_doubt_apart(advisor: Advisor, elicitation: str, kept: str) -> None:
    text = f"service: shop\nneeds: {{progress: required, elicitation: {elicitation}}}\n"
    decision = advisor.decide(load_bytes(text.encode(), "shop.yaml", advisor.space))
    page = {file.path: file.content for file in render_kit(decision, text)}["DECISION.md"]
    assert f"These features that the requirements ask for work: {kept}." in page
    assert ("**Not sure:** Kept, because this needs no other configuration: elicitation" in page) is (
        elicitation == "unknown"
    )


@pytest.mark.parametrize(
    ("name", "changes"), [("pattern-3-sticky-fleet", True), ("exercise-1-research-mcp-1.28", False)]
)
def test_the_page_says_what_other_releases_of_an_open_sdk_line_change(
    advisor: Advisor, name: str, changes: bool
) -> None:
    releases = release_texts(advisor.decide(load_path(ROOT / "examples" / f"{name}.yaml", advisor.space)))
    assert bool(releases) == changes
    row = next(line for line in page(advisor, name).splitlines() if line.startswith("| SDK "))
    assert all(text in row for text in releases)
    assert ("Other releases change this decision" in row) == changes


@pytest.mark.parametrize("proxy", ["nginx", "haproxy", "envoy", "caddy"])
def test_a_range_of_pods_with_sessions_has_an_autoscaler(decide: Any, proxy: str) -> None:
    stated = {
        **{"service": "demo", "sdk": "mcp-1", "needs.elicitation": "required", "clients.protocol": "mixed"},
        **{"environment.platform": "kubernetes", "environment.proxy.kind": proxy, "scale.affinity": "available"},
        "scale.instances": {"min": 2, "max": 10},
    }
    decision = decide(stated)
    files = {file.path: file.content for file in render_kit(decision, "")}
    assert "no autoscaler" not in files["DECISION.md"]
    assert "gives the metric `mcp_sessions_active` to the autoscaler" in files["DECISION.md"]
    assert "kind: HorizontalPodAutoscaler" in files["kubernetes/server.yaml"]
    if proxy == "nginx":  # with ip_hash, the place in the list of pods selects the pod
        kit = kit_context(decision)
        fixed = replace(kit, tiers=(replace(kit.tiers[0], mechanism="nginx-ip-hash"),))
        assert any("lists the 10 pods" in duty for duty in duties(fixed, decision).left)


@pytest.mark.parametrize("platform", ["compose", "kubernetes"])
@pytest.mark.parametrize("sdk", ["mcp-1", "mcp-2", "fastmcp-3", "fastmcp-4"])
def test_the_page_does_not_advise_a_verifier_if_the_kit_has_one(decide: Any, sdk: str, platform: str) -> None:
    stated = {"service": "demo", "sdk": sdk, "environment.auth": "bearer", "environment.platform": platform}
    decision = decide(stated)
    assert "tokens-are-not-checked" in {warning.id for warning in decision.warnings}
    files = {file.path: file.content for file in render_kit(decision, "")}
    assert "server/runtime/auth.py" in files
    assert "you need no other verifier" in files["DECISION.md"]
    assert "Pass your token verifier" not in files["DECISION.md"]


@pytest.mark.parametrize("platform", ["kubernetes", "compose", "systemd"])
@pytest.mark.parametrize("proxy", ["nginx", "haproxy", "envoy", "caddy", "traefik", "alb", "ingress-nginx", "none"])
def test_a_missing_limit_for_client_addresses_is_left_to_the_team(decide: Any, proxy: str, platform: str) -> None:
    """The page names each limit for strangers that the deployed kit does not have."""
    for sessions in (True, False):
        stated: dict[str, Any] = {"service": "demo", "environment.platform": platform, "environment.proxy.kind": proxy}
        stated |= {"scale.instances": 3, "scale.affinity": "available"}
        stated |= {"needs.elicitation": "required", "clients.protocol": "legacy"} if sessions else {}
        decision = decide(stated)
        kit = kit_context(decision)
        left = [duty for duty in duties(kit, decision).left if "limit" in duty and "client address" in duty]
        files = {file.path for file in render_kit(decision, "")}
        runs = "kubernetes/proxy.yaml" in files if platform == "kubernetes" else bool(kit.proxy)
        assert len(left) == (not runs or bool(kit.carried.lacks)), (sessions, left)
        assert all(("deploys no proxy" in duty) != runs for duty in left)


SOLVED = ("tokens-are-not-checked", "shutdown-cuts-running-calls", "failed-instance-needs-404")


@pytest.mark.parametrize("proxy", ["nginx", "haproxy", "envoy", "caddy"])
def test_a_warning_that_the_kit_solves_is_no_open_work(decide: Any, proxy: str) -> None:
    decision = decide(
        {
            **{"service": "demo", "sdk": "mcp-1", "environment.auth": "bearer", "environment.platform": "compose"},
            **{"needs.sampling": "required", "scale.instances": 3, "scale.affinity": "available"},
            **{"environment.proxy.kind": proxy, "operations.can_operate_affinity": True},
        }
    )
    page = {file.path: file.content for file in render_kit(decision, "")}["DECISION.md"]
    titles = {warning.id: warning.title for warning in decision.warnings}
    lines = page.splitlines()
    rows = [line for name in SOLVED for line in lines if line.startswith(f"* **{titles[name]}**")]
    assert rows
    for row in rows:
        assert "** (solved by this kit, [" in row
        assert "To fix this" not in row
    marks = [
        "solved by this kit" in line
        for line in lines
        if (line.startswith("* **") and " severity, [" in line) or line in rows
    ]
    assert marks == sorted(marks), "open work comes first"
