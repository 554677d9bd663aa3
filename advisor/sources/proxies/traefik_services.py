"""Reads the services of Traefik: how Traefik selects the server of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from advisor.deployment.model import Target, Upstream
from advisor.sources.platforms.marked import YamlNode
from advisor.sources.proxies.traefik_tree import at
from advisor.sources.proxies.wording import Notes, host_and_port

_STRATEGIES = {"wrr": "round-robin", "p2c": "least-connections", "hrw": "address-hash", "leasttime": "unknown"}
_DEEPEST = 5


def read_service(
    node: YamlNode, name: str, container: str, find: Callable[[str], YamlNode], depth: int = 0
) -> Upstream:
    """Return the upstream of a service.

    Args:
        node: the service.
        name: its name.
        container: the container whose labels declare the service, or "".
        find: returns a service that another service names.
        depth: how many services name this service.
    """
    notes = Notes()
    balancer = at(node, "loadBalancer")
    targets = list(_targets(balancer))
    if container and not targets:
        port = at(balancer, "server", "port")
        place = port.location if port else node.location
        targets = [Target(container, port.number or 0, place, is_pool=True)]
    strategy = at(balancer, "strategy")
    if strategy:
        kind = _STRATEGIES.get(strategy.text.lower(), "unknown")
        notes.note("balance", kind, strategy.location)
        notes.note("sticky", "address" if kind == "address-hash" else None, strategy.location)
    _cookie(at(balancer, "sticky", "cookie"), at(balancer, "sticky"), notes)
    check = at(balancer, "healthCheck")
    if check:
        notes.note("health_check", True, check.location)
        notes.note("health_check_path", at(check, "path").text or None, at(check, "path").location)
    fails = at(balancer, "passiveHealthCheck", "maxFailedAttempts")
    notes.note("max_fails", fails.number, fails.location)
    inner = [find(each) for each in _inner(node)] if depth < _DEEPEST else []
    for service in [found for found in inner if found][:50]:
        upstream = read_service(service, name, "", find, depth + 1)
        targets += upstream.targets
        for observation, stated in upstream.observed.items():
            notes.setdefault(observation, stated)
    weighted = at(node, "weighted", "sticky", "cookie")
    _cookie(weighted, at(node, "weighted", "sticky"), notes)
    return Upstream(name, node.location, tuple(targets[:5000]), notes)


def _inner(node: YamlNode) -> Iterator[str]:
    """Yield the names of the services that get the requests of a service."""
    for service in at(node, "weighted", "services").items():
        yield at(service, "name").text
    for service in at(node, "highestRandomWeight", "services").items():
        yield at(service, "name").text
    for kind in ("mirroring", "failover"):
        if at(node, kind, "service"):
            yield at(node, kind, "service").text


def _cookie(cookie: YamlNode, sticky: YamlNode, notes: Notes) -> None:
    if not sticky or sticky.truth is False or cookie.truth is False:
        return
    place = (cookie or sticky).location
    notes.note("sticky", "cookie", place)
    secure, path = at(cookie, "secure"), at(cookie, "path")
    notes.note("cookie_secure", secure.truth is True, (secure or cookie or sticky).location)
    notes.note("cookie_path", path.text or None, path.location)


def _targets(balancer: YamlNode) -> Iterator[Target]:
    for server in at(balancer, "servers").items():
        url = at(server, "url") or at(server, "address")
        if url:
            host, port = host_and_port(url.text.rpartition("://")[2].partition("/")[0])
            yield Target(host, port, url.location)


def transport_notes(transport: YamlNode, notes: Notes, observed: Notes) -> None:
    """Note the settings of the connections to the servers.

    Args:
        transport: an entry of `serversTransports`, or nothing.
        notes: the observations of routes.
        observed: the observations of the upstream.
    """
    timeouts = at(transport, "forwardingTimeouts")
    for name, observation in (("dialTimeout", "connect_timeout"), ("responseHeaderTimeout", "first_byte_timeout")):
        found = at(timeouts, name)
        notes.timed(observation, found.text, found.location)
    idle = at(timeouts, "idleConnTimeout")
    observed.timed("keepalive_timeout", idle.text, idle.location)
    most = at(transport, "maxIdleConnsPerHost")
    observed.note("keepalive", False if most.number is not None and most.number < 0 else None, most.location)
