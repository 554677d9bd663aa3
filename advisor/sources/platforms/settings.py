"""Reads annotations and policies of Kubernetes by the entries of rules/platforms.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from advisor.deployment.model import Observation, Observations
from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.knowledge.platforms import IngressController, StatedValue
from advisor.sources.platforms.marked import YamlNode
from advisor.sources.platforms.observed import from_rule
from advisor.sources.platforms.resources import Backend, Cluster, Resource

HOST = "host"
"""The kind of a target that is named by the host name of a Service."""


class Settings:
    """What annotations and policies state about the other resources.

    Attributes:
        unread: the annotations that no reader knows, with the reason.
    """

    def __init__(self, cluster: Cluster, knowledge: Knowledge) -> None:
        """Args: cluster: all resources; knowledge: what the settings mean."""
        self._cluster = cluster
        self._knowledge = knowledge
        self._kinds = knowledge.observations
        self._annotated: dict[int, dict[str, Observation]] = {}
        self._attached: dict[tuple[str, str, str], dict[str, Observation]] = {}
        self._classes = {
            resource.name: resource.node.get("spec.controller").text or resource.node.get("spec.controllerName").text
            for resource in cluster.of("IngressClass", "GatewayClass")
        }
        for resource in cluster.all:
            entry = knowledge.resource_settings.get(resource.id)
            if entry is not None and entry.attached == "host":
                self._attach(resource, entry.sets, [(HOST, *service_of(resource.node.get("spec.host"), resource))])
            elif entry is not None and entry.attached == "target":
                self._attach(resource, entry.sets, list(_targets(resource)))
        for service in cluster.of("Service"):
            for entry in knowledge.resource_settings.values():
                if entry.attached == "annotation":
                    for name in _named(service.annotations.key(entry.annotation)):
                        policy = cluster.find(entry.id.partition(" ")[0], service.namespace, name)
                        if policy is not None:
                            self._attach(policy, entry.sets, [("Service", service.namespace, service.name)])

    def annotations(self, resource: Resource) -> dict[str, Observation]:
        """Return what the annotations of a resource state."""
        if id(resource) not in self._annotated:  # a Service can be the backend of many routes
            self._annotated[id(resource)] = self.of_annotations(resource.annotations)
        return dict(self._annotated[id(resource)])

    def of_product(self, annotations: YamlNode, product: str) -> dict[str, Observation]:
        """Return what annotations state, without those that only the controllers of other products read."""
        others = [each for each in self._knowledge.ingress_controllers.values() if each.product != product]
        foreign = tuple(prefix for each in others for prefix in each.prefixes)
        return self.of_annotations(annotations, foreign)

    def of_annotations(self, annotations: YamlNode, without: tuple[str, ...] = ()) -> dict[str, Observation]:
        """Return what annotations state. Names that start with a prefix of `without` do not count."""
        found: dict[str, Observation] = {}
        for name, value in annotations.pairs():
            entry = self._knowledge.annotations.get(name) if not name.startswith(without) else None
            if entry is not None and entry.yields_to and annotations.key(entry.yields_to):
                continue
            if entry is not None and entry.works_with and annotations.key(entry.works_with).truth is not True:
                continue
            for rule in entry.sets if entry is not None else ():
                text = _pair(value.text, rule.setting) if rule.setting else value.text
                if text is not None:
                    _keep(found, rule, from_rule(rule, (text,), value.location, self._kinds))
        return found

    def names_of_middlewares(self, resource: Resource) -> list[str]:
        """Return the middlewares that the annotations of a resource name."""
        texts = [
            resource.annotations.key(entry.middlewares).text
            for entry in self._knowledge.ingress_controllers.values()
            if entry.middlewares
        ]
        return [name.strip() for text in texts for name in text.split(",") if name.strip()]

    def attached(self, kind: str, namespace: str, name: str) -> dict[str, Observation]:
        """Return what policies state about a resource."""
        return {**self._attached.get((kind, "", name), {}), **self._attached.get((kind, namespace, name), {})}

    def of_backends(self, backends: Iterable[Backend], *, in_mesh: bool = False) -> dict[str, Observation]:
        """Return what Services and their policies state about routes and upstreams."""
        found: dict[str, Observation] = {}
        for backend in backends:
            service = self._cluster.find("Service", backend.namespace, backend.name)
            if service is not None:
                found.update(self.annotations(service))
            found.update(self.attached("Service", backend.namespace, backend.name))
            if in_mesh:
                found.update(self.attached(HOST, backend.namespace, backend.name))
        return found

    def part(self, found: Observations, part: str) -> dict[str, Observation]:
        """Return the observations of a part, such as `route` or `upstream`."""
        return {name: value for name, value in found.items() if part in self._kinds[name].of}

    def product(self, annotations: YamlNode, class_name: str, other: str) -> str:
        """Return the product that reads a resource.

        Args:
            annotations: the annotations of the resource.
            class_name: its class, or "".
            other: the product if nothing says what reads the resource.
        """
        controllers = self._knowledge.ingress_controllers.values()
        stated = self._classes.get(class_name, "")
        names = [name for name, _ in annotations.pairs()]
        named = [entry.id for entry in controllers if _fits(class_name, entry.classes)]
        found: IngressController | None = None
        for rank in ("controllers", "prefixes", "classes"):  # from the most certain evidence to the least certain
            for entry in controllers:
                fits = {
                    "controllers": _fits(stated, entry.controllers),
                    "prefixes": (entry.id in named or not named or not entry.classes)
                    and any(name.startswith(entry.prefixes) for name in names),
                    "classes": _fits(class_name, entry.classes),
                }
                if found is None and fits[rank]:
                    found = entry
        return found.product if found is not None else other

    def _attach(self, policy: Resource, rules: Iterable[StatedValue], targets: list[tuple[str, str, str]]) -> None:
        found: dict[str, Observation] = {}
        for rule in rules:
            node = policy.node.get(rule.setting)
            if node:
                texts = node.texts() if node.is_list else (node.text,) if not node.is_mapping else ("",)
                _keep(found, rule, from_rule(rule, texts, node.location, self._kinds))
        for target in targets:
            self._attached.setdefault(target, {}).update(found)


def _keep(found: dict[str, Observation], rule: StatedValue, value: Observation | None) -> None:
    if value is not None:
        found[rule.observation] = value


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return bool(name) and any(fnmatchcase(name, pattern) for pattern in patterns)


def _pair(text: str, key: str) -> str | None:
    """Return the value of a key in a text such as `a=1,b=2`; None without the key."""
    found = None
    for pair in text.split(","):
        name, equal, value = pair.partition("=")
        if equal and name.strip() == key:
            found = value.strip()
    return found


def _named(annotation: YamlNode) -> list[str]:
    """Return the names of resources in an annotation: a name, or JSON such as {"default": "NAME"}."""
    text = annotation.text.strip()
    if not text.startswith("{"):
        return [text] if text else []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    values = list(found.values()) if isinstance(found, dict) else []
    values += [name for value in values if isinstance(value, dict) for name in value.values()]
    return [name for name in values if isinstance(name, str)]


def _targets(policy: Resource) -> Iterator[tuple[str, str, str]]:
    references = [policy.node.get("spec.targetRef"), *policy.node.get("spec.targetRefs").items()]
    for reference in references:
        if reference:
            namespace = reference.key("namespace").text or policy.namespace
            yield reference.key("kind").text or "Service", namespace, reference.key("name").text


def service_of(host: YamlNode, resource: Resource) -> tuple[str, str]:
    """Return the namespace and the name of a Service by its host name, such as `mcp.shop.svc.cluster.local`."""
    parts = host.text.split(".")
    return parts[1] if len(parts) > 1 else resource.namespace, parts[0]


def line_of(node: YamlNode, other: Location) -> Location:
    """Return the line of a value, or another line without the value."""
    return node.location if node else other
