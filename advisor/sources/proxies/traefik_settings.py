"""Reads the entry points and middlewares of Traefik."""

from __future__ import annotations

from advisor.sources.platforms.marked import YamlNode
from advisor.sources.proxies.traefik_tree import at, words_of
from advisor.sources.proxies.wording import Notes, is_forwarded, names, number, response_header

_REWRITING = ("stripPrefix", "stripPrefixRegex", "replacePath", "replacePathRegex", "addPrefix")


def entry_notes(static: YamlNode, router: YamlNode, notes: Notes) -> None:
    """Note what the entry points of a router say. A router without entry points uses all."""
    wanted = words_of(at(router, "entryPoints"))
    for name, entry in at(static, "entryPoints").pairs():
        if wanted and name not in wanted:
            continue
        timeouts = at(entry, "transport", "respondingTimeouts")
        for setting, observation in (("writeTimeout", "total_timeout"), ("idleTimeout", "client_idle_timeout")):
            found = at(timeouts, setting)
            notes.timed(observation, found.text, found.location)
        tls = at(entry, "http", "tls")
        address = at(entry, "address")
        if tls:
            notes.note("listens_tls", tls.truth is not False, tls.location)
        elif address and wanted:
            notes.note("listens_tls", False, address.location)


def middleware_notes(node: YamlNode, notes: Notes) -> None:
    """Note what a middleware does to requests and responses."""
    for name, value in node.pairs():
        kind = name.lower()
        if kind in (word.lower() for word in _REWRITING):
            notes.note("rewrites_path", True, value.location)
        elif kind == "compress":
            notes.note("compression", value.truth is not False, node.location)
        elif kind == "buffering":
            _buffering(value, notes)
        elif kind == "ratelimit":
            notes.note("rate_limited", True, value.location)
        elif kind == "redirectscheme":
            is_https = at(value, "scheme").text == "https"
            notes.note("redirects", "https" if is_https else "other", value.location)
        elif kind == "redirectregex":
            notes.note("redirects", "other", value.location)
        elif kind == "retry":
            _retry(value, notes)
        elif kind == "headers":
            _headers(value, notes)


def _buffering(value: YamlNode, notes: Notes) -> None:
    most = at(value, "maxRequestBodyBytes")
    notes.note("body_limit", number(most.text), most.location)
    notes.note("request_buffering", True, value.location)
    notes.note("buffering", True, value.location)


def _retry(value: YamlNode, notes: Notes) -> None:
    stated = words_of(at(value, "status"))
    statuses = [status for status in stated if status[:1] in ("4", "5") and status != "599"]  # no server sends 599
    words = ["http-429" if status == "429" else f"http-{status[0]}xx" for status in statuses]
    if at(value, "retryNonIdempotentMethod").truth and words:
        words.append("non-idempotent")
    notes.extend("retries_on", ("connect-failure", *words), value.location)


def _headers(value: YamlNode, notes: Notes) -> None:
    for name, text in at(value, "customRequestHeaders").pairs():
        header = name.lower()
        if not text.text:
            notes.extend("removes_request_headers", (header,), text.location)
        elif header == "host":
            notes.note("sets_host", "fixed", text.location)
        elif is_forwarded(header):
            notes.extend("sets_forwarded", (header,), text.location)
    allows = bool(at(value, "accessControlAllowOriginList") or at(value, "accessControlAllowOriginListRegex"))
    for name, text in at(value, "customResponseHeaders").pairs():
        header = name.lower()
        if text.text:
            response_header(header, text.text, text.location, notes)
        elif not (allows and header.startswith("access-control-")):  # Traefik then sets its own value
            notes.extend("removes_response_headers", (header,), text.location)
    for setting, observation in (
        ("accessControlAllowHeaders", "cors_headers"),
        ("accessControlExposeHeaders", "cors_exposes"),
    ):
        found = at(value, setting)
        if found:
            notes.note(observation, names(",".join(words_of(found))), found.location)
    origins = at(value, "accessControlAllowOriginList")
    for origin in words_of(origins)[:1]:
        notes.note("cors_origin", origin, origins.location)
