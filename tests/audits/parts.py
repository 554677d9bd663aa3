"""Parts of deployments, made without readers."""

from __future__ import annotations

from typing import Any

from advisor.deployment.model import (
    DeploymentFiles,
    Observation,
    Observations,
    Proxy,
    Route,
    Service,
    Target,
    Upstream,
    Workload,
)
from advisor.findings import Location

HASH = {"balance": "session-hash"}


def stated(path: str, **values: Any) -> Observations:
    """Return observations on successive lines of a file."""
    return {name: Observation(value, Location(path, line)) for line, (name, value) in enumerate(values.items(), 1)}


def proxy(
    *hosts: str,
    path: str = "/mcp",
    product: str = "nginx",
    file: str = "nginx.conf",
    port: int = 8000,
    upstream: dict[str, Any] | None = None,
    route: dict[str, Any] | None = None,
    name: str = "backend",
    namespace: str = "",
) -> Proxy:
    """Return a proxy with a single route to an upstream with these hosts."""
    targets = tuple(Target(host, port, Location(file, 20 + number)) for number, host in enumerate(hosts))
    group = Upstream(name, Location(file, 10), targets, stated(file, **(upstream or {})))
    rule = Route((), path, "prefix", name, Location(file, 30), stated(file, **(route or {})))
    return Proxy(product, file, Location(file, 1), (group,), (rule,), namespace)


def compose(name: str, file: str = "compose.yaml", **values: Any) -> Workload:
    """Return a service of a compose file."""
    observed = {key: values.pop(key) for key in list(values) if key not in Workload._fields}
    return Workload("compose service", name, Location(file, 3), observed=stated(file, **observed), **values)


def deployment(name: str, file: str = "deployment.yaml", **values: Any) -> Workload:
    """Return a Deployment whose pods have the label `app`."""
    observed = {key: values.pop(key) for key in list(values) if key not in Workload._fields}
    labels = {"app": name}
    return Workload("Deployment", name, Location(file, 4), labels=labels, observed=stated(file, **observed), **values)


def service(name: str, app: str, namespace: str = "", **values: Any) -> Service:
    """Return a Service for the pods with this label."""
    file = "service.yaml"
    return Service(name, Location(file, 2), namespace, {"app": app}, {80: 8000}, stated(file, **values))


def files(*parts: Proxy | Workload | Service, extra: tuple[Any, ...] = ()) -> DeploymentFiles:
    """Return a deployment with these parts."""
    return DeploymentFiles(
        proxies=tuple(part for part in parts if isinstance(part, Proxy)),
        workloads=tuple(part for part in parts if isinstance(part, Workload)),
        services=tuple(part for part in parts if isinstance(part, Service)),
        extra=extra,
    )
