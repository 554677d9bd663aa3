"""Reads the JSON form of a configuration of Caddy as the directives of a Caddyfile."""

from __future__ import annotations

import re
from collections.abc import Iterator

from advisor.findings import Location
from advisor.sources.platforms.marked import UnreadableError, YamlNode, document
from advisor.sources.proxies.caddy_syntax import CaddyDirective

_NANOSECONDS = re.compile(r"\d+")


def is_caddy_json(text: str) -> bool:
    """Whether a text is a configuration of Caddy as JSON."""
    return text.lstrip()[:1] == "{" and '"apps"' in text and '"servers"' in text and '"handle"' in text


def json_blocks(text: str, path: str) -> tuple[list[CaddyDirective] | None, str]:
    """Return the sites of a configuration, or None with the reason."""
    try:
        root = document(text, path)
    except UnreadableError as error:
        return None, str(error)
    found: list[CaddyDirective] = []
    http = root.get("apps.http")
    for _, server in http.key("servers").pairs():
        found.extend(_site(server))
    grace = http.key("grace_period")
    if grace:
        found.append(_directive("", (), grace, [_directive("grace_period", (_span(grace),), grace)]))
    return found, ""


def _directive(
    name: str, args: tuple[str, ...], node: YamlNode, block: list[CaddyDirective] | None = None
) -> CaddyDirective:
    return CaddyDirective(name, args, None if block is None else tuple(block), Location(node.path, node.line))


def _span(node: YamlNode) -> str:
    """Return a duration, which is a text or a number of nanoseconds."""
    return f"{node.text}ns" if _NANOSECONDS.fullmatch(node.text) else node.text


def _site(server: YamlNode) -> Iterator[CaddyDirective]:
    listens = server.key("listen").texts()
    off = server.get("automatic_https.disable").truth
    tls = server.key("tls_connection_policies")
    name = "https://" if tls else (listens[0] if listens else "")
    block = list(_routes(server.key("routes"), 0))
    if not tls and not off and name.endswith(":443"):
        name = "https://"
    yield _directive(name, (), server, block)
    timeouts = [
        _directive(word, (_span(node),), node)
        for key, word in (("idle_timeout", "idle"), ("write_timeout", "write"))
        if (node := server.key(key))
    ]
    if timeouts:
        inner = _directive("servers", (), server, [_directive("timeouts", (), server, timeouts)])
        yield _directive("", (), server, [inner])


def _routes(routes: YamlNode, depth: int) -> Iterator[CaddyDirective]:
    if depth > 10:
        return
    for index, route in enumerate(routes.items()):
        name = f"@{depth}.{index}"
        matches = list(route.key("match").items())
        tests = list(_tests(matches[0])) if matches else []
        block = [inner for handler in route.key("handle").items() for inner in _handler(handler, depth)]
        if tests:
            yield _directive(name, (), route, tests)
        if tests or route.key("group"):  # only the first matching route of a group gets a request
            yield _directive("handle", (name,) if tests else (), route, block)
        else:
            yield from block


def _tests(match: YamlNode) -> Iterator[CaddyDirective]:
    for kind, node in match.pairs():
        if kind in ("path", "host", "method"):
            yield _directive(kind, node.texts(), node)
        elif kind == "path_regexp":
            yield _directive(kind, (node.key("pattern").text,), node)
        elif kind == "header":
            for header, values in node.pairs():
                texts = values.texts()
                yield _directive("header", (header, *texts[:1]) if values else (f"!{header}",), node)
        elif kind == "header_regexp":
            for header, value in node.pairs():
                yield _directive(kind, (header, value.key("pattern").text), node)
        elif kind == "not":
            for inner in node.items():
                for test in _tests(inner):
                    yield _directive("not", (test.name, *test.args), node)


