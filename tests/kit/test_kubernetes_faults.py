"""Each check over manifests finds its fault in manifests that are otherwise correct."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes_kits import CASES, build, raw, written
from manifest_build import Build, Manifest, quantity
from manifest_checks import CHECKS, check

from advisor.decision.advisor import Advisor

pytestmark = pytest.mark.programs


def _of(found: Build, kind: str) -> Manifest:
    return found.of(kind)[0]


def _spec(found: Build, kind: str) -> Any:
    return _of(found, kind)["spec"]


def _pod(found: Build) -> Any:
    return found.workloads[0]["spec"]["template"]["spec"]


def _container(found: Build) -> Any:
    return _pod(found)["containers"][0]


def _put(value: Any, path: str, new: Any) -> None:
    """Set the value at a dotted path; numbers are indices of lists."""
    *way, last = (int(key) if key.isdigit() else key for key in path.split("."))
    for key in way:
        value = value[key]
    value[last] = new


def _set(case: str, kind: str, path: str, new: Any) -> tuple[str, Callable[[Build], None]]:
    return case, lambda found: _put(_spec(found, kind), path, new)


def _pods(path: str, new: Any, case: str = "stateless") -> tuple[str, Callable[[Build], None]]:
    return case, lambda found: _put(_pod(found), path, new)


def _main(path: str, new: Any, case: str = "stateless") -> tuple[str, Callable[[Build], None]]:
    return case, lambda found: _put(_container(found), path, new)


def _drop(case: str, kind: str) -> tuple[str, Callable[[Build], None]]:
    return case, lambda found: found.objects.remove(_of(found, kind))


def _twice(found: Build) -> None:
    found.objects.append(copy.deepcopy(_of(found, "NetworkPolicy")))


def _env_twice(found: Build) -> None:
    _container(found)["env"].append({"name": "MCP_PORT", "value": "8000"})


def _without_replicas(found: Build) -> None:
    del _spec(found, "Deployment")["replicas"]


def _key_in_the_clear(found: Build) -> None:
    _container(found)["env"].append({"name": "MCP_LLM_KEY", "value": "sk-1"})


def _single_with_budget(found: Build) -> None:
    labels = _spec(found, "Deployment")["selector"]
    spec = {"maxUnavailable": 1, "selector": labels}
    found.objects.append({"kind": "PodDisruptionBudget", "metadata": {"name": "x"}, "spec": spec})


def _proxy_not_let_in(found: Build) -> None:
    """Keep the egress of the proxy; the server allows only ingress for metrics."""
    _spec(found, "NetworkPolicy")["ingress"][0]["from"].pop(0)


def _no_dns(found: Build) -> None:
    _spec(found, "NetworkPolicy")["egress"].pop(0)


def _named(kind: str, name: str) -> Callable[[Build], None]:
    return lambda found: _of(found, kind)["metadata"].update(name=name)


FAULTS: dict[str, list[tuple[str, Callable[[Build], None]]]] = {
    "enums": [
        _set("client-ip", "Service", "sessionAffinity", "Banana"),
        _main("imagePullPolicy", "Sometimes"),
        _pods("topologySpreadConstraints.0.whenUnsatisfiable", "Whatever"),
        _set("stateless", "Deployment", "strategy.type", "Rolling"),
        _set("stateless-range", "HorizontalPodAutoscaler", "metrics.0.resource.target.type", "Average"),
        _set("stateless", "PodDisruptionBudget", "unhealthyPodEvictionPolicy", "Always"),
        _set("learn", "StatefulSet", "podManagementPolicy", "AtOnce"),
        _set("gateway-api", "HTTPRoute", "rules.0.matches.0.path.type", "Prefix"),
    ],
    "quantities": [
        _main("resources.requests.cpu", "100zz"),
        _main("resources.requests.memory", "2Gi"),
        _main("resources.limits", {"cpu": "1"}),
        _pods("volumes.0.emptyDir.sizeLimit", "64MB"),
        _set("learn-range", "HorizontalPodAutoscaler", "metrics.0.pods.target.averageValue", "many"),
    ],
    "names": [
        ("gateway-api", _named("HTTPRoute", "Upper_case")),
        ("stateless", _named("NetworkPolicy", "a" * 64)),
        ("stateless", lambda found: _of(found, "Service")["metadata"]["labels"].update({"x": "a" * 64})),
        ("stateless", lambda found: _of(found, "Service")["metadata"]["labels"].update({"x": 1})),
        ("own-nginx", _named("Service", "1password")),
        ("learn", _named("StatefulSet", "a" * 53)),
    ],
    "duplicates": [("stateless", _twice), ("stateless", _env_twice)],
    "selectors": [
        _set("stateless", "Deployment", "template.metadata.labels", {}),
        _set("tiers", "Deployment", "selector.matchLabels", {}),
        _pods("topologySpreadConstraints.0.labelSelector.matchLabels", {"app": "other"}),
        _pods("topologySpreadConstraints.1.matchLabelKeys", ["pod-template-hash"], "learn"),
    ],
    "services": [
        _set("stateless", "Service", "selector", {"app": "other"}),
        _set("stateless", "Service", "ports.0.targetPort", "web"),
        _set("client-ip", "Service", "sessionAffinityConfig.clientIP.timeoutSeconds", 100_000),
        _set("client-ip", "Service", "clusterIP", "None"),
        _set("learn", "Service", "clusterIP", "10.0.0.1"),
        _set("learn", "Service", "ports.0.port", 80),
        _set("learn", "StatefulSet", "serviceName", "other"),
        _drop("shared-state", "Service"),
    ],
    "scaling": [
        _set("stateless-range", "Deployment", "replicas", 3),
        _set("stateless-range", "HorizontalPodAutoscaler", "scaleTargetRef.name", "other"),
        _set("learn-range", "HorizontalPodAutoscaler", "scaleTargetRef.kind", "Deployment"),
        _set("stateless-range", "HorizontalPodAutoscaler", "maxReplicas", 1),
        _set("learn-range", "HorizontalPodAutoscaler", "behavior.scaleDown.stabilizationWindowSeconds", 7200),
        _set("learn-range", "HorizontalPodAutoscaler", "behavior.scaleDown.policies.0.periodSeconds", 3600),
        ("stateless", _without_replicas),
    ],
    "budgets": [
        _set("stateless", "PodDisruptionBudget", "minAvailable", 1),
        _set("stateless", "PodDisruptionBudget", "maxUnavailable", 0),
        _set("stateless", "PodDisruptionBudget", "selector.matchLabels", {"app": "other"}),
        _drop("stateless", "PodDisruptionBudget"),
        ("single", _single_with_budget),
    ],
    "policies": [
        _drop("stateless", "NetworkPolicy"),
        _set("stateless", "NetworkPolicy", "podSelector", {}),
        _set("stateless", "NetworkPolicy", "policyTypes", ["Ingress"]),
        _set("stateless", "NetworkPolicy", "ingress.0.ports.0.port", 80),
        _set("stateless", "NetworkPolicy", "ingress.0.from", []),
        _set("learn", "NetworkPolicy", "ingress.0.from.0.podSelector.matchLabels", {"app": "other"}),
        ("stateless", _no_dns),
        ("learn", _proxy_not_let_in),
    ],
    "volumes": [
        _pods("volumes", []),
        _main("volumeMounts", []),
        _main("volumeMounts.0.mountPath", "/data"),
        _drop("learn", "ConfigMap"),
    ],
    "stopping": [
        _pods("terminationGracePeriodSeconds", 20),
        _main("lifecycle.preStop.sleep.seconds", 1),
        _main("lifecycle.preStop", {}),
    ],
    "probes": [
        _main("readinessProbe.httpGet.port", "web"),
        _main("startupProbe.httpGet.path", "/mcp"),
        _main("livenessProbe", {}),
        _main("livenessProbe", {"tcpSocket": {"port": "http"}, "failureThreshold": 3}),
        _main("livenessProbe.httpGet.path", "/ready"),
        _main("readinessProbe.httpGet.path", "/health"),
        ("stateless", lambda found: _container(found).update(livenessProbe=_container(found)["readinessProbe"])),
    ],
    "security": [
        _pods("securityContext.runAsNonRoot", False),
        _pods("securityContext.runAsUser", 0),
        _pods("securityContext.seccompProfile", {}),
        _pods("automountServiceAccountToken", True),
        _pods("enableServiceLinks", True),
        _main("securityContext.allowPrivilegeEscalation", True),
        _main("securityContext.readOnlyRootFilesystem", False),
        _main("securityContext.capabilities.drop", ["NET_RAW"]),
        _main("image", "registry.example.com:5000/demo"),
        _main("image", "demo:latest"),
        ("stateless", _key_in_the_clear),
    ],
    "routes": [
        _set("gateway-api", "HTTPRoute", "parentRefs", []),
        _set("gateway-api", "HTTPRoute", "hostnames", ["10.0.0.1"]),
        _set("gateway-api", "HTTPRoute", "hostnames", ["mcp.example.com:8443"]),
        _set("gateway-api", "HTTPRoute", "rules.0.backendRefs.0.name", "other"),
        _set("gateway-api", "HTTPRoute", "rules.0.backendRefs.0.port", 80),
        _set("gateway-api", "HTTPRoute", "rules.0.timeouts.request", "never"),
        _set("gateway-api", "HTTPRoute", "rules.0.matches.0.path.value", "mcp"),
    ],
    "ingresses": [
        _set("alb", "Ingress", "ingressClassName", None),
        _set("alb", "Ingress", "rules.0.host", "10.0.0.1"),
        _set("ingress-nginx", "Ingress", "tls.0.hosts", ["other.example.com"]),
        _set("alb", "Ingress", "rules.0.http.paths.0.backend.service.name", "other"),
        _set("alb", "Ingress", "rules.0.http.paths.0.backend.service.port.number", 80),
        ("gclb", _named("BackendConfig", "other")),
        ("alb", lambda found: _of(found, "Ingress")["metadata"]["annotations"].update({"x": "{idle_s}"})),
    ],
}
SEEDED = [(name, number) for name, faults in FAULTS.items() for number in range(len(faults))]


@pytest.mark.parametrize(("name", "number"), SEEDED)
def test_each_check_finds_its_fault(advisor: Advisor, tmp_path: Path, name: str, number: int) -> None:
    case, seed = FAULTS[name][number]
    kit = CASES[case](advisor)
    found = build(kit, raw(written(kit, tmp_path)))
    assert check(found) == []
    seed(found)
    assert name in {fault for fault, _ in check(found)}


def test_every_check_has_a_test_case() -> None:
    assert FAULTS.keys() == CHECKS.keys()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250m", 0.25),
        ("1", 1),
        ("64Mi", 64 * 2**20),
        ("1Gi", 2**30),
        ("2k", 2000),
        ("1.5", 1.5),
        ("1MB", None),
        ("", None),
    ],
)
def test_quantities_are_parsed(text: str, number: float | None) -> None:
    assert quantity(text) == number
