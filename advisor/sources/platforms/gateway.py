"""Reads routes of the Gateway API, and routes of Istio."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.deployment.model import Observation, Proxy, Route, Upstream
from advisor.findings import Location
from advisor.sources.platforms.marked import YamlNode
from advisor.sources.platforms.observed import from_node, observation, stated
from advisor.sources.platforms.resources import Backend, Cluster, Resource
from advisor.sources.platforms.settings import Settings, service_of
from advisor.sources.proxies.envoy_routes import retries_on
from advisor.sources.proxies.wording import Match, Notes, names, response_header, seconds

_DEFAULT = "gateway-api"
_MESH = "istio"
_MATCHES: dict[str, Match] = {"PathPrefix": "prefix", "Exact": "exact", "RegularExpression": "regex"}
_PERSISTENT = "stateful_session.envelope"


def http_route(resource: Resource, cluster: Cluster, settings: Settings) -> Proxy:
    """Return the proxy that an HTTPRoute configures, with the policies of its Gateway."""
    spec = resource.node.key("spec")
    observed: dict[str, Observation] = {}
    product = _DEFAULT
    for parent in spec.key("parentRefs").items():
        namespace, name = parent.key("namespace").text or resource.namespace, parent.key("name").text
        gateway = cluster.find("Gateway", namespace, name)
        observed.update(settings.attached("Gateway", namespace, name))
        if gateway is not None:
            class_name = gateway.node.get("spec.gatewayClassName").text
            product = settings.product(gateway.annotations, class_name, _DEFAULT)
            observed.update(_listener(gateway.node.get("spec.listeners"), parent.key("sectionName").text))
    observed.update(settings.attached(resource.kind, resource.namespace, resource.name))
    routes: list[Route] = []
    upstreams: dict[str, Upstream] = {}
    hosts = spec.key("hostnames").texts()
    for rule in spec.key("rules").items():
        backends = [
            Backend(
                backend.key("name").text,
                backend.key("namespace").text or resource.namespace,
                backend.key("port").text,
                backend.location,
            )
            for backend in rule.key("backendRefs").items()
            if backend.key("kind").text in ("", "Service")
        ]
        found = settings.of_backends(backends, in_mesh=product == _MESH)
        own = {**settings.part(found, "route"), **_rule(rule)}
        name = ""
        if backends:
            kept = {**settings.part(found, "upstream"), **_persistence(rule.key("sessionPersistence"))}
            upstream = cluster.upstream(backends, resource.namespace, kept, rule.location)
            name = (
                upstream.name
                if upstreams.get(upstream.name, upstream) == upstream
                else f"{upstream.name} {len(routes)}"
            )
            upstreams[name] = upstream._replace(name=name)
        for match in list(rule.key("matches").items()) or [rule.key("matches")]:
            path = match.key("path")
            kind = _MATCHES.get(path.key("type").text, "prefix") if path else "every"
            place = path.location if path else rule.location
            routes.append(Route(hosts, path.key("value").text or ("/" if path else ""), kind, name, place, own))
    return Proxy(
        product,
        resource.title,
        resource.location,
        tuple(upstreams.values()),
        tuple(routes),
        resource.namespace,
        observed,
    )


def _listener(listeners: YamlNode, section: str) -> dict[str, Observation]:
    for listener in listeners.items():
        if section in ("", listener.key("name").text) and listener.key("protocol").text in ("HTTPS", "TLS"):
            return {"listens_tls": Observation(value=True, location=listener.key("protocol").location)}
    return {}


def _rule(rule: YamlNode) -> dict[str, Observation]:
    """Return what a rule of an HTTPRoute states about its requests."""
    found: dict[str, Observation] = {}
    limits = [rule.get("timeouts.request"), rule.get("timeouts.backendRequest")]
    stated_limits = [(value, node) for node in limits if (value := seconds(node.text)) is not None]
    if stated_limits:  # the shorter of the limits that are not 0 ends a response
        value, node = min(stated_limits, key=lambda limit: limit[0] or float("inf"))
        found["total_timeout"] = Observation(value, node.location)
    codes = rule.get("retry.codes")
    kinds = dict.fromkeys("http-5xx" if code.startswith("5") else "http-4xx" for code in codes.texts())
    if kinds:
        found["retries_on"] = Observation(tuple(kinds), codes.location)
    added: list[tuple[str, YamlNode]] = []
    for part in rule.key("filters").items():
        kind, place = part.key("type").text, part.location
        if kind == "URLRewrite":
            if part.get("urlRewrite.path"):
                found["rewrites_path"] = Observation(value=True, location=place)
            if part.get("urlRewrite.hostname"):
                found["sets_host"] = Observation("fixed", place)
        elif kind == "RequestRedirect":
            scheme = part.get("requestRedirect.scheme").text
            found["redirects"] = Observation("https" if scheme == "https" else "other", place)
        elif kind == "RequestHeaderModifier":
            found.update(_headers(part.get("requestHeaderModifier.remove"), "removes_request_headers"))
        elif kind == "ResponseHeaderModifier":
            found.update(_headers(part.get("responseHeaderModifier.remove"), "removes_response_headers"))
            for change in ("add", "set"):
                given = part.get(f"responseHeaderModifier.{change}").items()
                added += [(each.key("name").text, each.key("value")) for each in given]
        elif kind == "CORS":
            found.update(_headers(part.get("cors.allowHeaders"), "cors_headers"))
            found.update(_headers(part.get("cors.exposeHeaders"), "cors_exposes"))
            found.update(_origin(part.get("cors.allowOrigins")))
    return {**_added(added), **found}


def _added(headers: list[tuple[str, YamlNode]]) -> Notes:
    """Return what response headers say that a route adds, with their values."""
    notes = Notes()
    for name, value in headers:
        response_header(name, value.text, value.location, notes)
    return notes


def _origin(origins: YamlNode) -> dict[str, Observation]:
    texts = [item.text or next((value.text for _, value in item.pairs()), "") for item in origins.items()]
    return {"cors_origin": Observation(texts[0], origins.location)} if texts and texts[0] else {}


def _headers(node: YamlNode, name: str) -> dict[str, Observation]:
    names = tuple(text.lower() for text in node.texts())
    return {name: Observation(names, node.location)} if names else {}


def _persistence(session: YamlNode) -> dict[str, Observation]:
    if not session:
        return {}
    kind = session.key("type")
    value = "session-header" if kind.text == "Header" else "cookie"
    place = kind.location if kind else session.location
    timeout = from_node(session.key("idleTimeout"), "seconds")
    return {"sticky": Observation(value, place), **stated(sticky_timeout=timeout)}


def mesh(cluster: Cluster, settings: Settings) -> Iterator[Proxy]:
    """Yield the proxies of Istio: its routes, and the rules of Services to which no route leads."""
    envelopes = {resource.namespace: place for resource in cluster.of("EnvoyFilter") if (place := _envelope(resource))}
    routed = set()
    for resource in cluster.of("VirtualService"):
        if resource.group.startswith("networking.istio.io"):
            proxy, services = _virtual_service(resource, cluster, settings, envelopes)
            routed |= services
            yield proxy
    for resource in cluster.of("DestinationRule"):
        namespace, name = service_of(resource.node.get("spec.host"), resource)
        if name and (namespace, name) not in routed:
            backend = Backend(name, namespace, "", resource.location)
            found = settings.of_backends([backend], in_mesh=True)
            kept = {**_rewritten(envelopes, resource), **settings.part(found, "upstream")}
            upstream = cluster.upstream([backend], resource.namespace, kept, resource.location)
            route = Route((), "", "every", upstream.name, resource.location, settings.part(found, "route"))
            yield Proxy(_MESH, resource.title, resource.location, (upstream,), (route,), resource.namespace)


def _envelope(resource: Resource) -> Location | None:
    """Return the place at which an EnvoyFilter puts the instance into the session id; None if it does not do that."""
    pending = [resource.node.key("spec")]
    while pending:
        node = pending.pop()
        for _, value in node.pairs():
            pending.append(value)
        pending += node.items()
        if _PERSISTENT in node.text:
            return node.location
    return None


def _rewritten(envelopes: dict[str, Location], resource: Resource) -> dict[str, Observation]:
    place = envelopes.get(resource.namespace) or envelopes.get("istio-system")
    return {"sticky": Observation("rewritten", place)} if place else {}


def _virtual_service(
    resource: Resource, cluster: Cluster, settings: Settings, envelopes: dict[str, Location]
) -> tuple[Proxy, set[tuple[str, str]]]:
    hosts = tuple(host for host in resource.node.get("spec.hosts").texts() if host != "*")
    routes: list[Route] = []
    upstreams: dict[str, Upstream] = {}
    services = set()
    for rule in resource.node.get("spec.http").items():
        backends = []
        for destination in rule.key("route").items():
            host = destination.get("destination.host")
            namespace, name = service_of(host, resource)
            services.add((namespace, name))
            backends.append(Backend(name, namespace, destination.get("destination.port.number").text, host.location))
        found = settings.of_backends(backends, in_mesh=True)
        own = {**settings.part(found, "route"), **_istio_rule(rule)}
        upstream_name = ""
        if backends:
            kept = {**_rewritten(envelopes, resource), **settings.part(found, "upstream")}
            upstream = cluster.upstream(backends, resource.namespace, kept, rule.location)
            upstream_name = upstream.name
            upstreams.setdefault(upstream_name, upstream)
        for match in list(rule.key("match").items()) or [rule.key("match")]:
            path, kind, place = _uri(match, rule)
            routes.append(Route(hosts, path, kind, upstream_name, place, own))
    proxy = Proxy(
        _MESH, resource.title, resource.location, tuple(upstreams.values()), tuple(routes), resource.namespace
    )
    return proxy, services


def _uri(match: YamlNode, rule: YamlNode) -> tuple[str, Match, Location]:
    uri = match.key("uri")
    kinds: tuple[Match, ...] = ("prefix", "exact", "regex")
    for kind in kinds:
        if uri.key(kind):
            return uri.key(kind).text, kind, uri.key(kind).location
    return "", "every", rule.location


def _istio_rule(rule: YamlNode) -> dict[str, Observation]:
    retries = rule.key("retries")
    kinds = retries_on(names(retries.key("retryOn").text), ["503"])
    attempts = retries.key("attempts")
    if attempts.number == 0:
        kinds = ("none",)
    place = (retries.key("retryOn") or attempts or retries).location
    rewrite, redirect, cors = rule.get("rewrite.uri"), rule.key("redirect"), rule.key("corsPolicy")
    added = [each for change in ("add", "set") for each in rule.get(f"headers.response.{change}").pairs()]
    return {
        **_added(added),
        **stated(
            total_timeout=from_node(rule.key("timeout"), "seconds"),
            first_byte_timeout=from_node(retries.key("perTryTimeout"), "seconds"),
            retries_on=observation(kinds or None, place),
            rewrites_path=Observation(value=True, location=rewrite.location) if rewrite else None,
            sets_host=Observation("fixed", rule.get("rewrite.authority").location)
            if rule.get("rewrite.authority")
            else None,
            redirects=Observation("https" if redirect.key("scheme").text == "https" else "other", redirect.location)
            if redirect
            else None,
        ),
        **_headers(rule.get("headers.request.remove"), "removes_request_headers"),
        **_headers(rule.get("headers.response.remove"), "removes_response_headers"),
        **_headers(cors.key("allowHeaders"), "cors_headers"),
        **_headers(cors.key("exposeHeaders"), "cors_exposes"),
        **_origin(cors.key("allowOrigins")),
    }
