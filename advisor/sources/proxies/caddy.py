"""Reads Caddyfiles and the JSON form of the same configuration: sites, matchers and `reverse_proxy`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from advisor.deployment.model import DeploymentFiles, NotRead, Proxy, Route, Upstream
from advisor.findings import Location
from advisor.sources.proxies.caddy_json import is_caddy_json, json_blocks
from advisor.sources.proxies.caddy_proxy import proxy_notes, read_upstream
from advisor.sources.proxies.caddy_syntax import CaddyDirective, CaddySyntax, is_caddyfile
from advisor.sources.proxies.wording import SESSION_HEADER, Files, Match, Notes, host_and_port, names, size

__all__ = ["is_caddy", "read", "read_all"]

_INSIDE = ("handle", "handle_path", "route", "handle_errors")
_ANY_VALUE = ("*", "", "^.+$", ".+", ".*")


def is_caddy(text: str, path: str) -> bool:
    """Whether a file is a configuration of Caddy, or a part of it."""
    return is_caddyfile(text, path) or (path.lower().endswith(".json") and is_caddy_json(text))


def read_all(paths: Sequence[str], files: Files) -> DeploymentFiles:
    """Read the files of Caddy among the audited files. A file that another file imports is a part of that file.

    Args:
        paths: the files for which `is_caddy` holds.
        files: all audited files.
    """
    syntax = CaddySyntax(files)
    plain = [path for path in paths if not is_caddy_json(files[path])]
    for path in plain:
        syntax.expanded(path)
    roots = [path for path in plain if path not in syntax.imported]
    syntax.problems.clear()
    found = DeploymentFiles()
    for path in [*roots, *(path for path in paths if path not in plain)]:
        found = found.joined(_read(files[path], path, syntax))
    parts = tuple(path for path in plain if path in syntax.imported and syntax.blocks(path) is not None)
    problems = tuple(dict.fromkeys((*found.not_examined, *syntax.problems)))
    return found._replace(examined=found.examined + parts, not_examined=problems)


def read(text: str, path: str, files: Files) -> DeploymentFiles:
    """Read a configuration with its imports.

    Args:
        text: the configuration.
        path: its path relative to the audited path.
        files: all audited files. Imports are read from them only.
    """
    syntax = CaddySyntax(files)
    found = _read(text, path, syntax)
    return found._replace(not_examined=tuple(dict.fromkeys((*found.not_examined, *syntax.problems))))


def _read(text: str, path: str, syntax: CaddySyntax) -> DeploymentFiles:
    if is_caddy_json(text):
        blocks, why = json_blocks(text, path)
        problems = (NotRead(path, why),) if why else ()
    else:
        blocks, problems = syntax.expanded(path, text), ()
    if blocks is None:
        return DeploymentFiles(not_examined=problems)
    reader = _Reader(path)
    proxies = tuple(reader.proxies(blocks))
    return DeploymentFiles((path,), (*problems, *reader.problems), proxies)


class _Place(NamedTuple):
    """What matchers say about the requests of a block, and what its directives set."""

    hosts: tuple[str, ...]
    path: str
    match: Match
    notes: Notes
    matchers: dict[str, tuple[CaddyDirective, ...]]


class _Reader:
    def __init__(self, path: str) -> None:
        self._path = path
        self._upstreams: dict[str, Upstream] = {}
        self._is_owned = False
        self.problems: list[NotRead] = []

    def proxies(self, blocks: list[CaddyDirective]) -> Iterator[Proxy]:
        options = [block for block in blocks if not block.name and block.block is not None]
        sites = [block for block in blocks if block.name and block.block is not None and block.name[0] not in "(&"]
        bare = [block for block in blocks if block.block is None]
        if bare and not sites:  # a file with a single site without braces, or lines that a site imports
            first = None if _is_directive(bare[0].name) else bare[0]
            rest = tuple(block for block in blocks if block is not first and block.name)
            name, args = (first.name, first.args) if first else ("", ())
            sites = [CaddyDirective(name, args, rest, bare[0].location)]
        elif sites and _is_directive(sites[0].name):  # lines that a site imports
            sites = [CaddyDirective("", (), tuple(blocks), sites[0].location)]
        elif bare and bare[0].location < sites[0].location and not _is_directive(bare[0].name):
            head, rest = bare[0], tuple(blocks[blocks.index(bare[0]) + 1 :])
            sites = [CaddyDirective(head.name, head.args, rest, head.location)]
        notes, process = self._options(options)
        routes = [route for site in sites for route in self._site(site, notes, options)]
        if routes:
            place = Location(self._path)
            yield Proxy("caddy", self._path, place, tuple(self._upstreams.values()), tuple(routes), observed=process)

    def _options(self, options: Iterable[CaddyDirective]) -> tuple[Notes, Notes]:
        notes, process = Notes(), Notes()
        for block in options:
            for line in block.named("grace_period"):
                process.timed("shutdown_timeout", line.args[0] if line.args else "", line.location)
            for line in (inner for server in block.named("servers") for inner in server.named("timeouts")):
                for inner in line.block or ():
                    if inner.name in ("idle", "write"):
                        name = "client_idle_timeout" if inner.name == "idle" else "total_timeout"
                        notes.timed(name, inner.args[0] if inner.args else "", inner.location)
        return notes, process

    def _site(self, site: CaddyDirective, outer: Notes, options: list[CaddyDirective]) -> Iterator[Route]:
        addresses = [word.rstrip(",") for word in (site.name, *site.args) if word.rstrip(",")]
        notes = Notes(outer)
        is_off = any(line.args[:1] == ("off",) for block in options for line in block.named("auto_https"))
        if addresses:
            tls = any(site.named("tls")) or any(_is_tls(address, is_off) for address in addresses)
            notes.note("listens_tls", tls, site.location)
        hosts = tuple(host for address in addresses if (host := _host(address)))
        self._is_owned = _owns(site)
        yield from self._walk(site.block or (), _Place(hosts, "", "every", notes, {}))

    def _walk(self, block: Sequence[CaddyDirective], outer: _Place) -> Iterator[Route]:
        matchers = dict(outer.matchers)
        for line in block:
            if line.name.startswith("@"):
                matchers[line.name] = _tests(line)
        notes = Notes(outer.notes)
        for line in block:
            _settings(line, notes)
        here = outer._replace(notes=notes, matchers=matchers)
        for line in block:
            args, place = _matched(line, here)
            if line.name in _INSIDE and line.name != "handle_errors":
                if line.name == "handle_path":
                    place.notes.note("rewrites_path", True, line.location)
                yield from self._walk(line.block or (), place)
            elif line.name == "reverse_proxy":
                yield self._route(line, args, place)
            elif line.name == "redir" and args:
                kind = "https" if args[0].startswith("https://{host}") else "other"
                place.notes.note("redirects", kind, line.location)
                yield Route(place.hosts, place.path, place.match, "", line.location, place.notes)

    def _route(self, line: CaddyDirective, args: tuple[str, ...], place: _Place) -> Route:
        upstream = read_upstream(line, args, self._is_owned)
        dynamic = [
            target.host for target in upstream.targets if target.host.startswith("{") and "{$" not in target.host
        ]
        if dynamic:
            here = line.location
            why = f"Caddy computes the upstream of line {here.line} from {dynamic[0]} while it runs"
            self.problems.append(NotRead(here.path, why))
        proxy_notes(line, args, place.notes)
        old = self._upstreams.get(upstream.name)
        name = upstream.name
        if old is not None and _stated(old) != _stated(upstream):
            name = f"{upstream.name} (line {line.location.line})"
        self._upstreams.setdefault(name, upstream._replace(name=name))
        return Route(place.hosts, place.path, place.match, name, line.location, place.notes)


def _stated(upstream: Upstream) -> dict[str, object]:
    return {name: observation.value for name, observation in upstream.observed.items()}


def _is_directive(name: str) -> bool:
    return name in (*_INSIDE, "reverse_proxy", "respond", "redir", "header", "encode", "tls", "to", "lb_policy", "log")


def _host(address: str) -> str:
    host, _ = host_and_port(address.rpartition("://")[2].partition("/")[0])
    return host if host not in ("", "*", "localhost") else ""


def _is_tls(address: str, is_off: bool) -> bool:
    """Whether Caddy listens with TLS for an address of a site. It does so for host names on its own."""
    scheme, _, rest = address.rpartition("://")
    host, port = host_and_port(rest.partition("/")[0])
    if scheme or port in (80, 443):
        return scheme == "https" or (port == 443 and scheme != "http")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and not is_off and not host.startswith(("{", "$"))
    return False


def _owns(block: CaddyDirective) -> bool:
    """Whether a matcher of a site compares the session id with the name of an instance."""
    for line in block.block or ():
        for test in _tests(line) if line.name.startswith("@") else ():
            if test.name in ("header", "header_regexp"):
                words = [word.lower() for word in test.args]
                if SESSION_HEADER in words[:-1] and words[-1] not in _ANY_VALUE:
                    return True
        if _owns(line):
            return True
    return False


def _tests(matcher: CaddyDirective) -> tuple[CaddyDirective, ...]:
    """Return the tests of a named matcher, in its block or on its line."""
    own = matcher.block or ()
    if matcher.args:
        return (CaddyDirective(matcher.args[0], matcher.args[1:], None, matcher.location), *own)
    return own


def _matched(line: CaddyDirective, outer: _Place) -> tuple[tuple[str, ...], _Place]:
    """Return the arguments of a directive without its matcher, and the requests that the matcher allows."""
    place = outer._replace(notes=Notes(outer.notes))
    if not line.args:
        return (), place
    first, rest = line.args[0], line.args[1:]
    if first == "*":
        return rest, place
    if first.startswith("/"):
        path, match = _path(first)
        return rest, place._replace(path=path, match=match)
    if first.startswith("@"):
        for test in place.matchers.get(first, ()):
            place = _test(test, place)
        return rest, place
    return line.args, place


def _test(test: CaddyDirective, place: _Place) -> _Place:
    if test.name == "path" and test.args:
        path, match = _path(test.args[0])
        return place._replace(path=path, match=match)
    if test.name == "path_regexp" and test.args:
        return place._replace(path=test.args[-1], match="regex")
    if test.name == "host":
        return place._replace(hosts=test.args)
    if test.name == "method":
        place.notes.note("methods", tuple(word.upper() for word in test.args) or None, test.location)
    words = tuple(word.lower() for word in test.args)
    is_negated = test.name == "not" and words[:2] == ("header", SESSION_HEADER)
    if (is_negated and (len(words) < 3 or words[2] in _ANY_VALUE)) or (
        test.name == "header" and words[:1] == (f"!{SESSION_HEADER}",)
    ):
        place.notes.note("without_session", True, test.location)
    return place


def _path(text: str) -> tuple[str, Match]:
    if text.endswith("*") and "*" not in text[:-1]:
        return text[:-1] or "/", "prefix"
    if "*" in text:
        return re.escape(text).replace(r"\*", ".*"), "regex"
    return text, "exact"


def _settings(line: CaddyDirective, notes: Notes) -> None:
    """Note what a directive sets for all requests of its block."""
    if line.name == "encode" and line.args:
        notes.note("compression", True, line.location)
    elif line.name == "request_body":
        notes.note("body_limit", _decimal(line.first("max_size")), line.location)
    elif line.name in ("rewrite", "uri") and line.args:
        notes.note("rewrites_path", True, line.location)
    elif line.name == "rate_limit":
        notes.note("rate_limited", True, line.location)
    elif line.name == "header":
        own = [line] if line.block is None else list(line.block)
        for inner in own:
            words = inner.args if inner is line else (inner.name, *inner.args)
            words = words[1:] if words[:1] and words[0].startswith(("@", "/", "*")) else words
            _header(words, inner.location, notes)


def _decimal(text: str) -> int | None:
    """Return a size in bytes. In Caddy, 10MB has powers of 1000, and 10MiB has powers of 1024."""
    match = re.fullmatch(r"(\d{1,12})\s*([kmg])b", text.strip().lower())
    return int(match[1]) * 1000 ** (1 + "kmg".index(match[2])) if match else size(text)


def _header(words: tuple[str, ...], place: Location, notes: Notes) -> None:
    if not words:
        return
    name = words[0].lower()
    plain = name.lstrip("+-?>")
    if name.startswith("-"):
        notes.extend("removes_response_headers", (plain,), place)
        return
    notes.extend("sets_response_headers", (plain,), place)
    value = words[1] if len(words) > 1 else ""
    is_dynamic = "{" in value
    if plain == "access-control-allow-headers":
        notes.note("cors_headers", names(value), place, is_dynamic=is_dynamic)
    elif plain == "access-control-expose-headers":
        notes.note("cors_exposes", names(value), place, is_dynamic=is_dynamic)
    elif plain == "access-control-allow-origin":
        notes.note("cors_origin", value, place, is_dynamic=is_dynamic)
