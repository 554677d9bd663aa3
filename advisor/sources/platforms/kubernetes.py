"""Reads the manifests of Kubernetes of a deployment: all files together, because resources change each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from advisor.deployment.model import DeploymentFiles, NotRead, Observation, Proxy, Service, Workload
from advisor.knowledge import Knowledge
from advisor.sources.platforms import gateway, ingress
from advisor.sources.platforms.kustomization import Kustomization, is_kustomization
from advisor.sources.platforms.kustomize import Overlays
from advisor.sources.platforms.marked import UnreadableError, YamlNode, document, padded, parts
from advisor.sources.platforms.observed import from_node, observation, stated
from advisor.sources.platforms.pods import (
    WORKLOADS,
    container_ports,
    is_knative,
    pod_template,
    selects,
    workload,
)
from advisor.sources.platforms.resources import Cluster, Resource, resources
from advisor.sources.platforms.scaling import Scaling, scaled
from advisor.sources.platforms.settings import Settings

ConfigReader = Callable[[str, str, str], DeploymentFiles | None]
"""Reads the configuration of a proxy inside another file: its text, the path of the file, and its own name.

Empty lines before the text give its lines the numbers of the file. Returns None if the text is no configuration.
"""

_RESOURCE = re.compile(r"^[ \t\-{\"']*(?:apiVersion|kind)[\"']?[ \t]*:", re.MULTILINE)
_IN_JSON = re.compile(r"\"apiVersion\"[ \t]*:")
_DEFINITION = re.compile(r"^[ \t]*[\"']?kind[\"']?:[ \t]*[\"']?CustomResourceDefinition\b", re.MULTILINE)
_OBJECT = "Values|Release|Chart|Capabilities|Files"
_CALL = r"include|template|define|if|else|end|range|with|toYaml|tpl|printf|default|quote|required|lookup|/\*"
_TEMPLATE = re.compile(
    rf"^(?![ \t]*#).*(?:\{{\{{-?[ \t]*(?:\.(?:{_OBJECT})\b|(?:{_CALL})\b|/\*)|[:-][ \t]+\{{\{{)",
    re.MULTILINE,
)
_HELM = "Helm templates; pass the rendered output of `helm template`"
_JOINED = ("ConfigMap", "HorizontalPodAutoscaler", "ScaledObject", "PodDisruptionBudget", "Middleware", "EnvoyFilter")
_MOST_PODS = 20
"""The most workloads of a Service that are searched for the name of a port."""


def no_config(text: str, path: str, name: str) -> DeploymentFiles | None:
    """Read no configuration."""
    return None


def is_kubernetes(text: str, path: str) -> bool:
    """Return whether a file has resources of Kubernetes, or a template of them."""
    if not path.endswith((".yaml", ".yml", ".json")) and not is_kustomization(path):
        return False
    is_resource = bool(_RESOURCE.search(text)) and "apiVersion" in text and "kind" in text
    return is_resource or bool(_IN_JSON.search(text)) or is_kustomization(path)


class ClusterFiles:
    """The manifests of a deployment. `add` each file, and then ask for the `result`."""

    def __init__(self, knowledge: Knowledge, config: ConfigReader = no_config) -> None:
        """Args: knowledge: what settings mean; config: reads the configuration of proxies in ConfigMaps."""
        self._knowledge = knowledge
        self._config = config
        self._resources: list[Resource] = []
        self._kustomizations: list[Kustomization] = []
        self._unread: dict[NotRead, None] = {}

    def add(self, text: str, path: str) -> None:
        """Read a file. `is_kubernetes` is true for it."""
        try:
            found = list(parts(text))
        except UnreadableError as error:
            self._unread[NotRead(path, str(error))] = None
            return
        for part, offset in found:
            if _DEFINITION.search(part):  # they are large, and have no part in requests
                continue
            if _TEMPLATE.search(part):
                self._template(path)
                continue
            try:
                self._document(document(part, path, offset), path)
            except UnreadableError as error:
                self._unread[NotRead(path, str(error))] = None

    def _template(self, path: str) -> None:
        chart, templates, _ = path.rpartition("templates/")
        if templates and (not chart or chart.endswith("/")):
            self._unread[NotRead(chart or "templates/", _HELM)] = None
        else:
            self._unread[NotRead(path, "a template with {{ }}; pass the rendered output")] = None

    def _document(self, node: YamlNode, path: str) -> None:
        if is_kustomization(path):
            self._kustomizations.append(Kustomization(path, node))
        else:
            self._resources += resources(node)

    def result(self) -> DeploymentFiles:
        """Return the parts of the deployment that the manifests state."""
        overlays = Overlays(self._kustomizations, self._resources, self._knowledge)
        found = overlays.resources
        cluster = Cluster(found)
        settings = Settings(cluster, self._knowledge)
        running = [
            resource
            for resource in found
            if (resource.kind in WORKLOADS and pod_template(resource).get("spec.containers")) or is_knative(resource)
        ]
        workloads, rest = scaled([workload(each, cluster, self._knowledge) for each in running], cluster)
        made = DeploymentFiles(
            examined=tuple(
                dict.fromkeys(
                    [*self._examined(found), *overlays.examined, *(each.path for each in self._kustomizations)]
                )
            ),
            not_examined=(*self._unread, *self._unknown(found), *overlays.unread),
            proxies=tuple(self._proxies(cluster, settings)),
            workloads=tuple(overlays.applied(each) for each in workloads),
            services=tuple(_services(cluster, list(zip(running, workloads, strict=True)))),
            extra=tuple(map(_extra, rest)),
        )
        return made.joined(*self._embedded(cluster))

    def _proxies(self, cluster: Cluster, settings: Settings) -> Iterator[Proxy]:
        for resource in cluster.of("Ingress"):
            if resource.group:
                yield ingress.ingress(resource, cluster, settings)
        for resource in cluster.of("Service"):
            if is_knative(resource):
                proxy = _serverless(resource, settings)
            else:
                proxy = ingress.load_balancer(resource, settings)
            if proxy is not None:
                yield proxy
        for resource in cluster.of("HTTPRoute"):
            yield gateway.http_route(resource, cluster, settings)
        for entry in self._knowledge.route_kinds.values():
            kind, _, group = entry.id.partition(" ")
            read = ingress.ingress_route if kind == "IngressRoute" else ingress.http_proxy
            for resource in cluster.of(kind):
                if resource.group == group:
                    yield read(resource, cluster, settings, entry.product)
        yield from gateway.mesh(cluster, settings)

    def _is_known(self, resource: Resource) -> bool:
        return (
            resource.kind in (*WORKLOADS, *_JOINED, "Service", "Ingress", "HTTPRoute", "VirtualService")
            or resource.id in self._knowledge.resource_settings
            or resource.id in self._knowledge.route_kinds
        )

    def _examined(self, found: list[Resource]) -> Iterator[str]:
        for resource in found:
            if self._is_known(resource):
                yield resource.node.path

    def _unknown(self, found: list[Resource]) -> Iterator[NotRead]:
        kinds: dict[str, dict[str, None]] = {}
        for resource in found:
            if not self._is_known(resource) and resource.kind not in self._knowledge.silent_kinds:
                kinds.setdefault(resource.node.path, {})[resource.kind] = None
            for why in ingress.snippets(resource):
                yield NotRead(resource.node.path, why)
        for path, names in kinds.items():
            words = f"the kind {next(iter(names))} is" if len(names) == 1 else f"the kinds {', '.join(names)} are"
            yield NotRead(path, f"{words} not supported")

    def _embedded(self, cluster: Cluster) -> Iterator[DeploymentFiles]:
        for resource in cluster.of("ConfigMap"):
            for name, value in resource.node.key("data").pairs():
                found = self._config(padded(value), value.path, name) if value.text else None
                if found is not None:
                    yield found


def _extra(scaling: Scaling) -> tuple[str, str, str, dict[str, Observation]]:
    return scaling.namespace, scaling.kind, scaling.name, dict(scaling.observed)


def _services(cluster: Cluster, running: list[tuple[Resource, Workload]]) -> Iterator[Service]:
    labelled: dict[tuple[str, str], list[tuple[Resource, Workload]]] = {}
    for resource, made in running:
        for label in made.labels.items():
            labelled.setdefault(label, []).append((resource, made))

    def pods_of(selector: dict[str, str], namespace: str) -> list[Resource]:
        rarest = min((labelled.get(label, []) for label in selector.items()), key=len, default=[])
        return [
            resource
            for resource, made in rarest[:_MOST_PODS]
            if selects(selector, made.labels) and namespace in ("", made.namespace)
        ]

    for resource in cluster.of("Service"):
        if is_knative(resource):
            continue
        spec = resource.node.key("spec")
        selector = {name: value.text for name, value in spec.key("selector").pairs()}
        pods = pods_of(selector, resource.namespace)
        ports: dict[int, int | str] = {}
        for port in spec.key("ports").items():
            number = port.key("port").number
            if number is not None:
                target = port.key("targetPort")
                ports[number] = _port(target.text, pods) if target.text else number
        affinity = spec.key("sessionAffinity")
        words = {"ClientIP": "client-ip", "None": "none"}
        address = spec.key("clusterIP")
        yield Service(
            resource.name,
            resource.location,
            resource.namespace,
            selector,
            ports,
            stated(
                session_affinity=observation(words.get(affinity.text), affinity.location),
                session_affinity_timeout=from_node(
                    spec.get("sessionAffinityConfig.clientIP.timeoutSeconds"), "seconds"
                ),
                headless=Observation(value=True, location=address.location) if address.text == "None" else None,
                service_type=from_node(spec.key("type"), "word"),
                external_policy=from_node(spec.key("externalTrafficPolicy"), "word"),
            ),
        )


def _port(text: str, pods: list[Resource]) -> int | str:
    """Return the number of a port of pods, or its name if no pod states it."""
    if text.isdecimal() and len(text) < 6:
        return int(text)
    for resource in pods:
        for container in pod_template(resource).get("spec.containers").items():
            for number, name in container_ports(container):
                if name == text:
                    return number
    return text


def _serverless(resource: Resource, settings: Settings) -> Proxy | None:
    """Return the entry of a Service of Cloud Run; None for Knative without its settings."""
    found = {
        **settings.annotations(resource),
        **settings.of_annotations(resource.node.get("spec.template.metadata.annotations")),
    }
    timeout = from_node(resource.node.get("spec.template.spec.timeoutSeconds"), "seconds")
    if not found and timeout is None:
        return None
    annotations = resource.node.get("spec.template.metadata.annotations")
    product = settings.product(annotations, "", settings.product(resource.annotations, "", ingress.OTHER))
    upstream = ingress.one_upstream(resource)
    return Proxy(
        product,
        resource.title,
        resource.location,
        (upstream,),
        (ingress.every_route(upstream),),
        resource.namespace,
        {**found, **stated(total_timeout=timeout)},
    )
