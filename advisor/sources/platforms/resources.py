"""The resources of Kubernetes in all files of a deployment, and how they name each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from advisor.deployment.model import Observation, Target, Upstream
from advisor.findings import Location
from advisor.sources.platforms.marked import YamlNode


class Resource(NamedTuple):
    """A resource of Kubernetes.

    Attributes:
        kind: the kind, such as Deployment.
        group: the group of the API, such as apps, or "" for the core group.
        name: the name.
        namespace: the namespace, or "" if the file does not state it.
        node: the content.
    """

    kind: str
    group: str
    name: str
    namespace: str
    node: YamlNode

    @property
    def id(self) -> str:
        """The kind and the group, as in rules/platforms.yaml."""
        return f"{self.kind} {self.group}"

    @property
    def title(self) -> str:
        """The name in messages."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def location(self) -> Location:
        """The line of its name, or else its first line."""
        name = self.node.get("metadata.name")
        return name.location if name else self.node.location

    @property
    def annotations(self) -> YamlNode:
        """The annotations."""
        return self.node.get("metadata.annotations")


class Backend(NamedTuple):
    """A Service to which a proxy sends requests. `port` is the port of the Service or its name."""

    name: str
    namespace: str
    port: str
    location: Location


def resources(document: YamlNode) -> Iterator[Resource]:
    """Yield the resource of a document, or the resources of a List. Other documents also have a `kind`."""
    pending = [document]
    while pending:
        node = pending.pop(0)
        kind = node.key("kind").text
        if kind.endswith("List") and node.key("items").is_list:
            pending += list(node.key("items").items())
        elif kind[:1].isupper() and node.key("apiVersion") and node.key("metadata"):
            group, slash, _ = node.key("apiVersion").text.partition("/")
            names = node.key("metadata")
            yield Resource(kind, group if slash else "", names.key("name").text, names.key("namespace").text, node)


class Cluster:
    """All resources of a deployment, by kind and name."""

    def __init__(self, found: list[Resource]) -> None:
        """Args: found: the resources."""
        self.all = found
        self._kinds: dict[str, list[Resource]] = {}
        self._names: dict[tuple[str, str, str], Resource] = {}
        self._anywhere: dict[tuple[str, str], list[Resource]] = {}
        self._ports: dict[tuple[str, str], dict[str, int]] = {}
        for resource in found:
            self._kinds.setdefault(resource.kind, []).append(resource)
            self._names[resource.kind, resource.namespace, resource.name] = resource
            self._anywhere.setdefault((resource.kind, resource.name), []).append(resource)

    def of(self, *kinds: str) -> list[Resource]:
        """Return the resources of several kinds."""
        return [resource for kind in kinds for resource in self._kinds.get(kind, ())]

    def find(self, kind: str, namespace: str, name: str) -> Resource | None:
        """Return a resource by its name, also if either place does not state the namespace."""
        found = self._names.get((kind, namespace, name)) or self._names.get((kind, "", name))
        if found is None and not namespace:
            named = self._anywhere.get((kind, name), [])
            found = named[0] if len(named) == 1 else None
        return found

    def port(self, backend: Backend) -> int:
        """Return the number of a port of a Service; 0 if the files do not state it."""
        if backend.port.isdecimal() and len(backend.port) < 6:
            return int(backend.port)
        place = backend.namespace, backend.name
        if place not in self._ports:
            service = self.find("Service", backend.namespace, backend.name)
            ports = list(service.node.get("spec.ports").items()) if service is not None else []
            found = {port.key("name").text: port.key("port").number or 0 for port in reversed(ports)}
            if ports:
                found[""] = ports[0].key("port").number or 0
            self._ports[place] = found
        return self._ports[place].get(backend.port, 0)

    def upstream(
        self, backends: list[Backend], namespace: str, observed: dict[str, Observation], location: Location
    ) -> Upstream:
        """Return the upstream of a route to Services, for a proxy in a namespace."""
        targets = []
        names = []
        for backend in backends:
            is_near = backend.namespace in ("", namespace)
            host = backend.name if is_near else f"{backend.name}.{backend.namespace}"
            port = self.port(backend)
            targets.append(Target(host, port, backend.location, is_pool=True))
            names.append(f"{host}:{port or backend.port}" if port or backend.port else host)
        return Upstream(" ".join(names), location, tuple(targets), observed)