def _handler(handler: YamlNode, depth: int) -> Iterator[CaddyDirective]:
    kind = handler.key("handler").text
    if kind == "subroute":
        yield from _routes(handler.key("routes"), depth + 1)
    elif kind == "reverse_proxy":
        yield _directive("reverse_proxy", (), handler, list(_proxy(handler)))
    elif kind == "encode":
        yield _directive("encode", tuple(name for name, _ in handler.key("encodings").pairs()), handler)
    elif kind == "request_body":
        most = handler.key("max_size")
        yield _directive("request_body", (), handler, [_directive("max_size", (most.text,), most)])
    elif kind == "rewrite":
        yield _directive("rewrite", ("uri",), handler)
    elif kind == "headers":
        for sign, header, value in _changed(handler.key("response")):
            yield _directive("header", (f"{sign}{header}", value) if value else (f"{sign}{header}",), handler)
    elif kind == "static_response" and handler.get("headers.Location").texts():
        yield _directive("redir", ("*", *handler.get("headers.Location").texts()[:1]), handler)


def _changed(headers: YamlNode) -> Iterator[tuple[str, str, str]]:
    """Yield the sign, the name and the value of the headers that a handler changes."""
    for action, sign in (("set", ""), ("add", "+")):
        for header, values in headers.key(action).pairs():
            yield sign, header, " ".join(values.texts())
    for header in headers.key("delete").texts():
        yield "-", header, ""


def _proxy(handler: YamlNode) -> Iterator[CaddyDirective]:
    for upstream in handler.key("upstreams").items():
        dial = upstream.key("dial")
        yield _directive("to", (dial.text,), dial)
    dynamic = handler.key("dynamic_upstreams")
    if dynamic:
        source = (dynamic.key("source").text, dynamic.key("name").text, dynamic.key("port").text)
        yield _directive("dynamic", source, dynamic, [])
    policy = handler.get("load_balancing.selection_policy")
    if policy:
        words = (policy.key("policy").text, policy.key("field").text or policy.key("name").text)
        yield _directive("lb_policy", tuple(word for word in words if word), policy)
    if handler.get("load_balancing.retry_match"):
        yield _directive("lb_retry_match", (), handler.get("load_balancing.retry_match"))
    active = handler.get("health_checks.active")
    for key in ("uri", "path"):
        if active.key(key):
            yield _directive("health_uri", (active.key(key).text,), active.key(key))
    passive = handler.get("health_checks.passive")
    for key in ("fail_duration", "max_fails"):
        if passive.key(key):
            text = _span(passive.key(key)) if key == "fail_duration" else passive.key(key).text
            yield _directive(key, (text,), passive.key(key))
    flush = handler.key("flush_interval")
    if flush:
        yield _directive("flush_interval", (flush.text,), flush)
    for key in ("request_buffers", "response_buffers"):
        if handler.key(key):
            yield _directive(key, (handler.key(key).text,), handler.key(key))
    if handler.key("rewrite"):
        yield _directive("rewrite", ("uri",), handler.key("rewrite"))
    yield from _proxy_headers(handler.key("headers"))
    yield from _transport(handler.key("transport"))


def _proxy_headers(headers: YamlNode) -> Iterator[CaddyDirective]:
    for part, name in (("request", "header_up"), ("response", "header_down")):
        for sign, header, value in _changed(headers.key(part)):
            args = (f"{sign}{header}", value) if value else (f"{sign}{header}",)
            yield _directive(name, args, headers.key(part))
        for header, changes in headers.key(part).key("replace").pairs():
            for change in changes.items():
                search = change.key("search_regexp").text or change.key("search").text
                yield _directive(name, (header, search, change.key("replace").text), changes)


def _transport(transport: YamlNode) -> Iterator[CaddyDirective]:
    block = [
        _directive(key, (_span(transport.key(key)),), transport.key(key))
        for key in ("read_timeout", "dial_timeout", "write_timeout", "response_header_timeout")
        if transport.key(key)
    ]
    if transport.key("tls"):
        block.append(_directive("tls", (), transport.key("tls")))
    if transport.key("versions"):
        block.append(_directive("versions", transport.key("versions").texts(), transport.key("versions")))
    keep = transport.key("keep_alive")
    idle = keep.key("idle_timeout")
    if idle or keep.key("enabled").truth is False:
        block.append(_directive("keepalive", (_span(idle) if idle else "off",), keep))
    if block:
        yield _directive("transport", ("http",), transport, block)
