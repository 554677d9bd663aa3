"""Reads static configurations and xDS resources of Envoy: listeners, routes and clusters."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from advisor.deployment.model import DeploymentFiles, NotRead, Proxy, Route, Upstream
from advisor.findings import Location
from advisor.sources.platforms.marked import UnreadableError, YamlNode
from advisor.sources.proxies.envoy_clusters import (
    NOTHING,
    configuration,
    duration,
    field,
    hash_notes,
    hashes,
    protocol_notes,
    read_cluster,
    session_notes,
    type_of,
)
from advisor.sources.proxies.envoy_routes import header_notes, matched, route_notes
from advisor.sources.proxies.wording import Files, Notes
from advisor.sources.proxies.yaml_files import yaml_documents

__all__ = ["is_envoy", "read", "read_all"]

_WORDS = re.compile(
    r"^\s*[\"']?(?:static_resources|staticResources|dynamic_resources)[\"']?\s*:|type\.googleapis\.com/envoy\.",
    re.MULTILINE,
)
_KUBERNETES = re.compile(r"^[\s\-\"']*apiVersion[\"']?\s*:", re.MULTILINE)
_SESSION_FILTER = "envoy.filters.http.stateful_session"
_JOINING_CLUSTERS = ("envoy.clusters.aggregate", "envoy.clusters.mcp_multicluster")
# These filters of Envoy 1.40 select the cluster of an MCP request, so routes do not say where the request goes.
_MCP_ROUTERS = ("envoy.filters.http.mcp_router", "envoy.filters.http.mcp_json_rest_bridge")


def is_envoy(text: str, path: str) -> bool:
    """Whether a file is a configuration of Envoy, or resources that Envoy reads from files."""
    is_named = path.lower().rpartition(".")[2] in ("yaml", "yml", "json", "tmpl", "j2", "tpl", "template", "envoy")
    return is_named and _WORDS.search(text) is not None and _KUBERNETES.search(text) is None


class _Resources(NamedTuple):
    listeners: list[YamlNode]
    routes: dict[str, YamlNode]
    clusters: dict[str, YamlNode]
    endpoints: dict[str, YamlNode]

    def join(self, other: _Resources) -> None:
        """Add what other files have. Own resources have priority."""
        for own, theirs in ((self.routes, other.routes), (self.clusters, other.clusters)):
            for name, node in theirs.items():
                own.setdefault(name, node)
        for name, node in other.endpoints.items():
            self.endpoints.setdefault(name, node)


def read_all(paths: Sequence[str], files: Files) -> DeploymentFiles:
    """Read the files of Envoy among the audited files. A file can use the resources of other files in its folder.

    Args:
        paths: the files for which `is_envoy` holds.
        files: all audited files.
    """
    problems: list[NotRead] = []
    resources: dict[str, _Resources] = {}
    for path in paths:
        try:
            found = _collect(yaml_documents(files[path], path))
        except UnreadableError as error:
            problems.append(NotRead(path, str(error)))
            continue
        if any(found):
            resources[path] = found
        else:
            problems.append(
                NotRead(path, "the file has no listeners, routes, clusters or endpoints that Envoy can read")
            )
    proxies: list[Proxy] = []
    used: set[str] = set()
    folders: dict[str, _Resources] = {}
    for path in sorted(resources, key=lambda path: (not resources[path].listeners, not resources[path].routes)):
        own = resources[path]
        if path in used or not (own.listeners or own.routes or own.clusters):
            continue
        joined = _Resources(list(own.listeners), dict(own.routes), dict(own.clusters), dict(own.endpoints))
        folder = posixpath.dirname(path)
        if folder not in folders:
            folders[folder] = _Resources([], {}, {}, {})
            for other, theirs in resources.items():
                if posixpath.dirname(other) == folder:
                    folders[folder].join(theirs)
        joined.join(folders[folder])
        reader = _Reader(path, joined)
        proxies.extend(reader.proxies(own))
        used |= reader.used
        problems.extend(reader.problems)
    return DeploymentFiles(tuple(resources), tuple(problems), tuple(proxies))


def read(text: str, path: str, files: Files) -> DeploymentFiles:
    """Read a file of Envoy.

    Args:
        text: the file.
        path: its path relative to the audited path.
        files: all audited files. Only the file itself is read.
    """
    return read_all([path], {path: text})


def _collect(documents: Sequence[YamlNode]) -> _Resources:
    found = _Resources([], {}, {}, {})
    for root in documents:
        static = field(root, "static_resources")
        for node in static.key("listeners").items():
            found.listeners.append(node)
        for node in static.key("clusters").items():
            found.clusters.setdefault(node.key("name").text, node)
        single = [root] if root.key("@type") else []
        resources = [*root.items()] if root.is_list else [*root.key("resources").items()] or single
        for node in resources:
            inner = node.key("resource") or node  # a resource with a version
            name = inner.key("name").text
            if field(inner, "filter_chains") or field(inner, "default_filter_chain"):
                found.listeners.append(inner)
            elif field(inner, "virtual_hosts"):
                found.routes.setdefault(name, inner)
            elif field(inner, "cluster_name") and inner.key("endpoints"):
                found.endpoints.setdefault(field(inner, "cluster_name").text, inner)
            elif type_of(inner) == "Cluster" or field(inner, "load_assignment") or field(inner, "lb_policy"):
                found.clusters.setdefault(name, inner)
    return found


class _Reader:
    """Makes the proxy of a file.

    Attributes:
        used: the files whose resources the proxy has.
        problems: what was not read.
    """

    def __init__(self, path: str, resources: _Resources) -> None:
        self._path = path
        self._resources = resources
        self._upstreams: dict[str, Upstream] = {}
        self._longest = YamlNode(None, path)
        self.used: set[str] = {path}
        self.problems: list[NotRead] = []

    def _note(self, problem: NotRead) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def proxies(self, own: _Resources) -> Iterator[Proxy]:
        """Yield the proxy, if the file has routes or clusters."""
        routes = [route for listener in own.listeners for route in self._listener(listener)]
        if not own.listeners:
            for configured in own.routes.values():
                routes.extend(self._configured(configured, Notes(), Notes()))
        for name in own.clusters:
            if not any(upstream == name or upstream.startswith(f"{name} (") for upstream in self._upstreams):
                self._use(name, Notes(), own.clusters[name].location)
        if routes or self._upstreams:
            place = Location(self._path)
            yield Proxy("envoy", self._path, place, tuple(self._upstreams.values()), tuple(routes))

    def _listener(self, listener: YamlNode) -> Iterator[Route]:
        chains = [*field(listener, "filter_chains").items(), field(listener, "default_filter_chain")]
        for chain in chains:
            notes = Notes()
            socket = field(chain, "transport_socket")
            address = listener.key("address")
            notes.note("listens_tls", bool(socket), (socket or address or listener).location)
            for item in chain.key("filters").items():
                inner = configuration(item)
                if type_of(inner) == "HttpConnectionManager" or item.key("name").text.endswith(
                    "http_connection_manager"
                ):
                    yield from self._manager(inner, notes)
                elif type_of(inner) == "TcpProxy" or item.key("name").text.endswith("tcp_proxy"):
                    yield from self._tcp(inner, notes)

    def _tcp(self, inner: YamlNode, notes: Notes) -> Iterator[Route]:
        duration(notes, "idle_timeout", field(inner, "idle_timeout"))
        for cluster in self._clusters(inner):
            yield Route((), "", "every", self._use(cluster, Notes(), inner.location), inner.location, notes)

    def _manager(self, manager: YamlNode, outer: Notes) -> Iterator[Route]:
        notes = Notes(outer)
        duration(notes, "idle_timeout", field(manager, "stream_idle_timeout"))
        common = field(manager, "common_http_protocol_options")
        duration(notes, "client_idle_timeout", field(common, "idle_timeout"))
        self._longest = field(common, "max_stream_duration")
        remote = field(manager, "use_remote_address")
        if remote.truth:
            notes.extend("sets_forwarded", ("x-forwarded-for", "x-forwarded-proto"), remote.location)
        sessions = Notes()
        for item in field(manager, "http_filters").items():
            self._filter(item, notes, sessions)
        inline = field(manager, "route_config")
        name = field(manager, "rds", "route_config_name").text
        configured = inline or self._resources.routes.get(name)
        if configured is None:
            place = manager.location
            self.problems.append(NotRead(place.path, f"the routes {name} of line {place.line} are not in the files"))
            return
        yield from self._configured(configured, notes, sessions)

    def _filter(self, item: YamlNode, notes: Notes, sessions: Notes) -> None:
        name = item.key("name").text
        inner = configuration(item)
        kind = type_of(inner) or name.rpartition(".")[2]
        if item.key("disabled").truth:
            return
        if kind in ("StatefulSession", "stateful_session"):
            sessions.update(session_notes(inner))
        elif kind in ("Buffer", "buffer"):
            most = field(inner, "max_request_bytes")
            notes.note("body_limit", most.number, most.location)
            notes.note("request_buffering", True, item.location)
        elif kind in ("Compressor", "compressor"):
            notes.note("compression", True, item.location)
        elif kind in ("CacheConfig", "cache"):
            notes.note("cache", True, item.location)
        elif (kind in ("LocalRateLimit", "local_ratelimit") and field(inner, "token_bucket")) or kind in (
            "RateLimit",
            "ratelimit",
        ):
            notes.note("rate_limited", True, item.location)
        elif name in _MCP_ROUTERS or kind in ("McpRouter", "McpJsonRestBridge"):
            place = item.location
            why = f"the filter {name or kind} of line {place.line} routes requests in its own way"
            self.problems.append(NotRead(place.path, why))

    def _configured(self, configured: YamlNode, outer: Notes, sessions: Notes) -> Iterator[Route]:
        self.used.add(configured.path)
        for host in field(configured, "virtual_hosts").items():
            domains = tuple(name for name in host.key("domains").texts() if name != "*")
            notes = Notes(outer)
            for level in (configured, host):
                header_notes(level, notes)
            if host.key("matcher"):
                place = host.key("matcher").location
                self.problems.append(NotRead(place.path, f"the matcher of line {place.line} is not read"))
            for node in host.key("routes").items():
                yield from self._route(node, domains, notes, self._sessions(node, host, sessions))

    def _sessions(self, route: YamlNode, host: YamlNode, outer: Notes) -> Notes:
        """Return the stickiness of a route: its own, that of its virtual host, or that of the connection manager."""
        for level in (route, host):
            own = field(level, "typed_per_filter_config").key(_SESSION_FILTER)
            if own.key("disabled").truth:
                return Notes()
            if own:
                return session_notes(field(own, "stateful_session"))
        return outer

    def _route(self, node: YamlNode, hosts: tuple[str, ...], outer: Notes, sessions: Notes) -> Iterator[Route]:
        notes = Notes(outer)
        path, match = matched(node.key("match"), notes)
        header_notes(node, notes)
        action = node.key("route")
        if not action:
            redirect = node.key("redirect")
            if not redirect:  # a fixed answer
                return
            secure = field(redirect, "https_redirect")
            notes.note("redirects", "https" if secure.truth else "other", redirect.location)
            yield Route(hosts, path, match, "", node.location, notes)
            return
        if field(action, "cluster_header"):
            place = action.location
            self.problems.append(
                NotRead(place.path, f"a header of the request selects the cluster of line {place.line}")
            )
        for cluster in self._clusters(action):
            own = Notes(notes)
            known = self._resources.clusters.get(cluster)
            if known is not None:
                protocol_notes(known, own)
            route_notes(node, self._longest, own)
            extra = Notes(sessions)
            if known is not None and hashes(known):
                extra = Notes({**hash_notes(action), **sessions})
            yield Route(hosts, path, match, self._use(cluster, extra, action.location), node.location, own)

    @staticmethod
    def _clusters(action: YamlNode) -> list[str]:
        names = [item.key("name").text for item in field(action, "weighted_clusters", "clusters").items()]
        single = action.key("cluster").text
        return [single] if single else [name for name in dict.fromkeys(names) if name]

    def _use(self, cluster: str, extra: Notes, place: Location) -> str:
        """Return the name of the upstream for a cluster whose routes say how sessions stick."""
        node = self._resources.clusters.get(cluster)
        if node is None:
            upstream = Upstream(cluster, place, (), extra)
        else:
            self.used.add(node.path)
            kind = field(node, "cluster_type", "name")
            if kind.text in _JOINING_CLUSTERS:
                why = f"the cluster type {kind.text} of line {kind.line} selects another cluster in its own way"
                self._note(NotRead(kind.path, why))
            service = field(node, "eds_cluster_config", "service_name").text or cluster
            endpoints = self._resources.endpoints.get(service, NOTHING)
            if endpoints:
                self.used.add(endpoints.path)
            upstream = read_cluster(node, endpoints)
            upstream = upstream._replace(name=cluster, observed=Notes({**upstream.observed, **extra}))
        old = self._upstreams.get(cluster)
        name = cluster
        if old is not None and _stated(old) != _stated(upstream):
            name = f"{cluster} (line {place.line})"
        self._upstreams.setdefault(name, upstream._replace(name=name))
        return name


def _stated(upstream: Upstream) -> dict[str, object]:
    return {name: observation.value for name, observation in upstream.observed.items()}
