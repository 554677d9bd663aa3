"""The types of the model. The readers in `sources` make the parts, and `audits` joins and judges them.

A part holds what its files state as observations: from a name in rules/observations.yaml to a value and its place in
the file. A name without an observation means that the files do not state the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, Literal, NamedTuple

from advisor.findings import Location

Plain = bool | int | float | str | tuple[str, ...]


class Observation(NamedTuple):
    """A value that a file states.

    Attributes:
        value: the value: a number of seconds or bytes without a unit, a word, or several words.
        location: the line that states the value.
        is_dynamic: whether the value comes from outside the files, such as a variable of a template. `value` is then
            the default, or the text of the variable.
    """

    value: Plain
    location: Location
    is_dynamic: bool = False


Observations = Mapping[str, Observation]

NOTHING: Observations = {}
"""The observations of a part for which the files state no value."""


class Target(NamedTuple):
    """A server of an upstream: a host name or address, and its port (0 if the file does not state it).

    Attributes:
        is_pool: whether the name stands for several instances, such as a Service of Kubernetes.
    """

    host: str
    port: int
    location: Location
    is_pool: bool = False
    observed: Observations = NOTHING


class Upstream(NamedTuple):
    """A group of servers to which a proxy sends requests. `name` is unique in its proxy."""

    name: str
    location: Location
    targets: tuple[Target, ...]
    observed: Observations = NOTHING


class Route(NamedTuple):
    """A rule of a proxy that sends requests to an upstream.

    Attributes:
        hosts: the host names; empty for every host.
        path: the path of the rule as written, or "" for every path.
        match: how the path is compared.
        upstream: the name of the upstream in the proxy, or "" if no upstream answers (a redirect, a fixed answer).
    """

    hosts: tuple[str, ...]
    path: str
    match: Literal["prefix", "exact", "regex", "every"]
    upstream: str
    location: Location
    observed: Observations = NOTHING


class Proxy(NamedTuple):
    """A proxy, an Ingress, a Gateway or a load balancer.

    Attributes:
        product: the id of the product, as in rules/proxies.yaml.
        name: how messages name it, such as `nginx.conf` or `Ingress shop/mcp`.
        namespace: the namespace of Kubernetes in which names of services are looked up, or "".
        observed: values for all routes. A route has its own value of a name, or else this one.
    """

    product: str
    name: str
    location: Location
    upstreams: tuple[Upstream, ...] = ()
    routes: tuple[Route, ...] = ()
    namespace: str = ""
    observed: Observations = NOTHING


class Workload(NamedTuple):
    """Something that runs instances: a Deployment, a StatefulSet, a service of a compose file, a Dockerfile.

    Attributes:
        kind: such as `Deployment` or `compose service`.
        names: the names under which other parts reach it, such as the name of a compose service and its aliases.
        labels: the labels of the pods.
        command: the words of the command that starts the main container, or ().
        image: the image of the main container, or "".
        context: the folder from which the image is built, relative to the audited path, or "".
        environment: the variables of the main container, with the text of the value.
        ports: the ports on which the container listens.
    """

    kind: str
    name: str
    location: Location
    namespace: str = ""
    names: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    command: tuple[str, ...] = ()
    image: str = ""
    context: str = ""
    environment: Observations = NOTHING
    ports: tuple[int, ...] = ()
    observed: Observations = NOTHING


class Service(NamedTuple):
    """A Service of Kubernetes. `ports` maps the port of the Service to the port of the pods (a number, or a name)."""

    name: str
    location: Location
    namespace: str = ""
    selector: Mapping[str, str] = {}
    ports: Mapping[int, int | str] = {}
    observed: Observations = NOTHING


class NotRead(NamedTuple):
    """A file or a part of a file that was not examined, with the reason as the end of a sentence."""

    path: str
    why: str


class DeploymentFiles(NamedTuple):
    """What the readers found in the files of a deployment.

    Attributes:
        examined: the files of which a reader understood the kind, relative to the audited path.
        not_examined: files of an unsupported kind, or that a reader could not understand.
        extra: facts of other resources that the audit joins to workloads, such as a HorizontalPodAutoscaler: the
            namespace, the kind and name of the workload, and its observations.
    """

    examined: tuple[str, ...] = ()
    not_examined: tuple[NotRead, ...] = ()
    proxies: tuple[Proxy, ...] = ()
    workloads: tuple[Workload, ...] = ()
    services: tuple[Service, ...] = ()
    extra: tuple[tuple[str, str, str, Mapping[str, Any]], ...] = ()

    def joined(self, *others: DeploymentFiles) -> DeploymentFiles:
        """Return the content of all of them, in their order."""
        return DeploymentFiles(*(tuple(chain.from_iterable(parts)) for parts in zip(self, *others, strict=True)))
