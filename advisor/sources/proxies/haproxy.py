"""Reads HAProxy configurations: frontends, their rules, and backends with the settings of their `defaults`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from advisor.deployment.model import DeploymentFiles, NotRead, Proxy, Route, Upstream
from advisor.findings import Location
from advisor.sources.proxies.haproxy_backends import read_backend, server_uses_tls
from advisor.sources.proxies.haproxy_syntax import (
    ConfigLine,
    HaproxySection,
    RuleTest,
    condition,
    header_of,
    is_haproxy,
    lacks_session,
    path_of,
    sections,
    term,
)
from advisor.sources.proxies.wording import (
    LONGEST,
    SESSION_HEADER,
    Files,
    Match,
    Notes,
    is_forwarded,
    names,
    number,
    seconds,
)

__all__ = ["is_haproxy", "read", "read_all"]

_RETRIES = {
    "none": ("none",),
    "conn-failure": ("connect-failure",),
    "empty-response": ("error",),
    "junk-response": ("error",),
    "response-timeout": ("timeout",),
    "0rtt-rejected": ("connect-failure",),
    "all-retryable-errors": ("connect-failure", "error", "timeout", "http-5xx"),
}
_LENGTH = re.compile(r"req\.body_size|req\.hdr(?:_val)?\(content-length\)", re.IGNORECASE)
_RATE = re.compile(r"(?:http_req_rate|conn_rate|sess_rate|gpc\d?_rate|http_err_rate)")


def read_all(paths: Sequence[str], files: Files) -> DeploymentFiles:
    """Read the files of HAProxy among the audited files. Several files of a folder can be a single configuration.

    Args:
        paths: the files for which `is_haproxy` holds.
        files: all audited files.
    """
    found = DeploymentFiles()
    folders: dict[str, list[str]] = {}
    for path in paths:
        folders.setdefault(posixpath.dirname(path), []).append(path)
    for group in folders.values():
        whole = _Reader(group, files)
        if len(group) > 1 and any(_Reader([path], files).missing for path in group):
            found = found.joined(whole.found())
        else:
            for path in group:
                found = found.joined(_Reader([path], files, whole.environment).found())
    return found


def read(text: str, path: str, files: Files) -> DeploymentFiles:
    """Read a configuration.

    Args:
        text: the configuration.
        path: its path relative to the audited path.
        files: all audited files. Variables that are set in other files of the folder are read from them.
    """
    beside = [
        other
        for other in files
        if posixpath.dirname(other) == posixpath.dirname(path) and other != path and is_haproxy(files[other], other)
    ]
    environment = _Reader(beside, files).environment if beside else {}
    return _Reader([path], {path: text}, environment).found()


class _Reader:
    """The configuration in a list of files.

    Attributes:
        environment: the variables that the files set.
        missing: the backends that the rules name and that the files do not declare.
    """

    def __init__(self, paths: Sequence[str], files: Files, environment: dict[str, str] | None = None) -> None:
        self._paths = [path for path in paths if len(files[path]) <= LONGEST]
        self._problems = [
            NotRead(path, f"longer than {LONGEST:,} characters") for path in paths if path not in self._paths
        ]
        self._sections = sections([(path, files[path]) for path in self._paths])
        self.environment = dict(environment or {})
        for section in self._sections:
            for line in section.lines if section.kind == "global" else ():
                if line.words[0] in ("presetenv", "setenv") and len(line.words) > 2:
                    self.environment[line.words[1]] = line.words[2]
        self._backends = {found.name: found for found in self._sections if found.kind in ("backend", "listen")}
        self._selecting: set[str] = set()
        self._known: dict[tuple[Location, str], Notes] = {}
        fronts = [found for found in self._sections if found.kind in ("frontend", "listen")]
        self._routes = [route for section in fronts for route in self._front(section)]
        self.missing = {route.upstream for route in self._routes} - {"", *self._backends}

    def found(self) -> DeploymentFiles:
        """Return the proxy of the files, if they have frontends or backends."""
        routed = {route.upstream for route in self._routes}
        upstreams = tuple(
            read_backend(section, self._sections, self.environment, name in self._selecting)
            for name, section in self._backends.items()
            if name in routed or _has_servers(section)  # other backends have only a table
        )
        for route in {route.upstream: route for route in self._routes if route.upstream in self.missing}.values():
            place = route.location
            why = f"the backend {route.upstream} of line {place.line} is not in the files"
            self._problems.append(NotRead(place.path, why))
            upstreams += (Upstream(route.upstream, place, ()),)
        proxies: tuple[Proxy, ...] = ()
        if self._routes or upstreams:
            front = next((found for found in self._sections if found.kind in ("frontend", "listen")), None)
            name = front.location.path if front is not None else self._paths[0]
            proxies = (
                Proxy("haproxy", name, Location(name), upstreams, tuple(self._routes), observed=self._process()),
            )
        return DeploymentFiles(tuple(self._paths), tuple(self._problems), proxies)

    def _process(self) -> Notes:
        notes = Notes()
        for section in self._sections:
            for line in section.lines if section.kind == "global" else ():
                if len(line.words) > 1:
                    value = line.file.restored(line.words[1], self.environment)[0]
                    if line.words[0] == "maxconn":
                        notes.note("connections", number(value), line.location)
                    elif line.words[0] in ("ulimit-n", "fd-hard-limit"):
                        notes.note("file_limit", number(value), line.location)
                    elif line.words[0] == "hard-stop-after":
                        notes.note("shutdown_timeout", seconds(value, "ms"), line.location)
        return notes

    def _front(self, section: HaproxySection) -> Iterator[Route]:
        acls: dict[str, list[RuleTest]] = {}
        for line in section.own("acl"):
            if len(line.words) > 2:
                acls.setdefault(line.words[1], []).append(term(line.words[2:]))
        for line in section.lines:
            words = line.words[1:] if line.words[0] == "http-request" else line.words
            if words[:1] == ("redirect",):
                yield from self._redirect(section, line, words, acls)
            elif line.words[0] == "use_backend" and len(line.words) > 1:
                yield from self._rule(section, line, acls)
        default = section.last("default_backend")
        if default is not None and len(default.words) > 1:
            yield from self._to(section, default.words[1], default, _guarded(section, acls))
        if section.kind == "listen" and _has_servers(section):
            yield from self._to(section, section.name, section.lines[0], [[]])

    def _rule(self, section: HaproxySection, line: ConfigLine, acls: dict[str, list[RuleTest]]) -> Iterator[Route]:
        name = line.words[1]
        if name.startswith("%["):
            place = line.location
            why = f"HAProxy computes the backend of line {place.line} while it runs"
            self._problems.append(NotRead(place.path, why))
            return
        alternatives = condition(line.words, acls)
        if any(
            header_of(found.fetch) == SESSION_HEADER and found.method != "found" and "cnt" not in found.fetch
            for terms in alternatives
            for found in terms
        ):
            self._selecting.add(name)
        yield from self._to(section, name, line, alternatives)

    def _to(
        self, front: HaproxySection, name: str, line: ConfigLine, alternatives: list[list[RuleTest]]
    ) -> Iterator[Route]:
        key = (front.location, name)
        if key not in self._known:
            self._known[key] = self._notes(front, self._backends.get(name))
        notes = self._known[key]
        for terms in alternatives:
            here = Notes(notes)
            if lacks_session(terms):
                here.note("without_session", True, line.location)
            methods = tuple(method for found in terms for method in _methods(found))
            here.note("methods", methods or None, line.location)
            paths = [path for found in terms for path in path_of(found)][:20]
            every: list[tuple[str, Match]] = [("", "every")]
            for path, match in paths or every:
                yield Route(_hosts(terms), path, match, name, line.location, here)

    def _redirect(
        self, section: HaproxySection, line: ConfigLine, words: tuple[str, ...], acls: dict[str, list[RuleTest]]
    ) -> Iterator[Route]:
        for terms in condition(line.words, acls):
            notes = Notes()
            notes.note("redirects", "https" if words[1:3] == ("scheme", "https") else "other", line.location)
            paths = [path for found in terms for path in path_of(found)][:20]
            every: list[tuple[str, Match]] = [("", "every")]
            for path, match in paths or every:
                yield Route(_hosts(terms), path, match, "", line.location, notes)

    def _notes(self, front: HaproxySection, backend: HaproxySection | None) -> Notes:
        notes = Notes()
        both = [front] if backend is None or backend is front else [front, backend]
        binds = [line for line in front.lines if line.words[0] == "bind"]
        tls = next((line for line in binds if "ssl" in line.words), None)
        if binds:
            notes.note("listens_tls", tls is not None, (tls or binds[0]).location)
        self._timeouts(front, both[-1], notes)
        uses_tls = server_uses_tls(backend) if backend is not None else None
        if uses_tls is not None:
            notes.note("upstream_tls", *uses_tls)
        for section in both:
            for line in (*section.inherited, *section.lines):
                _general(section, line, notes)
        _retries(both, notes)
        return notes

    def _timeouts(self, front: HaproxySection, back: HaproxySection, notes: Notes) -> None:
        idle = front.last("timeout", "http-keep-alive") or front.last("timeout", "client")
        for line, name in (
            (back.last("timeout", "server"), "idle_timeout"),
            (back.last("timeout", "connect"), "connect_timeout"),
            (idle, "client_idle_timeout"),
        ):
            if line is not None and len(line.words) > 2:
                text, is_dynamic = line.file.restored(line.words[2], self.environment)
                notes.measured(name, seconds(text, "ms"), text, line.location, is_dynamic=is_dynamic)


def _guarded(section: HaproxySection, acls: dict[str, list[RuleTest]]) -> list[list[RuleTest]]:
    """Return the conditions that a rule such as `http-request return status 404 unless is_mcp` leaves.

    Paths that an earlier `use_backend` takes completely are left out.
    """
    taken = {
        path
        for line in section.own("use_backend")
        for terms in condition(line.words, acls)
        if len(terms) == 1
        for path in path_of(terms[0])
    }
    for line in section.own("http-request"):
        if line.words[1:2] in (("return",), ("deny",)) and "unless" in line.words:
            words = ["if" if word == "unless" else word for word in line.words]
            alternatives = condition(words, acls)
            if all(len(terms) == 1 and path_of(terms[0]) for terms in alternatives):
                left = [terms for terms in alternatives if not set(path_of(terms[0])) <= taken]
                return left or [[]]
    return [[]]


def _has_servers(section: HaproxySection) -> bool:
    return any(line.words[0] in ("server", "server-template") for line in section.lines)


def _methods(found: RuleTest) -> tuple[str, ...]:
    if found.is_negated:
        return ()
    if found.fetch.startswith("meth_"):
        return (found.fetch[5:].upper(),)
    return found.values if found.fetch == "method" else ()


def _hosts(terms: Sequence[RuleTest]) -> tuple[str, ...]:
    found: list[str] = []
    for test in terms:
        is_host = header_of(test.fetch) == "host" or test.fetch in ("ssl_fc_sni", "req.ssl_sni")
        if is_host and not test.is_negated and test.method in ("", "str", "dom"):
            found.extend(value.lower() for value in test.values)
    return tuple(dict.fromkeys(found))


def _retries(both: Sequence[HaproxySection], notes: Notes) -> None:
    line = both[-1].last("retry-on")
    if line is None:
        return
    found: list[str] = []
    for word in line.words[1:]:
        status = number(word)
        if status is not None:
            found.append("http-429" if status == 429 else "http-5xx" if status >= 500 else "http-4xx")
        found.extend(_RETRIES.get(word, ()))
    rules = [rule for section in both for rule in (*section.inherited, *section.lines)]
    spares_posts = any(rule.starts("http-request", "disable-l7-retry") for rule in rules)
    if set(found) - {"none", "connect-failure"} and not spares_posts:
        found.append("non-idempotent")
    notes.extend("retries_on", tuple(found), line.location)


def _general(section: HaproxySection, line: ConfigLine, notes: Notes) -> None:
    words, place = line.words, line.location
    if words[0] == "option" and len(words) > 1:
        if words[1] == "forwardfor":
            notes.extend("sets_forwarded", ((line.after("header") or "x-forwarded-for").lower(),), place)
        elif words[1] == "forwarded":
            notes.extend("sets_forwarded", ("forwarded",), place)
        elif words[1] == "http-buffer-request" and section.option("http-buffer-request"):
            notes.note("request_buffering", True, place)
    elif words[0] == "compression" and words[1:2] == ("algo",):
        notes.note("compression", True, place)
    elif words[0] == "server" and line.after("proto") == "h2":
        notes.note("http_version", "2", place)
    elif words[0] == "http-request" and len(words) > 1:
        _request_rule(line, notes)
    elif words[0] in ("http-response", "http-after-response") and len(words) > 2:
        _response_rule(line, notes)


def _request_rule(line: ConfigLine, notes: Notes) -> None:
    action, place = line.words[1], line.location
    header = line.words[2].lower() if len(line.words) > 2 else ""
    if action in ("set-header", "add-header", "replace-header"):
        if header == "host":
            notes.note("sets_host", "fixed", place)
        elif is_forwarded(header):
            notes.extend("sets_forwarded", (header,), place)
    elif action == "del-header" and header:
        notes.extend("removes_request_headers", (header,), place)
    elif action in ("set-path", "replace-path", "set-uri", "replace-uri", "set-pathq", "replace-pathq"):
        notes.note("rewrites_path", True, place)
    elif action == "cache-use":
        notes.note("cache", True, place)
    elif action in ("deny", "return", "tarpit", "reject"):
        text = " ".join(line.words)
        if _RATE.search(text):
            notes.note("rate_limited", True, place)
        if _LENGTH.search(text) and "gt" in line.words:
            notes.note("body_limit", number(line.after("gt")), place)


def _response_rule(line: ConfigLine, notes: Notes) -> None:
    action, header, place = line.words[1], line.words[2].lower(), line.location
    if action == "del-header":
        notes.extend("removes_response_headers", (header,), place)
    elif action in ("set-header", "add-header") and len(line.words) > 3:
        text, is_dynamic = line.file.restored(line.words[3])
        is_dynamic = is_dynamic or "%[" in text
        notes.extend("sets_response_headers", (header,), place)
        if header == "access-control-allow-headers":
            notes.note("cors_headers", names(text), place, is_dynamic=is_dynamic)
        elif header == "access-control-expose-headers":
            notes.note("cors_exposes", names(text), place, is_dynamic=is_dynamic)
        elif header == "access-control-allow-origin":
            notes.note("cors_origin", text, place, is_dynamic=is_dynamic)
