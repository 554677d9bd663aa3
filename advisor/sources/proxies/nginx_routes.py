"""Reads the settings of a `location` of nginx, with what it inherits from the blocks around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from advisor.findings import Location
from advisor.sources.proxies.nginx_syntax import Directive
from advisor.sources.proxies.nginx_variables import Variables, variables
from advisor.sources.proxies.wording import SESSION_HEADER, Notes, is_forwarded, response_header, seconds, size

_SWITCHES = {
    "proxy_buffering": "buffering",
    "proxy_request_buffering": "request_buffering",
}
_SECONDS = {
    "proxy_read_timeout": "idle_timeout",
    "grpc_read_timeout": "idle_timeout",
    "proxy_connect_timeout": "connect_timeout",
    "keepalive_timeout": "client_idle_timeout",
}
_RETRIES = {
    "error": "error",
    "timeout": "timeout",
    "invalid_header": "error",
    "non_idempotent": "non-idempotent",
    "http_429": "http-429",
    "http_403": "http-4xx",
    "http_404": "http-4xx",
    "off": "none",
    **{f"http_{status}": "http-5xx" for status in (500, 502, 503, 504)},
}
_TYPES = {"application/json", "text/event-stream", "*"}
_METHODS = re.compile(r"\^?\(?([A-Z|]+)\)?\$?")


Index: TypeAlias = Mapping[str, list[Directive]]
"""The directives of a block by their name."""


def indexed(block: Iterable[Directive]) -> Index:
    """Return the directives of a block by their name."""
    found: dict[str, list[Directive]] = {}
    for directive in block:
        found.setdefault(directive.name, []).append(directive)
    return found


class BlockScope(NamedTuple):
    """The directives of the blocks around a place, from the outermost block inwards."""

    levels: tuple[Index, ...]

    def inside(self, block: tuple[Directive, ...]) -> BlockScope:
        """Return the scope of a block in this place."""
        return BlockScope((*self.levels, indexed(block)))

    def last(self, name: str) -> Directive | None:
        """Return the directive that applies: the last of the innermost block that has it."""
        return next((level[name][-1] for level in reversed(self.levels) if name in level), None)

    def all(self, name: str) -> list[Directive]:
        """Return the directives of the innermost block that has any. nginx inherits lists only completely."""
        return next((level[name] for level in reversed(self.levels) if name in level), [])

    def rewrites_session(self, known: Variables) -> Location | None:
        """Return the place that puts something in front of the session ids of the servers, or None."""
        for directive in self.all("add_header"):
            if len(directive.args) > 1 and directive.args[0].lower() == SESSION_HEADER:
                bases = known.bases(directive.args[1]) - set(variables(directive.args[1]))
                mixes = len(known.bases(directive.args[1])) > 1 and (bases or len(variables(directive.args[1])) > 1)
                if "upstream_http_mcp_session_id" in known.bases(directive.args[1]) and mixes:
                    return directive.location
        return None


def server_notes(server: Directive) -> Notes:
    """Return what a `server` block says about the connections of clients."""
    notes = Notes()
    listens = [directive for directive in server.named("listen") if directive.args]
    tls = next((directive for directive in listens if {"ssl", "quic"} & set(directive.args)), None)
    old = next((directive for directive in server.named("ssl") if directive.args == ("on",)), None)
    if tls is not None or old is not None:
        notes.note("listens_tls", True, (tls or old or server).location)
    elif listens:
        notes.note("listens_tls", False, listens[0].location)
    return notes


def route_notes(scope: BlockScope, path: str, uri: str, known: Variables) -> Notes:
    """Return the observations of a route.

    Args:
        scope: the blocks around the `proxy_pass`.
        path: the path of the location.
        uri: the part of `proxy_pass` after the host, or "".
        known: the variables of the configuration.
    """
    notes = Notes()
    for name, observation in _SWITCHES.items():
        found = scope.last(name)
        if found is not None and found.args[:1] in (("on",), ("off",)):
            notes.note(observation, found.args[0] == "on", found.location)
    for name, observation in _SECONDS.items():
        found = scope.last(name)
        if found is not None and found.args:
            text, is_dynamic = found.file.restored(found.args[0])
            notes.measured(observation, seconds(text), text, found.location, is_dynamic=is_dynamic)
    _limits(scope, notes)
    _responses(scope, notes)
    _request_headers(scope, notes, known)
    _response_headers(scope, notes, known)
    _path(scope, path, uri, notes)
    return notes


def _limits(scope: BlockScope, notes: Notes) -> None:
    found = scope.last("client_max_body_size")
    if found is not None and found.args:
        text, is_dynamic = found.file.restored(found.args[0])
        notes.measured("body_limit", size(text), text, found.location, is_dynamic=is_dynamic)
    found = scope.last("proxy_next_upstream")
    if found is not None:
        notes.extend("retries_on", tuple(_RETRIES[word] for word in found.args if word in _RETRIES), found.location)
    found = scope.last("limit_req")
    if found is not None:
        notes.note("rate_limited", True, found.location)
    found = scope.last("limit_except")
    if found is not None and found.args:
        notes.note("methods", tuple(word.upper() for word in found.args), found.location)
    for level in scope.levels:
        for condition in level.get("if", []):
            if condition.args[:2] == ("$request_method", "!~") and any(condition.named("return")):
                match = _METHODS.fullmatch(condition.args[-1])
                if match is not None:
                    notes.note("methods", tuple(filter(None, match[1].split("|"))), condition.location)


def _responses(scope: BlockScope, notes: Notes) -> None:
    found = scope.last("proxy_ignore_headers")
    if found is not None and "x-accel-buffering" in map(str.lower, found.args):
        notes.note("ignores_accel_buffering", True, found.location)
    found = scope.last("proxy_cache")
    if found is not None and found.args:
        notes.note("cache", found.args[0] != "off", found.location)
    found, types = scope.last("gzip"), scope.last("gzip_types")
    if found is not None and found.args == ("off",):
        notes.note("compression", False, found.location)
    elif found is not None and types is not None and _TYPES & set(types.args):
        notes.note("compression", True, found.location)
    found = scope.last("proxy_http_version")
    if found is not None and found.args[:1] in (("1.0",), ("1.1",), ("2",)):
        notes.note("http_version", found.args[0], found.location)


def _request_headers(scope: BlockScope, notes: Notes, known: Variables) -> None:
    for directive in scope.all("proxy_set_header"):
        if len(directive.args) != 2:
            continue
        header, value = directive.args[0].lower(), directive.args[1]
        place = directive.location
        if header == "connection":
            kind = {"": "empty", "close": "close"}.get(value.lower())
            upgrades = "upgrade" in value.lower() or "http_upgrade" in known.bases(value)
            notes.note("connection_header", kind or ("upgrade" if upgrades else "other"), place)
        elif header == "host":
            kept = {"$host": "client", "$http_host": "client", "$proxy_host": "upstream"}
            notes.note("sets_host", kept.get(value.partition(":")[0], "fixed"), place)
        elif not value:
            notes.extend("removes_request_headers", (header,), place)
        elif is_forwarded(header):
            notes.extend("sets_forwarded", (header,), place)


def _response_headers(scope: BlockScope, notes: Notes, known: Variables) -> None:
    added = {directive.args[0].lower(): directive for directive in scope.all("add_header") if len(directive.args) > 1}
    for directive in scope.all("proxy_hide_header"):
        if directive.args and directive.args[0].lower() not in added:
            notes.extend("removes_response_headers", (directive.args[0].lower(),), directive.location)
    for header, directive in added.items():
        place = directive.location
        text, is_dynamic = directive.file.restored(directive.args[1])
        if variables(text):
            is_dynamic = True
            text = max(known.values(text), key=len, default=text)
        response_header(header, text or directive.args[1], place, notes, is_dynamic=is_dynamic)


def _path(scope: BlockScope, path: str, uri: str, notes: Notes) -> None:
    rewrite = next(iter(scope.levels[-1].get("rewrite", [])), None)
    passed = scope.last("proxy_pass")
    if rewrite is not None:
        notes.note("rewrites_path", True, rewrite.location)
    elif uri and passed is not None and not variables(uri):
        notes.note("rewrites_path", uri != path, passed.location)
