"""Reads the directive `reverse_proxy` of Caddy."""

from __future__ import annotations

from advisor.deployment.model import Target, Upstream
from advisor.findings import Location
from advisor.sources.proxies.caddy_syntax import CaddyDirective
from advisor.sources.proxies.wording import (
    SESSION_HEADER,
    Notes,
    hash_of_header,
    host_and_port,
    is_forwarded,
    number,
    seconds,
)

_BALANCE = {
    "random": "random",
    "random_choose": "random",
    "first": "first",
    "round_robin": "round-robin",
    "weighted_round_robin": "round-robin",
    "least_conn": "least-connections",
    "ip_hash": "address-hash",
    "client_ip_hash": "address-hash",
    "uri_hash": "path-hash",
    "query": "other-hash",
}
_LONGEST_NAME = 100


def read_upstream(directive: CaddyDirective, addresses: tuple[str, ...], is_owned: bool) -> Upstream:
    """Return the upstream of a `reverse_proxy`.

    Args:
        directive: the directive.
        addresses: the addresses after the matcher.
        is_owned: whether matchers of the site select an instance by the session id.
    """
    notes = Notes()
    place = directive.location
    found = [(address, place) for address in addresses]
    found += [(address, line.location) for line in directive.named("to") for address in line.args]
    targets = [_target(address, line) for address, line in found]
    for line in directive.named("dynamic"):
        targets += _dynamic(line)
        notes.note("resolves_names", True, line.location)
    for line in directive.named("lb_policy"):
        _policy(line, notes)
    for line in directive.named("health_uri", "health_path", "health_port"):
        notes.note("health_check", True, line.location)
        if line.name != "health_port" and line.args:
            notes.note("health_check_path", line.args[0], line.location)
    for line in directive.named("fail_duration"):
        if line.args and seconds(line.args[0]):
            notes.note("max_fails", number(directive.first("max_fails")) or 1, line.location)
    for line in directive.named("transport"):
        for inner in line.named("keepalive"):
            if inner.args:
                notes.note("keepalive", False if inner.args[0] in ("off", "0") else None, inner.location)
                notes.note("keepalive_timeout", seconds(inner.args[0]) or None, inner.location)
    if is_owned and (rewriting := rewrites_session(directive)) is not None:
        notes.note("sticky", "rewritten", rewriting)
    return Upstream(_name(targets), place, tuple(targets), notes)


def _name(targets: list[Target]) -> str:
    names = [f"{target.host}:{target.port}" if target.port else target.host for target in targets]
    joined = " ".join(names)
    return joined if len(joined) <= _LONGEST_NAME else f"{names[0]} and {len(names) - 1} others"


def _target(address: str, place: Location) -> Target:
    rest = address.rpartition("://")[2] if not address.startswith("unix") else address
    host, port = host_and_port(rest.partition("/")[0] if not rest.startswith(("unix", "/")) else rest)
    return Target(host, port, place)


def _dynamic(line: CaddyDirective) -> list[Target]:
    name = line.first("name") or (line.args[1] if len(line.args) > 1 else "")
    port = line.first("port") or (line.args[2] if len(line.args) > 2 else "")
    return [Target(name, number(port) or 0, line.location, is_pool=True)] if name else []


def _policy(line: CaddyDirective, notes: Notes) -> None:
    kind = line.args[0] if line.args else ""
    if kind == "cookie":
        notes.note("sticky", "cookie", line.location)
    elif kind == "header" and len(line.args) > 1:
        notes.note("balance", hash_of_header(line.args[1]), line.location)
    elif kind:
        notes.note("balance", _BALANCE.get(kind, "unknown"), line.location)
    if notes and "balance" in notes and notes["balance"].value == "address-hash":
        notes.note("sticky", "address", line.location)


def rewrites_session(directive: CaddyDirective) -> Location | None:
    """Return the place that changes the session ids of the instances, or None."""
    for line in directive.named("header_down"):
        if len(line.args) > 1 and line.args[0].lower().lstrip("+>") == SESSION_HEADER:
            return line.location
    return None


def proxy_notes(directive: CaddyDirective, addresses: tuple[str, ...], notes: Notes) -> None:
    """Note the settings of a `reverse_proxy` that are observations of its route."""
    every = [*addresses, *(address for line in directive.named("to") for address in line.args)]
    place = directive.location
    if every:
        notes.note("upstream_tls", any(address.startswith("https://") for address in every), place)
        if any(address.startswith("h2c://") for address in every):
            notes.note("http_version", "2", place)
    for line in directive.block or ():
        first = line.args[0] if line.args else ""
        if line.name == "flush_interval" and first.startswith("-"):
            notes.note("buffering", False, line.location)
        elif line.name == "response_buffers":
            notes.note("buffering", True, line.location)
        elif line.name == "request_buffers":
            notes.note("request_buffering", True, line.location)
        elif line.name in ("header_up", "header_down") and first:
            _header(line, notes)
        elif line.name == "rewrite":
            notes.note("rewrites_path", True, line.location)
        elif line.name == "lb_retry_match":
            notes.extend("retries_on", ("error", "timeout", "non-idempotent"), line.location)
        elif line.name == "transport":
            _transport(line, notes)


def _header(line: CaddyDirective, notes: Notes) -> None:
    name = line.args[0].lower()
    plain = name.lstrip("+-?>")
    if line.name == "header_down":
        if name.startswith("-"):
            notes.extend("removes_response_headers", (plain,), line.location)
        else:
            notes.extend("sets_response_headers", (plain,), line.location)
    elif name.startswith("-"):
        notes.extend("removes_request_headers", (plain,), line.location)
    elif plain == "host" and len(line.args) > 1:
        value = line.args[1]
        kept = "upstream" if "upstream" in value else "client" if value in ("{host}", "{hostport}") else "fixed"
        notes.note("sets_host", kept, line.location)
    elif is_forwarded(plain):
        notes.extend("sets_forwarded", (plain,), line.location)


def _transport(transport: CaddyDirective, notes: Notes) -> None:
    for line in transport.block or ():
        first = line.args[0] if line.args else ""
        if line.name == "read_timeout":
            notes.timed("idle_timeout", first, line.location)
        elif line.name == "response_header_timeout":
            notes.timed("first_byte_timeout", first, line.location)
        elif line.name == "dial_timeout":
            notes.timed("connect_timeout", first, line.location)
        elif line.name.startswith("tls"):
            notes.note("upstream_tls", True, line.location)
        elif line.name == "versions" and line.args:
            newest = "2" if {"2", "h2c"} & set(line.args) else "1.1"
            notes.note("http_version", newest, line.location)
