"""Joins proxies, Services, workloads and servers to the paths that requests take. Judges nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from typing import NamedTuple, TypeVar

from advisor.audits.scanned_servers import RunServer, ScannedServer, server_of
from advisor.deployment.model import DeploymentFiles, Proxy, Route, Service, Target, Upstream, Workload
from advisor.findings import Location

_WORD = re.compile(r"(?<![a-z0-9])(?:fast)?mcp(?:servers?)?(?![a-z0-9])", re.IGNORECASE)
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0", "host.docker.internal"})  # noqa: S104 (compared)
_SESSION_VALUES = {"balance": {"session-hash"}, "sticky": {"learned", "rewritten", "session-header"}}

_Part = TypeVar("_Part", Workload, Service)


class RequestPath(NamedTuple):
    """A path of requests. A part that is not known, or that the path does not have, is None or ().

    Attributes:
        proxy, route, upstream: the rule of a proxy and where it sends requests.
        service: the Service of Kubernetes in front of the workload.
        workload: the workload that answers. A path with several workloads is several paths.
        others: the other workloads and addresses of the same upstream.
        server: the scanned server that the workload runs.
        front: a proxy that sends requests to this proxy.
        proxy_workload: the workload that runs the proxy.
        evidence: why this is a path of an MCP server, as the name of a phrase; "" if nothing says so.
    """

    proxy: Proxy | None = None
    route: Route | None = None
    upstream: Upstream | None = None
    service: Service | None = None
    workload: Workload | None = None
    others: tuple[Workload | Target, ...] = ()
    server: RunServer | None = None
    front: Proxy | None = None
    proxy_workload: Workload | None = None
    evidence: str = ""


def request_paths(
    files: DeploymentFiles, servers: tuple[ScannedServer, ...], products: Iterable[str], port: int
) -> tuple[RequestPath, ...]:
    """Return all paths of requests to MCP servers: of each route, then of each workload without a route.

    Args:
        files: what the readers found.
        servers: the servers in the scanned code.
        products: the ids of proxies, which are also the names of their images.
        port: the port on which a server of the SDKs listens by default.
    """
    return tuple(path for path in _Joiner(files, servers, products, port).paths() if path.evidence)


class _Joiner:
    def __init__(
        self, files: DeploymentFiles, servers: tuple[ScannedServer, ...], products: Iterable[str], port: int
    ) -> None:
        self._servers = servers
        self._products = frozenset(products)
        self._port = port
        self._proxies = files.proxies
        self._services = files.services
        self._workloads = _built(_extended(files))
        self._fronts = {id(behind): proxy for proxy in files.proxies for behind in self._behind(proxy)}

    def paths(self) -> Iterator[RequestPath]:
        reached: set[int] = set()
        for proxy in self._proxies:
            for route in proxy.routes:
                for path in self._of_route(proxy, route):
                    reached.update([id(path.workload)] if path.workload is not None else [])
                    yield path
        for workload in self._workloads:
            if id(workload) not in reached and not self._product(workload):
                service = next((each for each in self._services if _selects(each, workload)), None)
                yield self._finished(RequestPath(service=service, workload=workload))

    def _of_route(self, proxy: Proxy, route: Route) -> Iterator[RequestPath]:
        upstream = next((each for each in proxy.upstreams if each.name == route.upstream), None)
        here = RequestPath(proxy, route, upstream, front=self._fronts.get(id(proxy)), proxy_workload=self._runs(proxy))
        ends = [end for target in (upstream.targets if upstream else ()) for end in self._ends(target, proxy)]
        workloads = {id(workload): (service, workload) for service, workload, _ in ends if workload is not None}
        unknown = tuple(target for _, workload, target in ends if workload is None)
        for service, workload in workloads.values():
            rest = [other for _, other in workloads.values() if other is not workload]
            others: tuple[Workload | Target, ...] = (*rest, *unknown)
            yield self._finished(here._replace(service=service, workload=workload, others=others))
        if not workloads:
            service = next((service for service, _, _ in ends if service is not None), None)
            yield self._finished(here._replace(service=service, others=unknown))

    def _ends(self, target: Target, proxy: Proxy) -> list[tuple[Service | None, Workload | None, Target]]:
        """Return what a target of an upstream stands for."""
        names = target.host.lower().rstrip(".").split(".")
        for position in (0, 1) if len(names) > 2 else (0,):
            namespaces = [names[position + 1]] if len(names) > position + 1 else [proxy.namespace, ""]
            services = [each for each in self._services if each.name == names[position]]
            near = [each for each in services if each.namespace in namespaces]
            if not near and len(names) == 1 and not proxy.namespace:
                near = services
            service = _nearest(near, proxy.location)
            if service is not None:
                selected = [each for each in self._workloads if _selects(service, each)]
                workload = _nearest(selected, service.location)
                return [(service, workload, target)]
        named = [each for each in self._workloads if target.host in (each.name, *each.names) and not each.labels]
        workload = _nearest(named, proxy.location)
        if workload is None and target.host in _LOCAL:
            at_port = [each for each in self._workloads if target.port in each.ports and not each.labels]
            workload = at_port[0] if len(at_port) == 1 else None
        return [(None, workload, target)]

    def _finished(self, path: RequestPath) -> RequestPath:
        is_known = path.workload is not None or any(
            isinstance(other, Target) and other.host in _LOCAL for other in path.others
        )
        server = server_of(path.workload, self._servers) if is_known else None
        if server is not None and server.by == "only" and path.workload is not None:
            server = server if _can_run(path.workload, server.found) else None
        return path._replace(server=server, evidence=self._evidence(path, server))

    def _behind(self, proxy: Proxy) -> Iterator[Proxy]:
        """Yield the proxies to which a proxy sends requests."""
        for upstream in proxy.upstreams:
            for target in upstream.targets:
                for _, workload, _ in self._ends(target, proxy):
                    if workload is not None:
                        yield from (each for each in self._configs(workload) if each is not proxy)

    def _configs(self, workload: Workload) -> list[Proxy]:
        """Return the configuration that a workload runs: of the product in its image, and nearest to the workload."""
        product = self._product(workload)
        found = [each for each in self._proxies if product and product == each.product]
        near = _nearest_all(found, workload.location)
        return near if len(near) == 1 else []

    def _product(self, workload: Workload) -> str:
        """Return the product of a workload that runs a proxy; "" for another workload."""
        image = workload.image.rpartition("/")[2].partition("@")[0].partition(":")[0]
        for name in (image, image.removesuffix("-unprivileged"), image.removesuffix("-alpine")):
            if name in self._products:
                return name
        return ""

    def _runs(self, proxy: Proxy) -> Workload | None:
        return next((each for each in self._workloads if proxy in self._configs(each)), None)

    def _evidence(self, path: RequestPath, server: RunServer | None) -> str:
        """Return what says that requests of this path go to an MCP server."""
        upstream, route, workload = path.upstream, path.route, path.workload
        if upstream is not None:
            for name, values in _SESSION_VALUES.items():
                stated = upstream.observed.get(name)
                if stated is not None and stated.value in values:
                    return "audit.evidence.session"
        names = [route.path, *route.hosts] if route is not None else []
        if any(map(_WORD.search, names)):
            return "audit.evidence.path"
        targets = [target.host for target in upstream.targets] if upstream is not None else []
        services = [path.service.name] if path.service is not None else []
        if any(map(_WORD.search, [upstream.name if upstream else "", *targets, *services])):
            return "audit.evidence.upstream"
        if workload is not None:
            words = [workload.name, workload.image, *workload.command, *workload.environment]
            if any(map(_WORD.search, (word.replace("_", " ") for word in words))):
                return "audit.evidence.workload"
        if server is None or server.by == "other-command":
            return ""
        is_server = workload is not None or any(
            isinstance(end, Target) and end.port == self._port for end in path.others
        )
        return "audit.evidence.server" if is_server else ""


def _extended(files: DeploymentFiles) -> Iterator[Workload]:
    """Yield the workloads with the facts of other resources about them, such as an autoscaler."""
    for workload in files.workloads:
        observed = dict(workload.observed)
        for namespace, kind, name, extra in files.extra:
            if (kind, name) == (workload.kind, workload.name) and namespace == workload.namespace:
                observed.update(extra)
        yield workload._replace(observed=observed)


def _built(workloads: Iterable[Workload]) -> tuple[Workload, ...]:
    """Return the workloads. One that is built from a Dockerfile has what the Dockerfile states, and replaces it."""
    every = list(workloads)
    files = [each for each in every if each.kind == "Dockerfile"]
    used: set[int] = set()
    found = []
    for workload in every:
        if workload.kind == "Dockerfile":
            continue
        file = next((each for each in files if workload.context and _same(each.context, workload.context)), None)
        if file is not None:
            used.add(id(file))
            own_command = bool(workload.command)
            stated = {} if own_command else file.observed
            workload = workload._replace(
                command=workload.command or file.command,
                environment={**file.environment, **workload.environment},
                ports=workload.ports or file.ports,
                observed={**stated, **workload.observed},
            )
        found.append(workload)
    return (*found, *(each for each in files if id(each) not in used))


def _same(folder: str, other: str) -> bool:
    return folder.strip("./") == other.strip("./")


def _selects(service: Service, workload: Workload) -> bool:
    labels = workload.labels
    return (
        bool(service.selector)
        and service.namespace == workload.namespace
        and all(labels.get(name) == value for name, value in service.selector.items())
    )


def _nearest(parts: Sequence[_Part], place: Location) -> _Part | None:
    """Return the part whose file is nearest to a file. The first part, if a file has several."""
    return min(parts, key=lambda part: _distance(part.location, place), default=None)


def _nearest_all(proxies: Sequence[Proxy], place: Location) -> list[Proxy]:
    least = min((_distance(each.location, place) for each in proxies), default=(0, 0))
    return [each for each in proxies if _distance(each.location, place) == least]


def _distance(location: Location, place: Location) -> tuple[int, int]:
    """Return how far two files are from each other in the tree of folders."""
    mine, other = location.path.split("/")[:-1], place.path.split("/")[:-1]
    shared = next((index for index, pair in enumerate(zip(mine, other, strict=False)) if pair[0] != pair[1]), None)
    shared = min(len(mine), len(other)) if shared is None else shared
    return len(mine) + len(other) - 2 * shared, len(mine)


def _can_run(workload: Workload, server: ScannedServer) -> bool:
    """Return whether a workload can run the only scanned server: it is about MCP, and it is not the image of others."""
    is_built = bool(workload.context) or workload.kind == "Dockerfile"
    names = (workload.name, workload.image, *workload.command)
    return is_built or (bool(workload.labels) and any(map(_WORD.search, names)))


def is_address(host: str) -> bool:
    """Return whether a host is a single machine: an IP address or this machine. A name can stand for several."""
    if host in _LOCAL:
        return True
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
