"""Checks over all manifests of one build, for faults that no schema finds.

Kubernetes refuses manifests with such a fault, or accepts them and they do not work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from manifest_build import Build, Manifest, containers, has_port, pod_labels, quantity, ref

Fault = tuple[str, str]  # name of the check, description of the fault

ENUMS = {
    "sessionAffinity": {"None", "ClientIP"},
    "imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "whenUnsatisfiable": {"DoNotSchedule", "ScheduleAnyway"},
    "protocol": {"TCP", "UDP", "SCTP"},
    "podManagementPolicy": {"Parallel", "OrderedReady"},
    "unhealthyPodEvictionPolicy": {"AlwaysAllow", "IfHealthyBudget"},
    "Service.type": {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"},
    "strategy.type": {"RollingUpdate", "Recreate"},
    "updateStrategy.type": {"RollingUpdate", "OnDelete"},
    "metrics.type": {"Resource", "Pods", "Object", "External", "ContainerResource"},
    "target.type": {"Utilization", "Value", "AverageValue"},
    "policies.type": {"Pods", "Percent"},
    "seccompProfile.type": {"RuntimeDefault"},
    "path.type": {"Exact", "PathPrefix"},
}
_LABEL_1123 = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL_1035 = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_HOSTNAME = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ADDRESS = re.compile(r"((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.|$)){4}")
_DURATION = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")
_STATEFULSET_NAME = 52  # a label of its pods (63 characters at most) holds the name, a hyphen and a hash of ten


def check(build: Build) -> list[Fault]:
    """All faults of a build, by check."""
    return [(name, text) for name, find in CHECKS.items() for text in find(build)]


def _title(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def _walk(value: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _walk(below, *path, str(key))
    elif isinstance(value, list):
        for below in value:
            yield from _walk(below, *path)


def _enums(build: Build) -> Iterator[str]:
    for manifest in build.objects:
        for path, value in _walk(manifest.get("spec", {}), manifest["kind"]):
            allowed = ENUMS.get(path[-1]) or ENUMS.get(".".join(path[-2:]))
            if allowed and isinstance(value, str) and value not in allowed:
                yield f"{_title(manifest)}: {'.'.join(path)} is {value}"


def _quantities(build: Build) -> Iterator[str]:
    for manifest in build.objects:
        for path, value in _walk(manifest.get("spec", {})):
            amount = (
                "requests" in path[-2:-1] or "limits" in path[-2:-1] or path[-1:] in (("sizeLimit",), ("averageValue",))
            )
            if amount and quantity(value) is None:
                yield f"{_title(manifest)}: {'.'.join(path)} is {value}"
    for workload in build.workloads:
        for container in containers(workload):
            requests, limits = (container.get("resources", {}).get(key, {}) for key in ("requests", "limits"))
            for name in ("cpu", "memory", "ephemeral-storage"):
                low, high = quantity(requests.get(name)), quantity(limits.get(name))
                if low is not None and high is not None and low > high:
                    yield f"{_title(workload)}: requests more {name} than its limit"
                if name not in requests or name not in limits:
                    yield f"{_title(workload)}: no request or limit of {name}"


def _names(build: Build) -> Iterator[str]:
    for manifest in build.objects:
        name = manifest["metadata"]["name"]
        rule = _LABEL_1035 if manifest["kind"] == "Service" else _LABEL_1123
        if not rule.fullmatch(name) or (manifest["kind"] == "StatefulSet" and len(name) > _STATEFULSET_NAME):
            yield f"{_title(manifest)}: a name that Kubernetes refuses"
        for path, value in _walk(manifest):
            if path[-2:-1] in (("labels",), ("matchLabels",)) and not (
                isinstance(value, str) and _LABEL_VALUE.fullmatch(value)
            ):
                yield f"{_title(manifest)}: label {value!r}"


def _duplicates(build: Build) -> Iterator[str]:
    seen = set()
    for manifest in build.objects:
        identity = (manifest["kind"], manifest["metadata"].get("namespace"), manifest["metadata"]["name"])
        if identity in seen:
            yield f"{_title(manifest)}: twice"
        seen.add(identity)
    for workload in build.workloads:
        for container in containers(workload):
            for key in ("env", "ports", "volumeMounts"):
                names = [entry.get("mountPath", entry["name"]) for entry in container.get(key, [])]
                if len(names) != len(set(names)):
                    yield f"{_title(workload)}: something twice in {key}"


def _selectors(build: Build) -> Iterator[str]:
    for workload in build.workloads:
        wanted = workload["spec"]["selector"]["matchLabels"]
        if not wanted or not wanted.items() <= pod_labels(workload).items():
            yield f"{_title(workload)}: selects other pods than it makes"
        if len(build.selected(wanted)) > 1:
            yield f"{_title(workload)}: selects the pods of another workload too"
        for spread in workload["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
            if not spread["labelSelector"]["matchLabels"].items() <= pod_labels(workload).items():
                yield f"{_title(workload)}: spreads other pods than its own"
            own = "pod-template-hash" if workload["kind"] == "Deployment" else "controller-revision-hash"
            if set(spread.get("matchLabelKeys", [own])) != {own}:
                yield f"{_title(workload)}: matchLabelKeys that its pods do not carry"


def _services(build: Build) -> Iterator[str]:
    for target in build.of("Service"):
        spec = target["spec"]
        hit = build.selected(spec["selector"])
        if len(hit) != 1:
            yield f"{_title(target)}: selects the pods of {len(hit)} workloads"
        for port in spec["ports"]:
            if not all(has_port(workload, port.get("targetPort", port["port"])) for workload in hit):
                yield f"{_title(target)}: no pod has the port {port.get('targetPort')}"
            if spec.get("clusterIP") == "None" and not all(has_port(workload, port["port"]) for workload in hit):
                yield f"{_title(target)}: headless, so its port is not translated to the one of the pods"
        if spec.get("sessionAffinity") == "ClientIP":
            seconds = spec.get("sessionAffinityConfig", {}).get("clientIP", {}).get("timeoutSeconds", 10800)
            if spec.get("clusterIP") == "None" or not 0 < seconds <= 86400:
                yield f"{_title(target)}: affinity without effect"
    for stateful_set in build.of("StatefulSet"):
        service = build.find("Service", stateful_set["spec"]["serviceName"])
        if (
            not service
            or service["spec"].get("clusterIP") != "None"
            or stateful_set not in build.selected(service["spec"]["selector"])
        ):
            yield f"{_title(stateful_set)}: no headless Service that names its pods"


def _scaling(build: Build) -> Iterator[str]:
    for autoscaler in build.of("HorizontalPodAutoscaler"):
        spec = autoscaler["spec"]
        target = build.find(*ref(spec["scaleTargetRef"]))
        if not target:
            yield f"{_title(autoscaler)}: nothing to scale"
        elif "replicas" in target["spec"]:
            yield f"{_title(target)}: replicas beside an autoscaler"
        if not 1 <= spec["minReplicas"] < spec["maxReplicas"]:
            yield f"{_title(autoscaler)}: from {spec['minReplicas']} to {spec['maxReplicas']}"
        down = spec["behavior"]["scaleDown"]
        if not 0 <= down["stabilizationWindowSeconds"] <= 3600:
            yield f"{_title(autoscaler)}: stabilization out of range"
        if any(not 0 < policy["periodSeconds"] <= 1800 for policy in down.get("policies", [])):
            yield f"{_title(autoscaler)}: a period out of range"
    for workload in build.workloads:
        if "replicas" not in workload["spec"] and not build.scaler(workload):
            yield f"{_title(workload)}: no replicas and no autoscaler set the number"


def _budgets(build: Build) -> Iterator[str]:
    protected = []
    for budget in build.of("PodDisruptionBudget"):
        spec = budget["spec"]
        if ("minAvailable" in spec) == ("maxUnavailable" in spec):
            yield f"{_title(budget)}: exactly one of minAvailable and maxUnavailable"
        if spec.get("maxUnavailable") == 0:
            yield f"{_title(budget)}: no node with such a pod could ever be drained"
        hit = build.selected(spec["selector"]["matchLabels"])
        protected += hit
        if len(hit) != 1:
            yield f"{_title(budget)}: selects the pods of {len(hit)} workloads"
    for workload in build.workloads:
        many = workload["spec"].get("replicas", 2) > 1
        if protected.count(workload) != int(many):
            yield f"{_title(workload)}: {protected.count(workload)} budgets"


_DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def _policies(build: Build) -> Iterator[str]:
    closed = [policy for policy in build.of("NetworkPolicy") if policy["spec"] == _DENY]
    if len(closed) != 1:
        yield "other pods of the namespace have no policy"
    policies = [policy for policy in build.of("NetworkPolicy") if policy not in closed]
    for policy in policies:
        spec = policy["spec"]
        hit = build.selected(spec["podSelector"].get("matchLabels", {}))
        if not hit or not spec["podSelector"] or set(spec["policyTypes"]) != {"Ingress", "Egress"}:
            yield f"{_title(policy)}: applies to no pod, to all, or in one direction"
        for rule in spec["ingress"]:
            if not rule.get("from"):
                yield f"{_title(policy)}: lets every pod in"
            if not all(has_port(workload, port["port"]) for port in rule["ports"] for workload in hit):
                yield f"{_title(policy)}: opens a port that its pods do not have"
        peers = [
            peer
            for way in ("ingress", "egress")
            for rule in spec[way]
            for key in ("from", "to")
            for peer in rule.get(key, [])
        ]
        for peer in peers:
            if (
                "namespaceSelector" not in peer
                and "podSelector" in peer
                and not build.selected(peer["podSelector"]["matchLabels"])
            ):
                yield f"{_title(policy)}: a peer that does not exist"
        if not any({("UDP", 53), ("TCP", 53)} <= _protocol_ports(rule) for rule in spec["egress"]):
            yield f"{_title(policy)}: no DNS"
        if not any({("UDP", 5353), ("TCP", 5353)} <= _protocol_ports(rule) for rule in spec["egress"]):
            yield f"{_title(policy)}: no DNS of OpenShift"
        yield from (f"{_title(policy)}: {text}" for text in _one_way(build, policy))
    for target in build.workloads:
        if not any(
            target in build.selected(policy["spec"]["podSelector"].get("matchLabels", {})) for policy in policies
        ):
            yield f"{_title(target)}: no policy"


def _one_way(build: Build, policy: Manifest) -> Iterator[str]:
    """Egress to pods of this build whose own policy refuses the connection."""
    own = build.selected(policy["spec"]["podSelector"].get("matchLabels", {}))
    for rule in policy["spec"]["egress"]:
        for peer in rule.get("to", []):
            for target in build.selected(peer["podSelector"]["matchLabels"]) if "podSelector" in peer else []:
                let_in = {
                    pair
                    for other in build.of("NetworkPolicy")
                    if target in build.selected(other["spec"]["podSelector"].get("matchLabels", {}))
                    for entry in other["spec"].get("ingress", [])
                    for source in entry.get("from", [])
                    if "podSelector" in source and own[0] in build.selected(source["podSelector"]["matchLabels"])
                    for pair in _protocol_ports(entry)
                }
                if not _protocol_ports(rule) <= let_in:
                    yield f"may talk to {_title(target)}, which does not let it in"


def _protocol_ports(rule: Manifest) -> set[tuple[str, int]]:
    return {(port.get("protocol", "TCP"), port["port"]) for port in rule.get("ports", [])}


def _volumes(build: Build) -> Iterator[str]:
    for workload in build.workloads:
        pod = workload["spec"]["template"]["spec"]
        declared = {volume["name"] for volume in pod.get("volumes", [])}
        mounts = [mount for container in containers(workload) for mount in container.get("volumeMounts", [])]
        if declared != {mount["name"] for mount in mounts}:
            yield f"{_title(workload)}: volumes and mounts differ"
        if "/tmp" not in {mount["mountPath"] for mount in mounts}:
            yield f"{_title(workload)}: cannot write to /tmp"
        for volume in pod.get("volumes", []):
            if "configMap" in volume and not build.find("ConfigMap", volume["configMap"]["name"]):
                yield f"{_title(workload)}: no ConfigMap {volume['configMap']['name']}"


def _stopping(build: Build) -> Iterator[str]:
    for workload in build.workloads:
        grace = workload["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 30)
        for container in containers(workload):
            drain = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            if drain < 10:
                yield f"{_title(workload)}: stops before load balancers notice"
            if grace <= drain + build.shutdown_s.get(workload["metadata"]["name"], 0):
                yield f"{_title(workload)}: killed after {grace} s, before it could stop"


def _probes(build: Build) -> Iterator[str]:
    for workload in build.workloads:
        for container in containers(workload):
            for name in ("startupProbe", "readinessProbe", "livenessProbe"):
                probe = container.get(name, {})
                asked = probe.get("httpGet") or probe.get("tcpSocket") or {}
                if not has_port(workload, asked.get("port")):
                    yield f"{_title(workload)}: {name} asks no port of its own"
                if asked.get("path", "").startswith("/mcp"):
                    yield f"{_title(workload)}: {name} opens sessions"
            alive, ready = container.get("livenessProbe", {}), container.get("readinessProbe", {})
            if alive == ready:
                yield f"{_title(workload)}: liveness uses the readiness check, so a busy pod is killed"
            if "httpGet" not in alive:
                yield f"{_title(workload)}: the liveness check passes while the process hangs"
            if alive.get("httpGet", {}).get("path") == "/ready" or ready.get("httpGet", {}).get("path") == "/health":
                yield f"{_title(workload)}: a draining pod is killed, or gets new requests"


def _security(build: Build) -> Iterator[str]:
    for workload in build.workloads:
        pod = workload["spec"]["template"]["spec"]
        asked = pod.get("securityContext", {})
        if asked.get("runAsNonRoot") is not True or not asked.get("runAsUser"):
            yield f"{_title(workload)}: can run as root"
        if asked.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{_title(workload)}: no seccomp profile"
        if pod.get("automountServiceAccountToken") is not False or pod.get("enableServiceLinks") is not False:
            yield f"{_title(workload)}: mounts a service account token, or gets environment variables of Services"
        for container in containers(workload):
            rights = container.get("securityContext", {})
            if (
                rights.get("allowPrivilegeEscalation") is not False
                or rights.get("readOnlyRootFilesystem") is not True
                or rights.get("capabilities", {}).get("drop") != ["ALL"]
            ):
                yield f"{_title(workload)}: more rights than restricted"
            tag = container["image"].rpartition("/")[2].partition(":")[2]
            if not tag or tag == "latest":
                yield f"{_title(workload)}: an image without a fixed tag or digest"
            for entry in container.get("env", []):
                if re.search("KEY|SECRET|TOKEN|PASSWORD|REDIS_URL", entry["name"]) and "valueFrom" not in entry:
                    yield f"{_title(workload)}: {entry['name']} is not a reference to a secret"


def _routes(build: Build) -> Iterator[str]:
    for route in build.of("HTTPRoute"):
        spec = route["spec"]
        if not spec.get("parentRefs"):
            yield f"{_title(route)}: no Gateway"
        hosts = spec.get("hostnames", [])
        if any(not _HOSTNAME.fullmatch(host) or _ADDRESS.fullmatch(host) for host in hosts):
            yield f"{_title(route)}: a hostname that the Gateway API refuses"
        for rule in spec["rules"]:
            for backend in rule["backendRefs"]:
                service = build.find("Service", backend["name"])
                if not service or backend["port"] not in {port["port"] for port in service["spec"]["ports"]}:
                    yield f"{_title(route)}: no Service {backend['name']} with port {backend['port']}"
            if any(not _DURATION.fullmatch(value) for value in rule.get("timeouts", {}).values()):
                yield f"{_title(route)}: not a duration"
            if any(not match["path"]["value"].startswith("/") for match in rule["matches"]):
                yield f"{_title(route)}: not a path"


def _ingresses(build: Build) -> Iterator[str]:
    for ingress in build.of("Ingress"):
        spec = ingress["spec"]
        notes = ingress["metadata"]["annotations"]
        if bool(spec.get("ingressClassName")) == ("kubernetes.io/ingress.class" in notes):
            yield f"{_title(ingress)}: no class, or two classes"
        named = [host for entry in spec.get("tls", []) for host in entry.get("hosts", [])]
        hosts = [rule["host"] for rule in spec["rules"] if "host" in rule]
        if any(not _HOSTNAME.fullmatch(host) or _ADDRESS.fullmatch(host) for host in (*hosts, *named)):
            yield f"{_title(ingress)}: a host name that Kubernetes refuses"
        if named and set(named) != set(hosts):
            yield f"{_title(ingress)}: TLS for other host names"
        for path in (path for rule in spec["rules"] for path in rule["http"]["paths"]):
            backend = path["backend"]["service"]
            service = build.find("Service", backend["name"])
            if not service or backend["port"]["number"] not in {port["port"] for port in service["spec"]["ports"]}:
                yield f"{_title(ingress)}: no Service {backend['name']} with port {backend['port']}"
    for service in build.of("Service"):
        config = service["metadata"].get("annotations", {}).get("cloud.google.com/backend-config")
        if config and not build.find("BackendConfig", json.loads(config)["default"]):
            yield f"{_title(service)}: no BackendConfig"
    for manifest in build.of("Ingress", "Service"):
        if unfilled := [text for text in manifest["metadata"].get("annotations", {}).values() if "_s}" in text]:
            yield f"{_title(manifest)}: a placeholder in {unfilled}"


CHECKS: dict[str, Callable[[Build], Iterator[str]]] = {
    "enums": _enums,
    "quantities": _quantities,
    "names": _names,
    "duplicates": _duplicates,
    "selectors": _selectors,
    "services": _services,
    "scaling": _scaling,
    "budgets": _budgets,
    "policies": _policies,
    "volumes": _volumes,
    "stopping": _stopping,
    "probes": _probes,
    "security": _security,
    "routes": _routes,
    "ingresses": _ingresses,
}
