"""Joins proxies, Services, workloads and servers to the paths that requests take. Judges nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from ipaddress import ip_address
from itertools import islice
from typing import NamedTuple

from advisor.audits.deployment_parts import LOCAL, MOST_TARGETS, DeploymentParts, PathEnd
from advisor.audits.other_programs import MCP_WORD, OtherPrograms
from advisor.audits.scanned_servers import RunServer, ScannedServer, candidates, names_other_module, server_of
from advisor.deployment.model import DeploymentFiles, Proxy, Route, Service, Target, Upstream, Workload

MOST_PATHS = 500
"""The most paths that are judged, so that a file with very many routes does not take long."""
IMAGE = "audit.evidence.image"
"""The evidence that only the name of an image is about MCP. It is weak: other programs run from the same image."""
_SESSION_VALUES = {"balance": {"session-hash"}, "sticky": {"learned", "requested", "rewritten"}}


class RequestPath(NamedTuple):
    """A path of requests. A part that is not known, or that the path does not have, is None or ().

    Attributes:
        proxy, route, upstream: the rule of a proxy and where it sends requests.
        service: the Service of Kubernetes in front of the workload.
        workload: the workload that answers. A path with several workloads is several paths.
        others: the other workloads and addresses of the same upstream.
        server: the scanned server that the workload runs.
        candidates: the scanned servers that the workload can run, if it is not known which it runs.
        next_proxy: the product of a proxy that the workload runs, or "".
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
    candidates: tuple[ScannedServer, ...] = ()
    next_proxy: str = ""
    front: Proxy | None = None
    proxy_workload: Workload | None = None
    evidence: str = ""


def request_paths(
    files: DeploymentFiles,
    servers: tuple[ScannedServer, ...],
    products: Iterable[str],
    port: int,
    others: Collection[str] = (),
    programs: Iterable[str] = (),
    modules: Collection[str] = (),
) -> tuple[RequestPath, ...]:
    """Return all paths of requests to MCP servers: of each route, then of each workload without a route.

    Args:
        files: what the readers found.
        servers: the servers in the scanned code.
        products: the ids of proxies, which are also the names of their images.
        port: the port on which a server of the SDKs listens by default.
        others: the paths of requests that are no requests of MCP, with wildcards.
        programs: the names of programs that are no MCP server.
        modules: the files with servers in the scanned code, also of servers that only run over stdio.
    """
    known = {*modules, *(each.code.location.path for each in servers)}
    joiner = _Joiner(DeploymentParts(files, products), servers, port, OtherPrograms(programs), known)
    of_mcp = (path for path in joiner.paths(files.proxies) if path.evidence and not _is_other(path.route, others))
    return tuple(islice(of_mcp, MOST_PATHS))


def _is_other(route: Route | None, others: Collection[str]) -> bool:
    """Return whether only other requests than those of MCP use a route, such as health checks."""
    if route is None or not route.path or route.match in ("regex", "every"):
        return False
    path = route.path.rstrip("*").rstrip("/").lower()
    return any(fnmatchcase(f"{path}/" if other.endswith("/*") else path, f"*{other}") for other in others)


