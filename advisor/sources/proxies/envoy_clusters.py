"""Reads the clusters of Envoy and the ways to find the instance of a session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from advisor.deployment.model import Target, Upstream
from advisor.findings import Location
from advisor.sources.platforms.marked import YamlNode
from advisor.sources.proxies.wording import SESSION_HEADER, Notes, hash_of_header

_BALANCE = {
    "round_robin": "round-robin",
    "least_request": "least-connections",
    "random": "random",
    "ring_hash": "hash",
    "maglev": "hash",
    "cluster_provided": "unknown",
    "client_side_weighted_round_robin": "round-robin",
}
_MOST_TARGETS = 5000
NOTHING = YamlNode(None, "")


def field(node: YamlNode, *path: str) -> YamlNode:
    """Return the value under names such as `route`, `retry_policy`. Envoy also takes the form `retryPolicy`."""
    for name in path:
        if not node.is_mapping:
            return YamlNode(None, node.path, node.line - 1)
        found = node.key(name)
        node = found if found or "_" not in name else node.key(_camel(name))
    return node


def fields(node: YamlNode) -> dict[str, YamlNode]:
    """Return all values of a mapping by their names, such as `retry_policy`."""
    return {_snake(name): value for name, value in node.pairs() if value}


@lru_cache(maxsize=1000)
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"_{match[1].lower()}", name[:100])


@lru_cache(maxsize=1000)
def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def type_of(node: YamlNode) -> str:
    """Return the last part of the type of a configuration, such as `HttpConnectionManager`, or ""."""
    return node.key("@type").text.rpartition(".")[2]


def configuration(node: YamlNode) -> YamlNode:
    """Return the configuration of a filter or of an extension."""
    return field(node, "typed_config") or node.key("config")


def duration(notes: Notes, name: str, node: YamlNode) -> None:
    """Note a duration such as `15s`."""
    notes.timed(name, node.text, node.location)


def read_cluster(node: YamlNode, endpoints: YamlNode) -> Upstream:
    """Return a cluster without what routes say about it.

    Args:
        node: the cluster.
        endpoints: the ClusterLoadAssignment of another resource, or nothing.
    """
    notes = Notes()
    balance = _policy(node)
    if balance and balance.text:
        word = _BALANCE.get(balance.text.lower().rpartition(".")[2], "unknown")
        notes.note("balance", None if word == "hash" else word, balance.location)
    kind = node.key("type")
    if kind.text.upper() in ("STRICT_DNS", "LOGICAL_DNS"):
        notes.note("resolves_names", True, kind.location)
    named = field(node, "cluster_type", "name")
    notes.note("resolves_names", True if named.text.endswith(".dns") else None, named.location)
    checks = field(node, "health_checks")
    for check in checks.items():
        notes.note("health_check", True, checks.location)
        path = field(check, "http_health_check", "path")
        notes.note("health_check_path", path.text or None, path.location)
    outlier = field(node, "outlier_detection", "consecutive_5xx")
    notes.note("max_fails", outlier.number, outlier.location)
    options = field(node, "typed_extension_protocol_options").key(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    )
    for common in (field(options, "common_http_protocol_options"), field(node, "common_http_protocol_options")):
        duration(notes, "keepalive_timeout", field(common, "idle_timeout"))
        most = field(common, "max_requests_per_connection")
        notes.note("keepalive", False if most.number == 1 else None, most.location)
    assignment = field(node, "load_assignment") or endpoints
    return Upstream(node.key("name").text, node.location, tuple(_targets(assignment)), notes)


def _policy(node: YamlNode) -> YamlNode:
    """Return the word that names the load balancing policy of a cluster."""
    for policy in field(node, "load_balancing_policy", "policies").items():
        return field(policy, "typed_extension_config", "name")
    return field(node, "lb_policy")


def hashes(node: YamlNode) -> bool:
    """Whether a cluster selects the instance by a hash, for which routes say what is hashed."""
    word = _policy(node).text.lower().rpartition(".")[2]
    return _BALANCE.get(word) == "hash"


def protocol_notes(node: YamlNode, notes: Notes) -> None:
    """Note how Envoy connects to the instances of a cluster. These are observations of its routes."""
    options = field(node, "typed_extension_protocol_options").key(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    )
    explicit = field(options, "explicit_http_config")
    for name, version in (("http2_protocol_options", "2"), ("http_protocol_options", "1.1")):
        for found in (field(explicit, name), field(node, name) if version == "2" else NOTHING):
            notes.note("http_version", version if found else None, found.location)
    socket = field(node, "transport_socket")
    is_tls = bool(socket) and "tls" in (socket.key("name").text + type_of(configuration(socket))).lower()
    notes.note("upstream_tls", is_tls, socket.location if socket else node.location)
    duration(notes, "connect_timeout", field(node, "connect_timeout"))


def _targets(assignment: YamlNode) -> Iterator[Target]:
    count = 0
    for locality in assignment.key("endpoints").items():
        for endpoint in field(locality, "lb_endpoints").items():
            address = field(endpoint, "endpoint", "address", "socket_address")
            pipe = field(endpoint, "endpoint", "address", "pipe", "path")
            count += 1
            if count > _MOST_TARGETS:
                return
            notes = Notes()
            health = field(endpoint, "health_status")
            notes.note("drain", True if health.text.upper() == "DRAINING" else None, health.location)
            if pipe:
                yield Target(f"unix:{pipe.text}", 0, pipe.location, observed=notes)
            elif address:
                port = field(address, "port_value").number or 0
                yield Target(address.key("address").text, port, address.location, observed=notes)


def hash_notes(route: YamlNode) -> Notes:
    """Return what the hash policies of a route say. Envoy joins the hashes of all policies."""
    notes = Notes()
    policies = field(route, "hash_policy")
    kinds: list[str] = []
    for policy in policies.items():
        header = field(policy, "header", "header_name")
        cookie = policy.key("cookie")
        if header:
            kinds.append(hash_of_header(header.text))
        elif cookie:
            kinds.append("cookie-hash")
            if field(cookie, "ttl"):  # Envoy then makes the cookie, otherwise it only reads the cookie
                notes.note("sticky", "cookie", cookie.location)
                notes.note("cookie_path", cookie.key("path").text or None, cookie.location)
        elif field(policy, "connection_properties", "source_ip").truth:
            kinds.append("address-hash")
            notes.note("sticky", "address", policy.location)
        else:
            kinds.append("other-hash")
    if "session-hash" in kinds:
        return _balance("session-hash", policies.location)
    if not kinds:
        return _balance("random", route.location)
    notes.note("balance", kinds[0], policies.location)
    if kinds[0] == "address-hash":
        notes.note("sticky", "address", policies.location)
    return notes


def _balance(word: str, place: Location) -> Notes:
    notes = Notes()
    notes.note("balance", word, place)
    return notes


def session_notes(filter_configuration: YamlNode) -> Notes:
    """Return what the configuration of the filter for stateful sessions says."""
    notes = Notes()
    state = field(filter_configuration, "session_state")
    inner = configuration(state)
    kind = state.key("name").text.rpartition(".")[2] or type_of(inner)
    place = state.location
    if kind in ("envelope", "EnvelopeSessionState"):
        header = field(inner, "header", "name").text.lower()
        notes.note("sticky", "rewritten" if header == SESSION_HEADER else "other", place)
    elif kind in ("header", "HeaderBasedSessionState"):
        notes.note("sticky", "session-header" if inner.key("name").text.lower() == SESSION_HEADER else "other", place)
    elif kind in ("cookie", "CookieBasedSessionState"):
        cookie = inner.key("cookie")
        notes.note("sticky", "cookie", place)
        notes.note("cookie_path", cookie.key("path").text or None, cookie.location)
        duration(notes, "sticky_timeout", cookie.key("ttl"))
        secure = next(
            (item for item in cookie.key("attributes").items() if item.key("name").text.lower() == "secure"), None
        )
        notes.note("cookie_secure", secure is not None, (secure or cookie or state).location)
    elif state:
        notes.note("sticky", "other", place)
    strict = filter_configuration.key("strict")
    notes.note("sticky_strict", strict.truth, strict.location)
    return notes
