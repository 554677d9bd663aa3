"""The kustomize base is valid for five releases of Kubernetes, passes the checks, and fits the server and the proxy."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from host_names import HOSTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubernetes_kits import CASES, LONG, build, built, raw, renamed, written
from manifest_build import ports
from manifest_checks import check
from proxy_kits import EXAMPLES, decided

from advisor.decision.advisor import Advisor
from advisor.kit.context import InfeasibleError
from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts import kubernetes, proxy, server
from advisor.kit.parts.routes import route
from advisor.kit.upstreams import balance, production_addresses, resolves

pytestmark = pytest.mark.programs

MINORS = ("1.33", "1.34", "1.35", "1.36", "1.37")
"""The five newest that the validator knows."""


@pytest.fixture(autouse=True, scope="module")
def _schemas_are_read_once() -> Iterator[None]:
    """Cache the schemas: the validator would read megabytes of schemas again for each manifest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kubernetes_validate.utils, "schema_contents", cache(kubernetes_validate.utils.schema_contents))
        yield


@pytest.mark.parametrize("case", CASES)
def test_every_manifest_is_valid_and_passes_the_checks(advisor: Advisor, tmp_path: Path, case: str) -> None:
    kit = CASES[case](advisor)
    folder = written(kit, tmp_path)
    objects = built(folder)
    for each in (raw(folder), objects):
        assert check(build(kit, each)) == []
    for manifest in objects:
        if manifest["kind"] not in ("HTTPRoute", "BackendConfig"):  # no core kinds, see CHECKS
            for minor in MINORS:
                kubernetes_validate.validate(manifest, minor, strict=True)
    in_namespace = {manifest["metadata"].get("namespace") for manifest in objects if manifest["kind"] != "Namespace"}
    assert in_namespace == {kubernetes.fit(kit).namespace}
    assert {manifest["metadata"]["name"] for manifest in objects if manifest["kind"] == "Namespace"} == in_namespace


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_the_manifests_of_every_example_are_valid(advisor: Advisor, tmp_path: Path, example: str) -> None:
    try:
        kit = decided(advisor, example)
    except InfeasibleError:
        return
    if kit.platform != "kubernetes":
        assert kubernetes.files(kit) == []
    kit = replace(kit, platform="kubernetes")
    assert kubernetes.files(kit) == kubernetes.files(kit)
    assert kubernetes.files(kit) == kubernetes.files(replace(kit, decision_id="another", version="99.0"))
    assert check(build(kit, built(written(kit, tmp_path)))) == []


@pytest.mark.parametrize("name", ["default", "kube-node-lease", "kube-public", "kube-system"])
def test_only_the_namespace_of_the_service_is_created(advisor: Advisor, tmp_path: Path, name: str) -> None:
    kit = next(iter(CASES.values()))(advisor)
    tiers = tuple(replace(tier, host=name + tier.host.removeprefix(kit.service)) for tier in kit.tiers)
    kit = replace(kit, platform="kubernetes", service=name, tiers=tiers)
    everything = build(kit, built(written(kit, tmp_path)))
    assert check(everything) == []
    assert [namespace["metadata"]["name"] for namespace in everything.of("Namespace")] == [f"mcp-{name}"]


