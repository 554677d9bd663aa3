"""Reads the `upstream` blocks of nginx: how nginx selects the instance of a request."""

from __future__ import annotations

from advisor.deployment.model import Target, Upstream
from advisor.findings import Location
from advisor.sources.proxies.nginx_syntax import Directive
from advisor.sources.proxies.nginx_variables import Variables
from advisor.sources.proxies.wording import Notes, hash_of_header, host_and_port, number, seconds, size

# The documentation of `sticky learn`: a zone of a megabyte stores about 4000 sessions.
_SESSIONS_PER_MB = 4000

_BALANCE = {
    "least_conn": "least-connections",
    "random": "random",
    "ip_hash": "address-hash",
    "least_time": "other-hash",
}
_CLIENT_ADDRESS = {"remote_addr", "binary_remote_addr", "realip_remote_addr", "proxy_protocol_addr"}


def read_upstream(directive: Directive, known: Variables) -> Upstream:
    """Return an upstream without what its routes say about it."""
    notes = Notes()
    targets = []
    for inner in directive.block or ():
        args = inner.args
        place = inner.location
        if inner.name == "server" and args:
            if "down" not in args:
                targets.append(_target(inner))
            if "resolve" in args:
                notes.note("resolves_names", True, place)
        elif inner.name in _BALANCE:
            notes.note("balance", _BALANCE[inner.name], place)
            if inner.name == "ip_hash":
                notes.note("sticky", "address", place)
        elif inner.name == "hash" and args:
            _hash(args[0], place, known, notes)
        elif inner.name == "sticky" and args:
            _sticky(inner, known, notes)
        elif inner.name == "keepalive" and args:
            notes.note("keepalive", args[0] != "0", place)
        elif inner.name == "keepalive_timeout" and args:
            notes.note("keepalive_timeout", seconds(args[0]), place)
    name = directive.file.restored(directive.args[0])[0] if directive.args else ""
    return Upstream(name, directive.location, tuple(targets), notes)


def _target(directive: Directive) -> Target:
    address, _ = directive.file.restored(directive.args[0])
    notes = Notes()
    for word in directive.args[1:]:
        if word.startswith("max_fails="):
            notes.note("max_fails", number(word[10:]), directive.location)
        elif word in ("backup", "drain"):
            notes.note(word, True, directive.location)
    host, port = host_and_port(address)
    return Target(host, port, directive.location, observed=notes)


def _hash(key: str, place: Location, known: Variables, notes: Notes) -> None:
    notes.note("balance", hash_kind(key, known), place)
    if hash_kind(key, known) == "address-hash":
        notes.note("sticky", "address", place)


def hash_kind(key: str, known: Variables) -> str:
    """Return the value of `balance` for a hash of a string."""
    bases = known.bases(key)
    if "http_mcp_session_id" in bases:
        return "session-hash"
    if bases & _CLIENT_ADDRESS:
        return "address-hash"
    headers = {hash_of_header(name[5:]) for name in bases if name.startswith("http_")}
    if "address-hash" in headers:
        return "address-hash"
    if "cookie-hash" in headers or any(name.startswith("cookie_") for name in bases):
        return "cookie-hash"
    if headers:
        return "header-hash"
    if bases & {"uri", "request_uri", "document_uri"}:
        return "path-hash"
    return "random" if "request_id" in bases else "other-hash"


def _sticky(directive: Directive, known: Variables, notes: Notes) -> None:
    kind, *words = directive.args
    place = directive.location
    options = dict(word.partition("=")[::2] for word in words)
    if kind == "cookie":
        notes.note("sticky", "cookie", place)
        notes.note("cookie_secure", "secure" in options, place)
        if options.get("path"):
            notes.note("cookie_path", options["path"], place)
    elif kind == "learn":
        create, lookup = known.bases(options.get("create", "")), known.bases(options.get("lookup", ""))
        follows = "upstream_http_mcp_session_id" in create and "http_mcp_session_id" in lookup
        by_cookie = any(name.startswith("upstream_cookie_") for name in create)
        notes.note("sticky", "learned" if follows else "cookie" if by_cookie else "other", place)
        notes.note("sticky_at_headers", "header" in options, place)
        notes.note("sticky_timeout", seconds(options.get("timeout", "")), place)
        zone = size(options.get("zone", "").partition(":")[2])
        notes.note("sticky_entries", zone * _SESSIONS_PER_MB // 1024**2 if zone else None, place)
        if "sync" in options:
            notes.note("sticky_shared", True, place)
    elif kind == "route":
        notes.note("sticky", "other", place)


def routed_by_session(directive: Directive, known: Variables) -> bool:
    """Whether an `upstream` block has a `sticky route` that reads the instance from the session id."""
    return any(
        inner.args[:1] == ("route",) and any("http_mcp_session_id" in known.bases(word) for word in inner.args[1:])
        for inner in directive.named("sticky")
    )
