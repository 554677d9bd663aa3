"""Reads the matches and settings of Envoy's routes."""

from __future__ import annotations

from collections.abc import Iterable

from advisor.sources.platforms.marked import YamlNode
from advisor.sources.proxies.envoy_clusters import NOTHING, duration, field, fields
from advisor.sources.proxies.wording import SESSION_HEADER, Match, Notes, is_forwarded, names, number, seconds

_RETRIES = {
    "5xx": ("http-5xx", "reset", "connect-failure"),
    "gateway-error": ("http-5xx",),
    "reset": ("reset", "connect-failure"),
    "reset-before-request": ("connect-failure",),
    "connect-failure": ("connect-failure",),
    "refused-stream": ("connect-failure",),
    "retriable-4xx": ("http-4xx",),
    "envoy-ratelimited": ("http-429",),
    "retriable-headers": ("retriable",),
}
_CORS_FILTER = "envoy.filters.http.cors"
_RATE_FILTERS = ("envoy.filters.http.local_ratelimit", "envoy.filters.http.ratelimit")


def matched(match: YamlNode, notes: Notes) -> tuple[str, Match]:
    """Return the path of a match and how Envoy compares it, and note methods and a missing session id."""
    for header in match.key("headers").items():
        _header(header, notes)
    for name, kind in (("prefix", "prefix"), ("path", "exact"), ("path_separated_prefix", "prefix")):
        found = field(match, name)
        if found:
            return found.text, "exact" if kind == "exact" else "prefix"
    regex = field(match, "safe_regex", "regex")
    return (regex.text, "regex") if regex else ("", "every")


def _header(header: YamlNode, notes: Notes) -> None:
    name = header.key("name").text.lower()
    is_inverted = field(header, "invert_match").truth is True
    exact = field(header, "string_match", "exact") or field(header, "exact_match")
    present = field(header, "present_match")
    if name == ":method" and exact and not is_inverted:
        notes.note("methods", (exact.text,), header.location)
    elif name == SESSION_HEADER and present and present.truth is is_inverted:
        notes.note("without_session", True, header.location)


def header_notes(level: YamlNode, notes: Notes) -> None:
    """Note the headers that a route configuration, a virtual host or a route changes, and its CORS policy."""
    own = fields(level)
    for item in own.get("request_headers_to_add", NOTHING).items():
        name = item.get("header.key").text.lower()
        if is_forwarded(name):
            notes.extend("sets_forwarded", (name,), item.location)
        elif name == "host":
            notes.note("sets_host", "fixed", item.location)
    for item in own.get("response_headers_to_add", NOTHING).items():
        notes.extend("sets_response_headers", (item.get("header.key").text.lower(),), item.location)
    for name, observation in (
        ("request_headers_to_remove", "removes_request_headers"),
        ("response_headers_to_remove", "removes_response_headers"),
    ):
        removed = own.get(name, NOTHING)
        notes.extend(observation, tuple(word.lower() for word in removed.texts()), removed.location)
    per_filter = own.get("typed_per_filter_config", NOTHING)
    for cors in (per_filter.key(_CORS_FILTER), own.get("cors", NOTHING)):
        _cors(cors, notes)
    for filter_name in _RATE_FILTERS if per_filter else ():
        limit = per_filter.key(filter_name)
        if field(limit, "token_bucket") or field(limit, "rate_limits"):
            notes.note("rate_limited", True, limit.location)


def _cors(cors: YamlNode, notes: Notes) -> None:
    if not cors:
        return
    for name, observation in (("allow_headers", "cors_headers"), ("expose_headers", "cors_exposes")):
        found = field(cors, name)
        if found:
            notes.note(observation, names(found.text), found.location)
    for origin in field(cors, "allow_origin_string_match").items():
        text = next((value.text for _, value in origin.pairs() if value.text), "")
        regex = field(origin, "safe_regex", "regex").text
        notes.note("cors_origin", text or regex or None, origin.location)


def route_notes(node: YamlNode, longest: YamlNode, notes: Notes) -> None:
    """Note the settings of a route that forwards requests.

    Args:
        node: the route.
        longest: `max_stream_duration` of the connection manager, or nothing.
        notes: the observations of the route.
    """
    action = fields(node.key("route"))
    _timeouts(action, longest, notes)
    retries = action.get("retry_policy", NOTHING)
    words = _retries(retries)
    if words:
        notes.extend("retries_on", words, field(retries, "retry_on").location)
    for name in ("prefix_rewrite", "regex_rewrite", "path_rewrite", "path_rewrite_policy"):
        if name in action:
            found = action[name]
            same = found.text and found.text == node.get("match.prefix").text
            notes.note("rewrites_path", not same, found.location)
    if "host_rewrite_literal" in action:
        notes.note("sets_host", "fixed", action["host_rewrite_literal"].location)
    auto = action.get("auto_host_rewrite", NOTHING)
    notes.note("sets_host", "upstream" if auto.truth else None, auto.location)
    _cors(action.get("cors", NOTHING), notes)
    if "rate_limits" in action:
        notes.note("rate_limited", True, action["rate_limits"].location)


def _timeouts(action: dict[str, YamlNode], longest: YamlNode, notes: Notes) -> None:
    for name, observation in (("idle_timeout", "idle_timeout"), ("timeout", "total_timeout")):
        if name in action:
            duration(notes, observation, action[name])
    limited = field(action.get("max_stream_duration", NOTHING), "max_stream_duration") or longest
    limit, place = seconds(limited.text), limited.location
    stated = notes["total_timeout"].value if "total_timeout" in notes else None  # without it, Envoy has a default
    if limit and isinstance(stated, (int, float)) and (stated == 0 or limit < stated):
        notes.note("total_timeout", limit, place)


def _retries(policy: YamlNode) -> tuple[str, ...]:
    codes = [item.text for item in field(policy, "retriable_status_codes").items()]
    return retries_on(names(field(policy, "retry_on").text), codes) if policy else ()


def _of_status(status: str) -> str:
    return "http-429" if status == "429" else "http-5xx" if status.startswith("5") else "http-4xx"


def retries_on(words: Iterable[str], codes: Iterable[str] = ()) -> tuple[str, ...]:
    """Return after which failures Envoy repeats a request, which is also a proxy of meshes and of gateways.

    Args:
        words: the conditions of Envoy, such as `5xx`, or status codes.
        codes: the status codes of the condition `retriable-status-codes`.
    """
    found: list[str] = []
    for word in words:
        statuses = codes if word == "retriable-status-codes" else [word]
        found += [_of_status(status) for status in statuses if number(status) is not None]
        found.extend(_RETRIES.get(word, ()))
    if set(found) - {"connect-failure"}:
        found.append("non-idempotent")  # Envoy repeats every method
    return tuple(dict.fromkeys(found))
