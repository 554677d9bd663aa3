"""Reads what sends requests into a cluster: Ingresses, Services with a load balancer, and routes of controllers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from advisor.deployment.model import Observation, Proxy, Route, Target, Upstream
from advisor.sources.platforms.marked import YamlNode
from advisor.sources.platforms.observed import from_node, stated
from advisor.sources.platforms.resources import Backend, Cluster, Resource
from advisor.sources.platforms.settings import Settings
from advisor.sources.proxies.traefik_settings import middleware_notes
from advisor.sources.proxies.wording import SESSION_HEADER, Match, Notes, seconds

OTHER = "other"
"""The product of rules/proxies.yaml for a proxy that nothing names."""
_MATCHES: dict[str, Match] = {"Prefix": "prefix", "Exact": "exact"}
_MATCHER = re.compile(r"(!?)(Host|HostSNI|PathPrefix|Path|PathRegexp)\(([^()]{0,2000})\)")
_QUOTED = re.compile(r"[`'\"]([^`'\"]*)[`'\"]")


def ingress(resource: Resource, cluster: Cluster, settings: Settings) -> Proxy:
    """Return the proxy that an Ingress configures."""
    spec = resource.node.key("spec")
    class_name = spec.key("ingressClassName").text or resource.annotations.key("kubernetes.io/ingress.class").text
    product = settings.product(resource.annotations, class_name, OTHER)
    middlewares = _named_middlewares(resource, cluster, settings)
    observed = {**_tls(spec), **settings.of_product(resource.annotations, product), **middlewares}
    joined = _Routes(resource, cluster, settings)
    for rule in spec.key("rules").items():
        host = rule.key("host").text
        for path in rule.get("http.paths").items():
            text = path.key("path").text
            joined.add((host,) if host else (), text, _match(text, path.key("pathType").text), _backend(path, resource))
    if spec.key("defaultBackend"):
        joined.add((), "", "every", _backend(spec, resource, "defaultBackend"))
    return joined.proxy(product, observed)


def snippets(resource: Resource) -> Iterator[str]:
    """Yield the reason for each annotation with text in the language of a proxy."""
    for name, value in resource.annotations.pairs():
        if name.endswith("-snippet") or name.endswith("-snippets"):
            yield f"line {value.line}: the directives in the annotation {name} of {resource.title} are not read"


def _match(path: str, kind: str) -> Match:
    if not path:
        return "every"
    return _MATCHES.get(kind) or ("regex" if re.search(r"[()*\\\[|^$]", path) else "prefix")


def _backend(node: YamlNode, resource: Resource, key: str = "backend") -> list[Backend]:
    backend = node.key(key)
    service = backend.key("service")
    name = service.key("name") or backend.key("serviceName")  # serviceName in networking.k8s.io/v1beta1
    port = service.get("port.number") or service.get("port.name") or backend.key("servicePort")
    return [Backend(name.text, resource.namespace, port.text, name.location)] if name else []


class _Routes:
    """The routes of a proxy and their upstreams."""

    def __init__(self, resource: Resource, cluster: Cluster, settings: Settings) -> None:
        self.routes: list[Route] = []
        self.upstreams: dict[str, Upstream] = {}
        self._resource = resource
        self._cluster = cluster
        self._settings = settings

    def add(
        self,
        hosts: tuple[str, ...],
        path: str,
        match: Match,
        backends: list[Backend],
        route: dict[str, Observation] | None = None,
        upstream: dict[str, Observation] | None = None,
    ) -> None:
        """Add a route to Services. `route` and `upstream` have its own observations."""
        found = self._settings.of_backends(backends)
        place = backends[0].location if backends else self._resource.location
        name = ""
        if backends:
            observed = {**self._settings.part(found, "upstream"), **(upstream or {})}
            made = self._cluster.upstream(backends, self._resource.namespace, observed, place)
            name = made.name
            self.upstreams.setdefault(name, made)
        own = {**self._settings.part(found, "route"), **(route or {})}
        self.routes.append(Route(hosts, path, match, name, place, own))

    def proxy(self, product: str, observed: dict[str, Observation]) -> Proxy:
        """Return the proxy with these routes, which has the place and the name of the resource."""
        return Proxy(
            product=product,
            name=self._resource.title,
            location=self._resource.location,
            upstreams=tuple(self.upstreams.values()),
            routes=tuple(self.routes),
            namespace=self._resource.namespace,
            observed=observed,
        )


def _tls(node: YamlNode) -> dict[str, Observation]:
    """Return the observation that clients connect with TLS, if a specification has the key `tls`."""
    tls = node.key("tls")
    return {"listens_tls": Observation(value=True, location=tls.location)} if tls else {}


def load_balancer(service: Resource, settings: Settings) -> Proxy | None:
    """Return the load balancer in front of a Service; None if the annotations say nothing about it."""
    spec = service.node.key("spec")
    product = settings.product(service.annotations, spec.key("loadBalancerClass").text, "")
    if spec.key("type").text != "LoadBalancer" or not product:
        return None
    ports = [port.key("port").number or 0 for port in spec.key("ports").items()]
    upstream = one_upstream(service, ports)
    return Proxy(
        product=product,
        name=service.title,
        location=service.location,
        upstreams=(upstream,),
        routes=(every_route(upstream),),
        namespace=service.namespace,
        observed=settings.annotations(service),
    )


def one_upstream(resource: Resource, ports: list[int] | None = None) -> Upstream:
    """Return the upstream with the instances of a resource."""
    targets = tuple(Target(resource.name, port, resource.location, is_pool=True) for port in ports or [0])
    return Upstream(resource.name, resource.location, targets)


def every_route(upstream: Upstream) -> Route:
    """Return the route of every request to an upstream."""
    return Route((), "", "every", upstream.name, upstream.location)


def ingress_route(resource: Resource, cluster: Cluster, settings: Settings, product: str) -> Proxy:
    """Return the proxy of an IngressRoute, with its middlewares."""
    joined = _Routes(resource, cluster, settings)
    spec = resource.node.key("spec")
    for rule in spec.key("routes").items():
        own = Notes()
        for reference in rule.key("middlewares").items():
            namespace = reference.key("namespace").text or resource.namespace
            found = cluster.find("Middleware", namespace, reference.key("name").text)
            if found is not None:
                middleware_notes(found.node.key("spec"), own)
        backends = []
        balance: dict[str, Observation] = {}
        for service in rule.key("services").items():
            name = service.key("name")
            if service.key("kind").text in ("", "Service") and name:
                place = service.key("namespace").text or resource.namespace
                backends.append(Backend(name.text, place, service.key("port").text, name.location))
            balance.update(_sticky(service))
            own.update(_passed(service))
        for hosts, path, match in _matches(rule.key("match").text):
            joined.add(hosts, path, match, backends, own, balance)
    return joined.proxy(product, _tls(spec))


def _matches(text: str) -> list[tuple[tuple[str, ...], str, Match]]:
    """Return the hosts and paths of a rule such as "Host(`a`) && PathPrefix(`/mcp`)"."""
    hosts: list[str] = []
    paths: list[tuple[str, Match]] = []
    for negated, name, given in _MATCHER.findall(text[:5000]):
        values = _QUOTED.findall(given)
        if negated:
            continue
        if name.startswith("Host"):
            hosts += values
        else:
            kind: Match = "prefix" if name == "PathPrefix" else "exact" if name == "Path" else "regex"
            paths += [(value, kind) for value in values]
    return [(tuple(hosts), path, kind) for path, kind in paths or [("", "every")]]


def _sticky(service: YamlNode) -> dict[str, Observation]:
    cookie = service.get("sticky.cookie")
    if not (cookie or service.key("sticky")):
        return {}
    return {
        "sticky": Observation("cookie", (cookie or service.key("sticky")).location),
        **stated(
            cookie_secure=from_node(cookie.key("secure"), "yes-no"),
            cookie_path=from_node(cookie.key("path"), "word"),
        ),
    }


def _passed(service: YamlNode) -> dict[str, Observation]:
    passes, scheme = service.key("passHostHeader"), service.key("scheme")
    return {
        **({"sets_host": Observation("client" if passes.truth else "upstream", passes.location)} if passes else {}),
        **({"upstream_tls": Observation(scheme.text == "https", scheme.location)} if scheme else {}),
    }


def _named_middlewares(resource: Resource, cluster: Cluster, settings: Settings) -> Notes:
    """Return what the middlewares say that annotations name by their namespace and name."""
    notes = Notes()
    wanted = [word for name in settings.names_of_middlewares(resource) for word in (name.partition("@")[0],)]
    for middleware in cluster.of("Middleware") if wanted else ():
        namespace = middleware.namespace or resource.namespace or "default"
        if f"{namespace}-{middleware.name}" in wanted:
            middleware_notes(middleware.node.key("spec"), notes)
    return notes


def http_proxy(resource: Resource, cluster: Cluster, settings: Settings, product: str) -> Proxy:
    """Return the proxy of an HTTPProxy."""
    joined = _Routes(resource, cluster, settings)
    host = resource.node.get("spec.virtualhost")
    for rule in resource.node.get("spec.routes").items():
        backends = [
            Backend(service.key("name").text, resource.namespace, service.key("port").text, service.location)
            for service in rule.key("services").items()
        ]
        own = stated(
            total_timeout=_no_limit(rule.get("timeoutPolicy.response")),
            idle_timeout=_no_limit(rule.get("timeoutPolicy.idle")),
        )
        paths: list[tuple[str, Match]] = []
        for condition in rule.key("conditions").items():
            if condition.key("prefix"):
                paths.append((condition.key("prefix").text, "prefix"))
            elif condition.key("exact"):
                paths.append((condition.key("exact").text, "exact"))
        hosts = (host.key("fqdn").text,) if host.key("fqdn") else ()
        for path, match in paths or [("", "every")]:
            joined.add(hosts, path, match, backends, dict(own), _strategy(rule.key("loadBalancerPolicy")))
    return joined.proxy(product, _tls(host))


def _no_limit(node: YamlNode) -> Observation | None:
    if node.text in ("infinity", "infinite"):
        return Observation(0, node.location)
    value = seconds(node.text)
    return Observation(value, node.location) if value is not None else None


def _strategy(policy: YamlNode) -> dict[str, Observation]:
    strategy = policy.key("strategy")
    place = strategy.location
    if strategy.text == "Cookie":
        return {"sticky": Observation("cookie", place)}
    if strategy.text == "RequestHash":
        for hashed in policy.key("requestHashPolicies").items():
            header = hashed.get("headerHashOptions.headerName")
            if header:
                is_session = header.text.lower() == SESSION_HEADER
                return {"balance": Observation("session-hash" if is_session else "header-hash", header.location)}
            if hashed.key("hashSourceIP").truth:
                return {"balance": Observation("address-hash", place), "sticky": Observation("address", place)}
        return {"balance": Observation("other-hash", place)}
    words = {"WeightedLeastRequest": "least-connections", "Random": "random", "RoundRobin": "round-robin"}
    return {"balance": Observation(words[strategy.text], place)} if strategy.text in words else {}
