"""Reads nginx configurations: complete ones, fragments without `http {}`, and templates with placeholders."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from advisor.deployment.model import DeploymentFiles, NotRead, Proxy, Route, Target, Upstream
from advisor.findings import Location
from advisor.sources.proxies.nginx_locations import match_kind, matched, references, users_of
from advisor.sources.proxies.nginx_routes import BlockScope, indexed, route_notes, server_notes
from advisor.sources.proxies.nginx_syntax import Directive, NginxSyntax, is_nginx
from advisor.sources.proxies.nginx_upstreams import hash_kind, read_upstream, routed_by_session
from advisor.sources.proxies.nginx_variables import Variables, variables
from advisor.sources.proxies.placeholders import NGINX, Template
from advisor.sources.proxies.wording import Files, Notes, host_and_port, number, seconds

__all__ = ["is_nginx", "read", "read_all"]

_BODIES = ("http", "stream", "events")
_HTTP_LEVEL = ("server", "upstream", "map", "geo", "split_clients")
_WORD = re.compile(r"[\w.-]+")
_PASS = re.compile(r"(?:(\w+)://)?([^/]+)(/.*)?", re.DOTALL)


def read_all(paths: Sequence[str], files: Files) -> DeploymentFiles:
    """Read the files of nginx among the audited files. A file that another file includes is a part of that file.

    Args:
        paths: the files for which `is_nginx` holds.
        files: all audited files.
    """
    syntax = NginxSyntax(files)
    for path in paths:
        syntax.expanded(path)
    parts = syntax.included
    roots = [path for path in paths if path not in parts]
    reached: set[str] = set()
    shared: dict[str, dict[str, Directive]] = {}
    proxies: list[Proxy] = []
    for path in [*roots, *(path for path in paths if path in parts)]:  # the second part: circles of includes
        if path in reached or syntax.directives(path) is None:
            continue
        syntax.included = {path}
        folder = posixpath.dirname(path)
        if folder not in shared:
            shared[folder] = _definitions(syntax, [other for other in roots if posixpath.dirname(other) == folder])
        proxies.extend(_Reader(path, syntax, shared[folder]).proxies())
        reached |= syntax.included
    examined = tuple(path for path in paths if syntax.directives(path) is not None)
    return DeploymentFiles(examined, tuple(syntax.problems), tuple(proxies))


def read(text: str, path: str, files: Files) -> DeploymentFiles:
    """Read a configuration with its includes.

    Args:
        text: the configuration.
        path: its path relative to the audited path.
        files: all audited files. Includes are read from them only.
    """
    syntax = NginxSyntax(files)
    if syntax.directives(path, text) is None:
        return DeploymentFiles(not_examined=tuple(syntax.problems))
    proxies = tuple(_Reader(path, syntax, {}).proxies())
    return DeploymentFiles((path,), tuple(syntax.problems), proxies)


def _name(directive: Directive) -> str:
    """Return the upstream or the variable that a block defines."""
    return directive.args[-1].lstrip("$") if directive.args else ""


def _definitions(syntax: NginxSyntax, fragments: Sequence[str]) -> dict[str, Directive]:
    """Return the upstreams and variables of files without `http {}`, by their names."""
    found: dict[str, Directive] = {}
    for path in fragments:
        directives = syntax.expanded(path) or ()
        if not any(directive.name in _BODIES for directive in directives):
            found.update((_name(inner), inner) for inner in directives if inner.name in _HTTP_LEVEL[1:])
    return found


def _needed(own: Sequence[Directive], beside: Mapping[str, Directive]) -> list[Directive]:
    """Return the definitions of other files that directives use."""
    found: dict[str, Directive] = {}
    left = list(own)
    while left:
        directive = left.pop()
        left.extend(directive.block or ())
        for word in (word for arg in directive.args for word in _WORD.findall(arg)):
            if word in beside and word not in found:
                found[word] = beside[word]
                left.append(beside[word])
    return list(found.values())


class _Pass(NamedTuple):
    """A `proxy_pass` and the levels of blocks around it."""

    directive: Directive
    scope: BlockScope
    hosts: tuple[str, ...]
    path: str
    match: str
    without_session: bool


class _Reader:
    def __init__(self, path: str, syntax: NginxSyntax, beside: Mapping[str, Directive]) -> None:
        self._path = path
        self._syntax = syntax
        self._main = syntax.expanded(path) or ()
        self._http = [inner for outer in self._main if outer.name == "http" for inner in outer.block or ()]
        self._stream = [inner for outer in self._main if outer.name == "stream" for inner in outer.block or ()]
        self._shared: list[Directive] = []  # of the other fragments in the folder
        if not any(directive.name in _BODIES for directive in self._main):
            self._http = list(self._main)
            if not any(directive.name in _HTTP_LEVEL and directive.block is not None for directive in self._main):
                self._http = [Directive("server", (), self._main, Location(path), Template("", NGINX))]
            self._shared = _needed(self._http, beside)
        self._outer = indexed(self._http)
        self._known = Variables([*self._http, *self._stream, *self._shared])
        self._upstreams: dict[str, Upstream] = {}
        self._blocks: dict[str, Directive] = {}
        for directive in [*self._shared, *self._http, *self._stream]:
            if directive.name == "upstream" and directive.args and directive.block is not None:
                upstream = read_upstream(directive, self._known)
                self._upstreams[upstream.name] = upstream
                self._blocks[upstream.name] = directive
        self._used: dict[str, Upstream] = {}
        self._resolver = next((found for found in self._every(self._http) if found.name == "resolver"), None)

    def _every(self, directives: Sequence[Directive]) -> Iterator[Directive]:
        for directive in directives:
            yield directive
            yield from self._every(directive.block or ())

    def proxies(self) -> Iterator[Proxy]:
        routes = [route for directive in self._http if directive.name == "server" for route in self._server(directive)]
        for directive in self._stream:
            if directive.name == "server" and directive.block is not None:
                routes.extend(self._stream_server(directive))
        own = {name: found for name, found in self._upstreams.items() if found.location.path in self._syntax.included}
        own |= {name: found for name, found in self._upstreams.items() if found.location.path == self._path}
        upstreams = {**own, **self._used}
        if routes or upstreams:
            yield Proxy(
                "nginx",
                self._path,
                Location(self._path),
                tuple(upstreams.values()),
                tuple(routes),
                observed=self._process(),
            )

    def _process(self) -> Notes:
        notes = Notes()
        events = [inner for outer in self._main if outer.name == "events" for inner in outer.block or ()]
        for directive in [*self._main, *events]:
            if directive.args:
                value = directive.file.restored(directive.args[0])[0]
                if directive.name == "worker_connections":
                    notes.note("connections", number(value), directive.location)
                elif directive.name == "worker_rlimit_nofile":
                    notes.note("file_limit", number(value), directive.location)
                elif directive.name == "worker_shutdown_timeout":
                    notes.note("shutdown_timeout", seconds(value), directive.location)
        if self._known.has_map_after_capture is not None:
            notes.note("regex_map_after_capture", True, self._known.has_map_after_capture.location)
        return notes

    def _server(self, server: Directive) -> Iterator[Route]:
        if server.block is None:
            return
        scope = BlockScope((self._outer, indexed(server.block)))
        hosts = tuple(
            name
            for inner in server.named("server_name")
            for name in inner.args
            if name not in ("_", "", "localhost", '""')
        )
        hosts = tuple(server.block[0].file.restored(name)[0] if server.block else name for name in hosts)
        tls = server_notes(server)
        for directive in server.named("return"):
            if (route := self._redirect(directive, hosts, "", "every", tls)) is not None:
                yield route
        for found in self._passes(server, scope, hosts):
            if found.directive.name == "return":
                route = self._redirect(found.directive, hosts, found.path, found.match, tls)
                if route is not None:
                    yield route
            else:
                yield from self._routes(found, tls)

    def _passes(self, server: Directive, scope: BlockScope, hosts: tuple[str, ...]) -> Iterator[_Pass]:
        """Yield the `proxy_pass` and `return` of all locations. A named location has the paths of those that use it."""
        named: dict[str, list[tuple[str, str, bool]]] = {}
        places: list[tuple[Directive, BlockScope, str, str]] = []

        def collect(block: Directive, outer: BlockScope) -> None:
            for location in block.named("location"):
                if location.block is None or not location.args:
                    continue
                inner = outer.inside(location.block)
                path, match = matched(location)
                places.append((location, inner, path, match))
                collect(location, inner)

        collect(server, scope)
        for level, path, match in [(server, "", "every"), *((found[0], *found[2:]) for found in places)]:
            for name, is_new in references(level, self._known):
                named.setdefault(name, []).append((path, match, is_new))
        for location, inner, path, match in places:
            users = [(path, match, False)] if match != "named" else users_of(path, named)
            for user_path, user_match, is_new in users:
                yield from self._in_location(location, inner, hosts, (user_path, user_match, is_new))

    def _in_location(
        self, location: Directive, scope: BlockScope, hosts: tuple[str, ...], user: tuple[str, str, bool]
    ) -> Iterator[_Pass]:
        path, match, is_new = user
        for directive in location.named("proxy_pass", "grpc_pass", "return"):
            if directive.args:
                yield _Pass(directive, scope, hosts, path, match, is_new)
        for inner in location.named("if", "limit_except"):
            lacks_id = inner.name == "if" and self._known.lacks_session(inner.args)
            for directive in inner.named("proxy_pass", "grpc_pass"):
                if directive.args:
                    yield _Pass(directive, scope.inside(inner.block or ()), hosts, path, match, is_new or lacks_id)

    def _redirect(
        self, directive: Directive, hosts: tuple[str, ...], path: str, match: str, tls: Notes
    ) -> Route | None:
        status = directive.args[0] if directive.args else ""
        target = directive.args[-1] if directive.args else ""
        if status not in ("301", "302", "303", "307", "308") and "://" not in status:
            return None
        kind = "https" if target.startswith("https://") and "$" in target else "other"
        if re.search(r"\$(?:request_)?uri/|/\$1/?$", target):
            kind = "slash"
        notes = Notes(tls)
        notes.note("redirects", kind, directive.location)
        return Route(hosts, path, match_kind(match), "", directive.location, notes)

    def _routes(self, found: _Pass, tls: Notes) -> Iterator[Route]:
        scope, directive = found.scope, found.directive
        text = directive.args[0]
        is_fixed = not variables(text)  # before placeholders, which look like variables, are restored
        match = _PASS.fullmatch(directive.file.restored(text)[0] if is_fixed else text)
        if match is None:
            return
        notes = route_notes(scope, found.path, match[3] or "", self._known)
        notes.update(tls)
        urls = [f"{match[1]}:"] if match[1] else [text] if is_fixed else self._known.values(text)
        notes.note("upstream_tls", any(url.startswith(("https:", "grpcs:")) for url in urls), directive.location)
        if found.without_session:
            notes.note("without_session", True, directive.location)
        if is_fixed:
            upstreams = [self._named(match[2], directive, scope.rewrites_session(self._known))]
        else:
            upstreams = list(self._upstream_names(match[2], directive, scope))
        for name in upstreams:
            yield Route(found.hosts, found.path, match_kind(found.match), name, directive.location, notes)

    def _upstream_names(self, host: str, directive: Directive, scope: BlockScope) -> Iterator[str]:
        """Yield the upstreams of a `proxy_pass` with variables, and make those that no `upstream` block declares."""
        known = self._known
        rewrites = scope.rewrites_session(known)
        values = [value.rpartition("//")[2].partition("/")[0] for value in known.values(host)]
        values = [value for value in dict.fromkeys(values) if value]
        selects = known.selects_by_session(host)
        if not values:
            place = directive.location
            self._note(f"nginx computes the upstream of line {place.line} from {host} while it runs", place.path)
            yield self._made(host, directive, [], Notes())
        elif len(values) == 1 or (not selects and all(value in self._upstreams for value in values)):
            for value in values:
                yield self._named(value, directive, rewrites)
        else:
            notes = Notes()
            place = directive.location
            bases = known.bases(host)
            pools = [self._upstreams[value] for value in values if value in self._upstreams]
            if selects:
                notes.note("sticky", "rewritten" if rewrites else "other", rewrites or place)
                largest = max(pools, key=lambda pool: len(pool.targets), default=None)
                notes.note("balance", "random" if bases & {"request_id", "msec"} else None, place)
                if largest is not None and len(largest.targets) > 1:
                    notes.update(largest.observed)
                    notes.note("sticky", "rewritten" if rewrites else "other", rewrites or place)
            elif any(name.startswith("cookie_") for name in bases):
                notes.note("balance", "cookie-hash", place)
            else:
                kind = hash_kind(host, known)
                notes.note("balance", kind, place)
                notes.note("sticky", "address" if kind == "address-hash" else None, place)
            if self._resolver is not None:
                notes.note("resolves_names", True, self._resolver.location)
            targets = [target for pool in pools for target in pool.targets]
            targets += [Target(*host_and_port(value), place) for value in values if value not in self._upstreams]
            unique = list({(target.host, target.port): target for target in targets}.values())
            yield self._made(host, directive, unique, notes)

    def _named(self, name: str, directive: Directive, rewrites: Location | None) -> str:
        if name in self._upstreams:
            upstream = self._used.get(name, self._upstreams[name])
            if rewrites and name in self._blocks and routed_by_session(self._blocks[name], self._known):
                notes = Notes(upstream.observed)
                notes.note("sticky", "rewritten", rewrites)
                upstream = upstream._replace(observed=notes)
            self._used[name] = upstream
            return name
        notes = Notes()
        if variables(directive.args[0]) and self._resolver is not None:
            notes.note("resolves_names", True, self._resolver.location)
        return self._made(name, directive, [Target(*host_and_port(name), directive.location)], notes)

    def _made(self, name: str, directive: Directive, targets: list[Target], notes: Notes) -> str:
        self._used.setdefault(name, Upstream(name, directive.location, tuple(targets), notes))
        return name

    def _note(self, why: str, path: str) -> None:
        if NotRead(path, why) not in self._syntax.problems:
            self._syntax.problems.append(NotRead(path, why))

    def _stream_server(self, server: Directive) -> Iterator[Route]:
        scope = BlockScope((indexed(self._stream), indexed(server.block or ())))
        for directive in server.named("proxy_pass"):
            if directive.args:
                notes = Notes(server_notes(server))
                for name, setting in (("proxy_timeout", "idle_timeout"), ("proxy_connect_timeout", "connect_timeout")):
                    found = scope.last(name)
                    if found is not None and found.args:
                        notes.note(setting, seconds(found.args[0]), found.location)
                host = directive.args[0]
                if variables(host):
                    upstreams = list(self._upstream_names(host, directive, scope))
                else:
                    upstreams = [self._named(directive.file.restored(host)[0], directive, None)]
                for upstream in upstreams:
                    yield Route((), "", "every", upstream, directive.location, notes)
