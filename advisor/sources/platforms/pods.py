"""Reads the workloads of Kubernetes: Deployments and other resources with a template for pods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from advisor.deployment.model import Observation, Observations, Workload
from advisor.knowledge import Knowledge
from advisor.sources.platforms.commands import node_words, programs, server_observations, started
from advisor.sources.platforms.marked import YamlNode
from advisor.sources.platforms.observed import from_node, from_text, observation, stated
from advisor.sources.platforms.resources import Cluster, Resource
from advisor.sources.proxies.wording import seconds

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Rollout", "Pod")
KNATIVE = "serving.knative.dev"
_PROBES = {"httpGet": "http", "tcpSocket": "tcp", "exec": "exec", "grpc": "grpc"}
_STRATEGIES = {"RollingUpdate": "rolling", "Recreate": "recreate", "OnDelete": "on-delete"}
_SLEEP = re.compile(r"\bsleep\s+(\d+(?:\.\d+)?[smh]?)(?=\s|$|[;&\"'])", re.ASCII)
_SERVER = re.compile(r"mcp", re.IGNORECASE)


def is_knative(resource: Resource) -> bool:
    """Return whether a resource is a Service of Knative, also in the form of Cloud Run."""
    return resource.kind == "Service" and resource.group == KNATIVE


def pod_template(resource: Resource) -> YamlNode:
    """Return the node with the metadata and the spec of the pods."""
    return resource.node if resource.kind == "Pod" else resource.node.get("spec.template")


def workload(resource: Resource, cluster: Cluster, knowledge: Knowledge) -> Workload:
    """Return the workload of a resource."""
    template = pod_template(resource)
    container = main_container(template.get("spec.containers"), knowledge)
    environment = _environment(container, resource, cluster)
    command = (*node_words(container.key("command")), *node_words(container.key("args")))
    labels = {name: value.text for name, value in template.get("metadata.labels").pairs()}
    shared = environment.keys() - {variable.key("name").text for variable in container.key("env").items()}
    of_server = server_observations(command, environment, knowledge, shared)
    observed = {**_scale(resource), **_pod(template, container), **of_server}
    return Workload(
        kind=resource.kind,
        name=resource.name,
        location=resource.location,
        namespace=resource.namespace,
        names=(resource.name,) if is_knative(resource) else (),
        labels={} if is_knative(resource) else labels,
        command=started(command, knowledge.server_programs),
        image=container.key("image").text,
        environment=environment,
        ports=tuple(port for port, _ in container_ports(container)),
        observed=observed,
    )


def container_ports(container: YamlNode) -> Iterator[tuple[int, str]]:
    """Yield the ports of a container with their names."""
    for port in container.key("ports").items():
        number = port.key("containerPort").number
        if number is not None:
            yield number, port.key("name").text


def main_container(containers: YamlNode, knowledge: Knowledge) -> YamlNode:
    """Return the container with the server: by its command, its name or image, or else the first with a port."""
    candidates = list(containers.items())
    if not candidates:
        return containers.key("0")

    def rank(container: YamlNode) -> tuple[bool, bool, bool, bool]:
        names = (container.key("name").text, container.key("image").text.rpartition("/")[2])
        words = (*node_words(container.key("command")), *node_words(container.key("args")))
        text = " ".join((*names, *(word.text for word in words)))
        is_other = any(fnmatchcase(name, each.pattern) for each in knowledge.sidecars.values() for name in names)
        return (
            any(programs(words, knowledge.server_programs)),
            not is_other and bool(_SERVER.search(text)),
            not is_other,
            bool(container.key("ports")),
        )

    return max(candidates, key=rank)


def _environment(container: YamlNode, resource: Resource, cluster: Cluster) -> dict[str, Observation]:
    found: dict[str, Observation] = {}
    for source in container.key("envFrom").items():
        prefix = source.key("prefix").text
        config = cluster.find("ConfigMap", resource.namespace, source.get("configMapRef.name").text)
        for name, value in config.node.key("data").pairs() if config is not None else ():
            found[prefix + name] = from_text(value.text, value.location)
    for variable in container.key("env").items():
        name, value = variable.key("name").text, variable.key("value")
        reference = variable.get("valueFrom.configMapKeyRef")
        config = cluster.find("ConfigMap", resource.namespace, reference.key("name").text) if reference else None
        if config is not None:
            value = config.node.key("data").key(reference.key("key").text) or value
        if name and variable.key("valueFrom") and not value:
            found[name] = Observation("", variable.location, is_dynamic=True)
        elif name:
            found[name] = from_text(value.text, value.location if value else variable.location)
    return found


def _scale(resource: Resource) -> dict[str, Observation]:
    spec = resource.node.key("spec")
    if is_knative(resource):
        return _knative(resource)
    rolling = spec.key("updateStrategy") or spec.key("strategy")
    kind = rolling.key("type") if not rolling.text else rolling
    strategy = _STRATEGIES.get(kind.text)
    if resource.kind == "Rollout" and (rolling.key("canary") or rolling.key("blueGreen")):
        strategy, kind = "rolling", rolling.key("canary") or rolling.key("blueGreen")
    at_once = rolling.get("rollingUpdate.maxUnavailable") or rolling.get("canary.maxUnavailable")
    return dict(
        stated(
            instances=from_node(spec.key("replicas"), "number") if resource.kind != "Pod" else None,
            strategy=observation(strategy, kind.location),
            max_unavailable=from_node(at_once, "word"),
        )
    )


def _knative(resource: Resource) -> dict[str, Observation]:
    template = resource.node.get("spec.template")
    notes = template.get("metadata.annotations")
    known = dict(notes.pairs())
    least = known.get("autoscaling.knative.dev/min-scale") or known.get("autoscaling.knative.dev/minScale")
    most = known.get("autoscaling.knative.dev/max-scale") or known.get("autoscaling.knative.dev/maxScale")
    place = most or least or resource.node.key("kind")
    least_number = from_node(least, "number") if least is not None else None
    return dict(
        stated(
            min_scale=least_number,
            instances=least_number,
            most_instances=from_node(most, "number") if most is not None else None,
            autoscaled=Observation(value=True, location=place.location),
            request_timeout=from_node(template.get("spec.timeoutSeconds"), "seconds"),
        )
    )


def _pod(template: YamlNode, container: YamlNode) -> Observations:
    limits, requests = container.get("resources.limits"), container.get("resources.requests")
    live, ready = container.key("livenessProbe"), container.key("readinessProbe")
    host_port = next((port.key("hostPort") for port in container.key("ports").items() if port.key("hostPort")), None)
    return stated(
        grace_period=from_node(template.get("spec.terminationGracePeriodSeconds"), "seconds"),
        pre_stop=_pre_stop(container.get("lifecycle.preStop")),
        stop_signal=from_node(container.get("lifecycle.stopSignal"), "word"),
        liveness=_probe(live),
        liveness_path=from_node(live.get("httpGet.path"), "word"),
        readiness=_probe(ready),
        readiness_path=from_node(ready.get("httpGet.path"), "word"),
        probe_command=_probe_command(live) or _probe_command(ready),
        cpu_limit=from_node(limits.key("cpu"), "cpu"),
        memory_limit=from_node(limits.key("memory"), "bytes"),
        memory_request=from_node(requests.key("memory"), "bytes"),
        stdin_open=from_node(container.key("stdin"), "yes-no"),
        host_port=from_node(host_port, "number") if host_port is not None else None,
    )


def _probe(probe: YamlNode) -> Observation | None:
    for key, node in probe.pairs():
        if key in _PROBES:
            return Observation(_PROBES[key], node.location)
    return None


def _probe_command(probe: YamlNode) -> Observation | None:
    command = probe.get("exec.command")
    return Observation(" ".join(command.texts()), command.location) if command else None


def _pre_stop(hook: YamlNode) -> Observation | None:
    """Return how long a preStop hook waits. The time of a command without `sleep` and of a request is not known."""
    if not hook:
        return None
    if hook.get("sleep.seconds"):
        return from_node(hook.get("sleep.seconds"), "seconds")
    command = hook.get("exec.command")
    match = _SLEEP.search(" ".join(command.texts()))
    wait = seconds(match[1]) if match else None
    if wait is None:
        return Observation(" ".join(command.texts()) or "httpGet", (command or hook).location, is_dynamic=True)
    return Observation(wait, command.location)


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Return whether a selector with labels selects pods. An empty selector selects nothing."""
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())