@pytest.mark.parametrize("case", CASES)
def test_the_proxy_configuration_names_deployed_pods_and_services(advisor: Advisor, tmp_path: Path, case: str) -> None:
    """Every address in the configuration is a pod or a Service, and every file that it names is mounted."""
    kit = replace(CASES[case](advisor), platform="kubernetes")
    fitted = kubernetes.fit(kit)
    all_of = build(kit, built(written(kit, tmp_path)))
    configs = all_of.of("ConfigMap")
    assert bool(configs) == bool(kit.proxy and (kit.tiered or balance(kit, kit.tiers[0]) != "plain"))
    if not configs:
        return
    (config,) = configs
    proxy_addresses = production_addresses(fitted)
    addresses = [(tier.host, address) for tier in fitted.tiers for address in proxy_addresses.servers[tier.name]]
    for owner, address in addresses:
        host, _, port = address.rpartition(":")
        assert any(host in text for text in config["data"].values()), host
        names = host.removesuffix(f".{fitted.namespace}.svc.cluster.local").split(".")
        service = all_of.find("Service", names[-1])
        assert service is not None, host
        assert int(port) in {port["port"] for port in service["spec"]["ports"]}
        if len(names) == 2:
            workload = all_of.find("StatefulSet", owner)
            assert workload is not None
            assert workload["spec"]["serviceName"] == names[-1]
            scaler = all_of.scaler(workload)
            most = scaler["spec"]["maxReplicas"] if scaler else workload["spec"]["replicas"]
            assert names[0] in {f"{owner}-{number}" for number in range(most)}
    workload = all_of.find("Deployment", f"{fitted.service}-proxy")
    assert workload is not None
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    (folder,) = (mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "config")
    wanted = {word for word in container["command"] if word.startswith(folder)}
    assert wanted <= {f"{folder}/{name}" for name in config["data"]}
    assert set(config["data"]) == {file.path.rpartition("/")[2] for file in proxy.files(kit)}


