"""The readers of platforms find in each kit what the decision says, such as instances, probes and grace periods."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deployments import deployed, values
from kubernetes_kits import CASES, raw, written

from advisor.decision.advisor import Advisor
from advisor.deployment.model import DeploymentFiles
from advisor.kit.model import KitContext
from advisor.kit.parts import compose, kubernetes
from advisor.kit.parts.routes import EXAMPLE_ROUTE
from advisor.knowledge import load

PORT = 8000
NAMES = {
    "alb": "Ingress",
    "gclb": "Ingress",
    "ingress-nginx": "Ingress",
    "nginx-ingress": "Ingress",
    "traefik": "Ingress",
    "aws-nlb": "Service",
}


def read(folder: Path) -> DeploymentFiles:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return deployed({path.relative_to(folder).as_posix(): path.read_text() for path in sorted(paths)})


def objects(folder: Path, kind: str) -> dict[str, Any]:
    return {each["metadata"]["name"]: each for each in raw(folder) if each["kind"] == kind}


@pytest.fixture(params=sorted(CASES))
def kit(request: pytest.FixtureRequest, advisor: Advisor) -> KitContext:
    return replace(CASES[request.param](advisor), platform="kubernetes")


def test_the_workloads_of_a_kit_have_the_values_of_the_decision(kit: KitContext, tmp_path: Path) -> None:
    found = read(written(kit, tmp_path))
    example = kubernetes.first_deployment(kit)
    assert [each.path for each in found.not_examined] == (
        [f"kubernetes/{example.route}"] if example.route and example.route_is_example else []
    )
    workloads = {workload.name: workload for workload in found.workloads}
    fitted = kubernetes.fit(kit)
    budgets, scalers = objects(tmp_path, "PodDisruptionBudget"), objects(tmp_path, "HorizontalPodAutoscaler")
    pods = {**objects(tmp_path, "Deployment"), **objects(tmp_path, "StatefulSet")}
    assert workloads.keys() == pods.keys()
    for tier in fitted.tiers:
        workload = workloads[tier.host]
        observed = values(workload.observed)
        assert (workload.namespace, workload.kind) == (fitted.namespace, pods[tier.host]["kind"])
        assert workload.image == f"registry.example.com/{fitted.service}:0.1.0"
        assert observed["grace_period"] == tier.grace_s
        assert observed["pre_stop"] == tier.preferred_stop_s
        assert observed["memory_limit"] == tier.memory.limit_mi(tier.workers) * 1024**2
        assert observed["cpu_limit"] == tier.workers
        assert (observed["liveness"], observed["liveness_path"]) == ("http", "/health")
        assert (observed["readiness"], observed["readiness_path"]) == ("http", "/ready")
        assert observed["strategy"] == ("recreate" if tier.is_replaced else "rolling")
        assert workload.environment["MCP_STATELESS"].value == str(tier.stateless_http).lower()
        assert PORT in workload.ports
        if tier.host in scalers:
            assert (observed["autoscaled"], observed["instances"]) == (True, tier.instances)
            assert observed["most_instances"] == tier.max_instances
            assert observed["autoscaler_metric"] == (("mcp_sessions_active",) if tier.keeps_sessions else ("cpu",))
        else:
            assert observed["instances"] == pods[tier.host]["spec"]["replicas"]
            assert "autoscaled" not in observed
        assert observed.get("disruption_limit") == ("maxUnavailable 1" if tier.host in budgets else None)
    for name in pods.keys() - {tier.host for tier in fitted.tiers}:
        observed = values(workloads[name].observed)
        assert observed["instances"] == fitted.proxy_replicas
        assert observed["grace_period"] == pods[name]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert observed["liveness_path"] == "/healthz"
        assert workloads[name].image == f"{fitted.carried.image}:{workloads[name].image.rpartition(':')[2]}"


def test_the_services_and_entries_of_a_kit_are_read(kit: KitContext, tmp_path: Path) -> None:
    found = read(written(kit, tmp_path))
    stated = objects(tmp_path, "Service")
    services = {service.name: service for service in found.services}
    assert services.keys() == stated.keys()
    for name, service in services.items():
        spec = stated[name]["spec"]
        assert service.selector == spec["selector"]
        assert all(isinstance(port, int) for port in service.ports.values()), "names of ports are resolved"
        assert service.ports.keys() == {port["port"] for port in spec["ports"]}
        assert ("headless" in service.observed) == (spec.get("clusterIP") == "None")
        affinity = service.observed.get("session_affinity")
        assert (affinity.value if affinity else None) == ("client-ip" if spec.get("sessionAffinity") else None)
    entries = {proxy.name.partition(" ")[0]: proxy for proxy in found.proxies}
    mechanisms = {tier.mechanism for tier in kit.tiers}
    if kit.outer_proxy in NAMES and NAMES[kit.outer_proxy] in entries:
        entry = entries[NAMES[kit.outer_proxy]]
        assert entry.product == kit.outer_proxy
        stickies = [entry.observed.get("sticky"), *(each.observed.get("sticky") for each in entry.upstreams)]
        assert [each.value for each in stickies if each] == (["cookie"] if "platform-cookie" in mechanisms else [])
    for proxy in found.proxies:
        assert proxy.namespace in ("", kubernetes.fit(kit).namespace)
        for upstream in proxy.upstreams:
            assert all(target.host in services and target.port for target in upstream.targets)
        if proxy.name.startswith("HTTPRoute"):
            assert {route.observed["total_timeout"].value for route in proxy.routes} == {0}


def test_the_example_of_a_route_is_read_when_the_user_lists_it(advisor: Advisor, tmp_path: Path) -> None:
    folder = written(replace(CASES["single"](advisor), platform="kubernetes"), tmp_path)
    list_ = folder / "kubernetes/kustomization.yaml"
    assert "HTTPRoute" not in {proxy.name.partition(" ")[0] for proxy in read(folder).proxies}
    list_.write_text(list_.read_text().replace("resources:\n", f"resources:\n  - {EXAMPLE_ROUTE}\n"))
    found = read(folder)
    assert found.not_examined == ()
    assert "HTTPRoute" in {proxy.name.partition(" ")[0] for proxy in found.proxies}


@pytest.mark.parametrize("front", sorted(load().kit_fronts))
@pytest.mark.parametrize("case", ["envelope", "stateless", "platform-cookie"])
def test_the_hop_in_front_of_a_kit_is_read(front: str, case: str, advisor: Advisor, tmp_path: Path) -> None:
    kit = replace(CASES[case](advisor), platform="kubernetes", outer_proxy=front)
    found = read(written(kit, tmp_path))
    stated = (tmp_path / "kubernetes/ingress.yaml").exists() or (tmp_path / "kubernetes/load-balancer.yaml").exists()
    assert {proxy.product for proxy in found.proxies if not proxy.name.startswith("HTTPRoute")} == (
        {front} if stated else set()
    )


def test_the_compose_file_of_a_kit_has_the_values_of_the_decision(kit: KitContext, tmp_path: Path) -> None:
    kit = replace(kit, platform="compose") if kit.proxy else kit
    texts = {file.path: file.content for file in compose.files(kit)}
    found = deployed(texts)
    assert found.not_examined == ()
    workloads = {workload.name: workload for workload in found.workloads}
    servers = compose.server_names(kit)
    assert set(servers) <= workloads.keys()
    tiers = [tier for tier in kit.tiers for _ in range(tier.instances)]
    for name, tier in zip(servers, tiers, strict=True):
        workload = workloads[name]
        observed = values(workload.observed)
        assert (workload.context, workload.names) == ("server", (name,))
        assert observed["grace_period"] == tier.shutdown_s + 5
        assert observed["memory_limit"] == tier.memory.limit_mi(tier.workers) * 1024**2
        assert observed["file_limit"] == kit.sizing.server_files
        assert "/ready" in str(observed["probe_command"])
        assert workload.environment["MCP_STATELESS"].value == str(tier.stateless_http).lower()
        assert ("host_port" in observed) == (not kit.proxy)
    if kit.proxy:
        for name, port in zip(compose.proxy_names(kit), compose.try_ports(kit), strict=True):
            assert workloads[name].observed["host_port"].value == port
            assert workloads[name].command