class _Joiner:
    def __init__(
        self,
        parts: DeploymentParts,
        servers: tuple[ScannedServer, ...],
        port: int,
        programs: OtherPrograms,
        modules: Collection[str],
    ) -> None:
        self._parts = parts
        self._servers = servers
        self._port = port
        self._programs = programs
        self._modules = modules
        self._fronts: dict[int, Proxy] = {}

    def paths(self, proxies: Sequence[Proxy]) -> Iterator[RequestPath]:
        reached: set[int] = set()
        for proxy in proxies if self._parts.has_proxy_workloads else ():
            for group in proxy.upstreams:
                self._note_fronts(group, proxy)
        for proxy in proxies:
            upstreams = {each.name: each for each in proxy.upstreams}
            for route in proxy.routes:
                upstream = upstreams.get(route.upstream)
                ends = self._ends(upstream, proxy) if upstream is not None else []
                for path in self._of_route(proxy, route, upstream, ends):
                    reached.update([id(path.workload)] if path.workload is not None else [])
                    yield path
        for workload in self._parts.workloads:
            if id(workload) not in reached and not self._parts.product(workload):
                yield self._finished(RequestPath(service=self._parts.service_of(workload), workload=workload))

    def _note_fronts(self, upstream: Upstream, proxy: Proxy) -> None:
        """Note that a proxy is in front of the proxies that are the targets of an upstream."""
        for end in self._ends(upstream, proxy):
            for behind in self._parts.configurations(end.workload) if end.workload is not None else ():
                if behind is not proxy:
                    self._fronts.setdefault(id(behind), proxy)

    def _ends(self, upstream: Upstream, proxy: Proxy) -> list[PathEnd]:
        return [end for target in upstream.targets[:MOST_TARGETS] for end in self._parts.ends(target, proxy)]

    def _of_route(
        self, proxy: Proxy, route: Route, upstream: Upstream | None, ends: list[PathEnd]
    ) -> Iterator[RequestPath]:
        front, runner = self._fronts.get(id(proxy)), self._parts.runner(proxy)
        here = RequestPath(proxy, route, upstream, front=front, proxy_workload=runner)
        workloads = {id(end.workload): end for end in ends if end.workload is not None}
        unknown = tuple(end.target for end in ends if end.workload is None)
        for end in workloads.values():
            rest = [other.workload for other in workloads.values() if other.workload and other is not end]
            others: tuple[Workload | Target, ...] = (*rest, *unknown)
            yield self._finished(here._replace(service=end.service, workload=end.workload, others=others))
        if not workloads:
            service = next((end.service for end in ends if end.service is not None), None)
            yield self._finished(here._replace(service=service, others=unknown))

    def _finished(self, path: RequestPath) -> RequestPath:
        """Return a path with its server and with the evidence that its requests go to an MCP server."""
        workload = path.workload
        next_proxy = self._parts.product(workload) if workload is not None else ""
        server = None if next_proxy else server_of(workload, self._servers)
        is_named = server is not None and server.by in ("command", "context")
        if not is_named and (self._programs.run_by(workload) or self._programs.named(_names(path))):
            return path._replace(next_proxy=next_proxy)
        evidence = _evidence(path)
        if evidence == IMAGE and not is_named and names_other_module(workload, self._modules):
            evidence = ""
        if server is not None and server.by == "only":
            is_likely = bool(evidence) or self._listens(path) if workload is None else _can_run(workload)
            server = server if is_likely else None
        if not evidence and server is not None and server.by != "other-command":
            evidence = "audit.evidence.server"
        found: tuple[ScannedServer, ...] = ()
        if server is None and workload is not None and not next_proxy and evidence not in ("", IMAGE):
            found = candidates(workload, self._servers)[:MOST_TARGETS] if _can_run(workload) else ()
        return path._replace(
            server=server, candidates=found if len(found) > 1 else (), next_proxy=next_proxy, evidence=evidence
        )

    def _listens(self, path: RequestPath) -> bool:
        """Return whether a path leads to this machine, and to the port on which servers listen by default."""
        ends = [end for end in path.others if isinstance(end, Target)]
        return any(end.host in LOCAL and end.port == self._port for end in ends)


def _can_run(workload: Workload) -> bool:
    """Return whether a workload can run the only scanned server: it is about MCP, and it is not the image of others."""
    is_built = bool(workload.context) or workload.kind == "Dockerfile"
    names = (workload.name, _image_name(workload), *workload.command)
    return is_built or (bool(workload.labels) and any(map(MCP_WORD.search, names)))


def _image_name(workload: Workload) -> str:
    """Return the name of an image without its registry and owner, who can have other images, too."""
    return workload.image.rpartition("/")[2]


def _evidence(path: RequestPath) -> str:
    """Return what says that requests of a path go to an MCP server, apart from the scanned code."""
    upstream, route, workload = path.upstream, path.route, path.workload
    if upstream is not None:
        for name, values in _SESSION_VALUES.items():
            stated = upstream.observed.get(name)
            if stated is not None and stated.value in values:
                return "audit.evidence.session"
    names = [route.path, *route.hosts] if route is not None else []
    if any(map(MCP_WORD.search, names)):
        return "audit.evidence.path"
    targets = [target.host for target in upstream.targets] if upstream is not None else []
    services = [path.service.name] if path.service is not None else []
    if any(map(MCP_WORD.search, [upstream.name if upstream else "", *targets, *services])):
        return "audit.evidence.upstream"
    words = [workload.name, *workload.command] if workload is not None else []
    if any(MCP_WORD.search(word.replace("_", " ")) for word in words):
        return "audit.evidence.workload"
    return IMAGE if workload is not None and MCP_WORD.search(_image_name(workload).replace("_", " ")) else ""


def _names(path: RequestPath) -> Iterator[str]:
    """Yield the names of the parts of a path, apart from the command of the workload."""
    if path.route is not None:
        yield from (host.partition(".")[0] for host in path.route.hosts)
    if path.upstream is not None:
        yield path.upstream.name
        yield from (target.host.partition(".")[0] for target in path.upstream.targets)
    if path.service is not None:
        yield path.service.name
    if path.workload is not None:
        yield path.workload.name
        if not path.workload.command:
            yield _image_name(path.workload).partition("@")[0].partition(":")[0]


def is_address(host: str) -> bool:
    """Return whether a host is a single machine: an IP address or this machine. A name can stand for several."""
    if host in LOCAL:
        return True
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