@pytest.mark.parametrize("case", CASES)
def test_the_server_accepts_its_environment(
    advisor: Advisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """The settings of the same kit accepts the environment variables of the manifest."""
    kit = replace(CASES[case](advisor), platform="kubernetes")
    workloads = build(kit, built(written(kit, tmp_path))).workloads
    read = _settings(kit, tmp_path / "kit", monkeypatch).read
    for tier in kubernetes.fit(kit).tiers:
        (found_workload,) = (workload for workload in workloads if workload["metadata"]["name"] == tier.host)
        (container,) = found_workload["spec"]["template"]["spec"]["containers"]
        values = {entry["name"]: entry.get("value", "x" * 64) for entry in container["env"]}
        # The user writes the values for tokens. Without them, the server does not start.
        needed = {setting.name for setting in kit.token_settings}
        assert {problem.split()[0] for problem in read(values).problems} == {n for n in needed if not values[n]}
        found = read(values | dict.fromkeys(needed, f"https://issuer.example.com/{'x' * 32}"))
        assert found.problems == ()
        assert (found.tier, found.stateless_http, found.json_response) == (
            tier.name,
            tier.stateless_http,
            tier.json_response,
        )
        assert (found.instances, found.workers, found.transport) == (
            tier.max_instances,
            tier.workers,
            "streamable-http",
        )
        assert found.port in ports(found_workload).values()
        assert {*kit.hosts, tier.host} <= set(found.allowed_hosts)


def _settings(kit: KitContext, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module runtime.settings of a kit."""
    for file in server.files(kit):
        if file.path.startswith("server/runtime/"):
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.content)
    monkeypatch.syspath_prepend(folder / "server")
    for name in [name for name in sys.modules if name.partition(".")[0] == "runtime"]:
        monkeypatch.delitem(sys.modules, name)  # the package of another kit
    return importlib.import_module("runtime.settings")


def test_each_pattern_deploys_the_expected_workloads(advisor: Advisor, tmp_path: Path) -> None:
    """Each case lists the workload, the metric of its autoscaler, its affinity, the proxy and the route."""
    expected = {
        "stateless": ("Deployment", "", "None", False, False),
        "stateless-range": ("Deployment", "cpu", "None", False, False),
        "own-nginx": ("Deployment", "", "None", False, False),
        "gateway-api": ("Deployment", "", "None", False, True),
        "gateway-api-tiers": ("Deployment", "", "None", True, True),
        "learn": ("StatefulSet", "", "None", True, False),
        "learn-range": ("StatefulSet", "mcp_sessions_active", "None", True, False),
        "envelope-range": ("StatefulSet", "mcp_sessions_active", "None", True, False),
        "ip-hash-range": ("StatefulSet", "", "None", True, False),  # the number of instances selects the instance
        "haproxy-envelope": ("StatefulSet", "mcp_sessions_active", "None", True, False),
        "caddy": ("StatefulSet", "mcp_sessions_active", "None", True, False),
        "envoy-range": ("StatefulSet", "mcp_sessions_active", "None", True, False),
        "client-ip": ("Deployment", "", "ClientIP", False, False),
        "client-ip-range": ("Deployment", "mcp_sessions_active", "ClientIP", False, False),
        "platform-cookie": ("Deployment", "", "None", False, False),
        "single": ("Deployment", "", "None", False, False),
        "shared-state": ("StatefulSet", "", "None", False, False),
        "shared-state-range": ("StatefulSet", "mcp_sessions_active", "None", False, False),
    }
    for case, wanted in expected.items():
        kit = CASES[case](advisor)
        all_of = build(kit, raw(written(kit, tmp_path / case)))
        workload = next(workload for workload in all_of.workloads if workload["metadata"]["name"] == kit.tiers[0].host)
        scaler = all_of.scaler(workload)
        (metric,) = scaler["spec"]["metrics"] if scaler else ({},)
        signal = metric.get("resource", {}).get("name") or metric.get("pods", {}).get("metric", {}).get("name", "")
        affinity = {service["spec"].get("sessionAffinity", "None") for service in all_of.of("Service")}
        proxied = bool(all_of.of("ConfigMap"))
        assert (workload["kind"], signal, *affinity, proxied, bool(all_of.of("HTTPRoute"))) == wanted, case


def test_sticky_fleets_scale_by_the_planned_sessions_and_lose_few_of_them(advisor: Advisor, tmp_path: Path) -> None:
    for case in ("learn-range", "envelope-range", "envoy-range", "shared-state-range", "client-ip-range"):
        kit = CASES[case](advisor)
        (tier,) = kit.tiers
        for sessions, limit, target in ((40, 1000, 40), (1000, 1000, 800), (0, 500, 400)):
            memory = replace(tier.memory, sessions=sessions)
            aim = memory.scaling_sessions(limit, advisor.knowledge.figure("autoscaler.sessions_percent"))
            planned = replace(tier, memory=memory, max_sessions=limit, scaling_sessions=aim)
            folder = tmp_path / f"{case}-{sessions}"
            manifests = build(kit, raw(written(replace(kit, tiers=(planned,)), folder)))
            (scaler,) = manifests.of("HorizontalPodAutoscaler")
            (metric,) = scaler["spec"]["metrics"]
            assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": str(target)}, case
            assert int(metric["pods"]["target"]["averageValue"]) * 1.1 < limit, "it never scales below its tolerance"
            idle = kit.session_idle_s
            assert scaler["spec"]["behavior"]["scaleDown"] == {
                "stabilizationWindowSeconds": idle,
                "policies": [{"type": "Pods", "value": 1, "periodSeconds": idle}],
            }
        found = {file.path: file.content for file in server.files(kit)}
        assert f"SESSION_IDLE_S = {idle}.0" in found["server/runtime/observability.py"]


def test_a_proxy_has_the_address_of_every_pod_and_no_name_of_a_missing_pod(advisor: Advisor, tmp_path: Path) -> None:
    """A Service with one address would leave the proxy no other pod to try. A missing name would fill the error log."""
    for case, make in CASES.items():
        kit = kubernetes.fit(replace(make(advisor), platform="kubernetes"))
        all_of = build(kit, raw(written(make(advisor), tmp_path / case)))
        if not all_of.of("ConfigMap"):
            continue
        proxy_addresses = production_addresses(kit)
        for tier in kit.tiers:
            if tier.max_instances == 1 or (kit.proxy == "nginx" and not resolves(kit)):
                continue
            workload = next(work for work in all_of.workloads if work["metadata"]["name"] == tier.host)
            domain = f".{kit.namespace}.svc.cluster.local"
            hosts = [address.rpartition(":")[0].removesuffix(domain) for address in proxy_addresses.servers[tier.name]]
            named = [host.partition(".")[0] for host in hosts if "." in host]
            services = {host for host in hosts if "." not in host}
            assert bool(named) != bool(services), case
            for name in services:
                service = all_of.find("Service", name)
                assert service is not None, (case, name)
                assert service["spec"]["clusterIP"] == "None", (case, name)
                assert workload in all_of.selected(service["spec"]["selector"]), (case, name)
            if kit.proxy == "nginx":
                running = workload["spec"].get("replicas", 0)
                assert set(named) <= {f"{tier.host}-{n}" for n in range(running)}, (case, "missing pods")
            elif kit.proxy == "haproxy":
                assert len(hosts) == tier.max_instances, (case, "one server for each pod")


def test_a_fixed_fleet_behind_nginx_runs_every_instance_of_its_configuration(advisor: Advisor, tmp_path: Path) -> None:
    kit = CASES["ip-hash-range"](advisor)
    (tier,) = kit.tiers
    assert balance(kit, tier) == "ip-hash"
    workload = build(kit, raw(written(kit, tmp_path))).find("StatefulSet", tier.host)
    assert workload is not None
    assert workload["spec"]["replicas"] == tier.max_instances == 6


def test_a_single_instance_with_sessions_never_runs_twice(advisor: Advisor, tmp_path: Path) -> None:
    kit = CASES["single"](advisor)
    (workload,) = build(kit, raw(written(kit, tmp_path))).workloads
    assert workload["spec"]["strategy"] == {"type": "Recreate"}
    assert workload["spec"]["replicas"] == 1


def test_egress_is_limited_to_what_the_kit_needs(advisor: Advisor, tmp_path: Path) -> None:
    wanted = {
        "stateless": {53, 5353},
        "direct-llm": {53, 443, 5353},
        "shared-state": {53, 5353, 6379, 8000},
        "everything-secret": {53, 443, 5353, 6379},
    }
    for case, expected in wanted.items():
        kit = CASES[case](advisor)
        policy = build(kit, raw(written(kit, tmp_path / case))).find("NetworkPolicy", kit.tiers[0].host)
        assert policy is not None
        rules = policy["spec"]["egress"]
        traces = [rule for rule in rules if {port["port"] for port in rule["ports"]} == {4318}]
        # The collector of traces is in a namespace with a label, so nothing else can get them.
        assert len(traces) == kit.exports_spans, case
        assert all(rule["to"] == [{"namespaceSelector": {"matchLabels": {"mcp-traces": "allowed"}}}] for rule in traces)
        assert {port["port"] for rule in rules if rule not in traces for port in rule["ports"]} == expected, case


def test_instances_that_share_sessions_reach_each_other(advisor: Advisor, tmp_path: Path) -> None:
    """They use the address of the pod, the policy allows the connection, and a secret holds the address of Redis."""
    for case in ("shared-state", "shared-state-range", "long-shared-state"):
        kit = CASES[case](advisor)
        all_of = build(kit, raw(written(kit, tmp_path / case)))
        (workload,) = all_of.workloads
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        names = [entry["name"] for entry in container["env"]]
        env = {entry["name"]: entry for entry in container["env"]}
        (port,) = (port["containerPort"] for port in container["ports"] if port["name"] == "http")
        assert env["POD_IP"]["valueFrom"] == {"fieldRef": {"fieldPath": "status.podIP"}}
        assert env["MCP_INSTANCE_URL"]["value"] == f"http://$(POD_IP):{port}"
        assert names.index("POD_IP") < names.index("MCP_INSTANCE_URL"), "only what stands before it is filled in"
        assert env["MCP_REDIS_URL"]["valueFrom"]["secretKeyRef"]["key"] == "redis-url"
        assert env["MCP_FLEET_KEYS"]["valueFrom"]["secretKeyRef"]["key"] == "fleet-keys"
        policy = all_of.find("NetworkPolicy", workload["metadata"]["name"])
        assert policy is not None
        own = {"podSelector": {"matchLabels": workload["spec"]["template"]["metadata"]["labels"]}}
        allowed = [{"protocol": "TCP", "port": port}]
        assert any(own in rule["from"] and rule["ports"] == allowed for rule in policy["spec"]["ingress"])
        assert {"to": [own], "ports": allowed} in policy["spec"]["egress"]
        assert {"ports": [{"protocol": "TCP", "port": 6379}]} in policy["spec"]["egress"]
    plain = build(CASES["learn"](advisor), raw(written(CASES["learn"](advisor), tmp_path / "learn")))
    assert not any("MCP_INSTANCE_URL" in str(workload) for workload in plain.workloads)


def test_the_route_exposes_only_public_paths(advisor: Advisor, tmp_path: Path) -> None:
    shown = {}
    for case in ("gateway-api", "gateway-api-oauth", "gateway-api-tiers"):
        kit = CASES[case](advisor)
        (route,) = build(kit, raw(written(kit, tmp_path / case))).of("HTTPRoute")
        (rule,) = route["spec"]["rules"]
        shown[case] = (
            route["spec"].get("hostnames"),
            rule["backendRefs"][0]["port"],
            [m["path"]["value"] for m in rule["matches"]],
        )
        assert "sessionPersistence" not in rule
    assert shown["gateway-api"] == (["mcp.example.com"], 8000, ["/mcp", "/mcp/"])
    assert shown["gateway-api-oauth"][2][:4] == ["/mcp", "/mcp/", "/.well-known", "/authorize"]
    assert shown["gateway-api-tiers"][1:] == (8080, ["/"])


@settings(deadline=None)
@given(hosts=HOSTS)
def test_the_route_has_the_host_names_and_no_address(advisor: Advisor, hosts: list[str]) -> None:
    found = route(replace(CASES["gateway-api"](advisor), hosts=tuple(hosts)), "a", 80, proxied=False).hostnames
    assert set(found) <= {host.partition(":")[0] for host in hosts}
    assert {host.partition(":")[0] for host in hosts if host[0] != "[" and not host[0].isdigit()} <= set(found)


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    service=LABEL,
    hosts=HOSTS,
    make=st.sampled_from(["gateway-api", "gateway-api-tiers", "haproxy-envelope", "shared-state-range"]),
)
def test_any_service_name_appears_unchanged_in_the_manifests(
    advisor: Advisor, tmp_path_factory: pytest.TempPathFactory, service: str, hosts: list[str], make: str
) -> None:
    kit = replace(renamed(CASES[make](advisor), service), hosts=tuple(hosts))
    objects = raw(written(kit, tmp_path_factory.mktemp("names")))
    assert check(build(kit, objects)) == []
    fitted = kubernetes.fit(kit)
    assert fitted.service == service or len(service) > kubernetes.LONGEST or service[0].isdigit()
    for workload in build(kit, objects).workloads:
        assert workload["metadata"]["name"].startswith(fitted.service)
        for entry in workload["spec"]["template"]["spec"]["containers"][0].get("env", []):
            if entry["name"] == "MCP_ALLOWED_HOSTS":
                assert entry["value"].split(",")[: len(hosts)] == hosts


def test_two_long_names_stay_different_after_shortening(advisor: Advisor) -> None:
    kit = CASES["stateless"](advisor)
    fitted = {kubernetes.fit(renamed(kit, LONG[:-1] + end)).service for end in "xyz"}
    assert len(fitted) == 3
    assert all(len(name) <= kubernetes.LONGEST for name in fitted)


def test_no_manifests_for_other_platforms(advisor: Advisor) -> None:
    for platform in ("compose", "systemd", "serverless", "local"):
        assert kubernetes.files(replace(CASES["learn"](advisor), platform=platform)) == []


def test_every_file_path_stays_inside_the_kit(advisor: Advisor) -> None:
    made: list[KitFile] = [
        file for case in CASES.values() for file in kubernetes.files(replace(case(advisor), platform="kubernetes"))
    ]
    assert all(file.path.startswith("kubernetes/") or file.path == "proxy/kustomization.yaml" for file in made)
    assert all(file.content.endswith("\n") and not file.executable for file in made)


def test_the_printed_command_creates_each_secret_that_the_pods_read(advisor: Advisor) -> None:
    oauth = replace(CASES["everything-secret"](advisor), auth="oauth-proxy", package="fastmcp")
    for kit in (*(make(advisor) for make in CASES.values()), oauth):
        files = {file.path: file.content for file in kubernetes.files(replace(kit, platform="kubernetes"))}
        read = set(re.findall(r"secretKeyRef: \{name: [^,]+, key: ([\w-]+)\}", "".join(files.values())))
        created = set(re.findall(r"--from-literal=([\w-]+)=", files["kubernetes/kustomization.yaml"]))
        assert created == read
    assert {"auth-client-secret", "auth-signing-key"} <= read
