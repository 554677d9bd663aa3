"""A Kubernetes kit configures the load balancer or ingress controller that the requirements name in front of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from kubernetes_kits import CASES, build, raw, written
from manifest_checks import check

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.parts import kubernetes
from advisor.kit.parts.documents import readme
from advisor.kit.render import render_kit
from advisor.knowledge import load

ROOT = Path(__file__).parents[2]
FRONTS = sorted(load().kit_fronts)


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("case", ["envelope", "stateless", "tiers"])
def test_the_manifests_contain_the_hop_in_front_and_the_readme_its_steps(
    advisor: Advisor, tmp_path: Path, case: str, front: str
) -> None:
    forwards = advisor.knowledge.proxies[front].layer != "tcp"
    kit = replace(CASES[case](advisor), platform="kubernetes", outer_proxy=front, front_hops=int(forwards))
    entry = advisor.knowledge.kit_fronts[front]
    folder = written(kit, tmp_path)
    assert check(build(kit, raw(folder))) == []
    (file,) = {"ingress.yaml", "load-balancer.yaml"} & {path.name for path in (folder / "kubernetes").iterdir()}
    assert file in yaml.safe_load((folder / "kubernetes/kustomization.yaml").read_text())["resources"]
    assert not list(folder.glob("kubernetes/httproute*"))
    text = readme(kit)
    assert f"kubernetes/{file}" in text
    assert text.count("\n- ") >= len([step for step in entry.steps if forwards or "{trusting}" not in step])
    assert "YOUR_GATEWAY_NAMESPACE" not in text
    policy = (folder / "kubernetes/network-policy.yaml").read_text()
    assert ("mcp-ingress" in policy) == (not entry.networks) == (f"{entry.namespace} mcp-ingress" in text)
    assert all(f'ipBlock: {{cidr: "{network.cidr}"}}' in policy for network in entry.networks)
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("front", FRONTS)
def test_an_ingress_leads_only_to_public_paths_of_the_servers(advisor: Advisor, tmp_path: Path, front: str) -> None:
    kit = replace(CASES["stateless"](advisor), platform="kubernetes", outer_proxy=front)
    for ingress in build(kit, raw(written(kit, tmp_path))).of("Ingress"):
        paths = [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
        assert {(path["path"], path["pathType"]) for path in paths} == {("/mcp", "Exact"), ("/mcp/", "Exact")}


def test_an_alb_closes_idle_connections_before_the_kit_does(decide: Callable[..., Decision]) -> None:
    """Otherwise, the ALB sends a request on a connection that the proxy or the server closes, and answers 502."""
    for inner in ([{"kind": "nginx"}], []):
        for stated in (None, 30, 900):
            for call_s in (5, 300):
                hop = {"kind": "alb", **({"idle_timeout_s": stated} if stated else {})}
                facts = {"environment.platform": "kubernetes", "workload.longest_call_s": call_s, "scale.instances": 3}
                decision = decide({**facts, "environment.hops": [hop, *inner], "clients.protocol": "modern"})
                kit = kit_context(decision)
                files = {file.path: file.content for file in render_kit(decision, "")}
                found = re.search(r"idle_timeout.timeout_seconds=(\d+)", files["kubernetes/ingress.yaml"])
                assert found
                assert int(found[1]) == stated or (not stated and int(found[1]) >= max(60, call_s))
                assert kit.front_keep_alive_s > int(found[1])
                if not inner:
                    assert kit.keep_alive_s == kit.front_keep_alive_s


def test_a_cookie_of_the_hop_keeps_sessions_only_where_the_hop_offers_one(advisor: Advisor, tmp_path: Path) -> None:
    words = {
        "alb": "stickiness.enabled=true",
        "gclb": "GENERATED_COOKIE",
        "ingress-nginx": "affinity: ",
        "nginx-ingress": "sticky-cookie-services",
        "traefik": "service.sticky.cookie",
    }
    for front in FRONTS:
        kit = replace(CASES["platform-cookie"](advisor), platform="kubernetes", outer_proxy=front)
        file = tmp_path / front / "kubernetes/ingress.yaml"
        written(kit, tmp_path / front)
        assert file.exists() == (front in words)
        if file.exists():
            assert words[front] in file.read_text()
        other = replace(CASES["stateless"](advisor), platform="kubernetes", outer_proxy=front)
        plain = "".join(file.content for file in kubernetes.files(other))
        assert front not in words or words[front] not in plain


def test_every_controller_in_the_cluster_has_a_route(advisor: Advisor) -> None:
    """The example of an HTTPRoute is also for Istio. MCP gateways have objects of their own."""
    proxies = advisor.knowledge.proxies.values()
    controllers = {kind.id for kind in proxies if kind.operated == "cluster" and not kind.mcp_sessions}
    routed = {kind.id for kind in proxies if kind.http_route}
    assert controllers - routed - {"istio", "istio-ambient"} <= set(FRONTS)


def test_the_guides_exist() -> None:
    for front in load().kit_fronts.values():
        if front.guide:
            assert (ROOT / front.guide.partition("/blob/main/")[2]).is_file(), front.id
