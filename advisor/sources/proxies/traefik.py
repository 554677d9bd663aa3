"""Reads configurations of Traefik: routers, middlewares and services in YAML and TOML files and in labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from advisor.deployment.model import DeploymentFiles, NotRead, Observation, Proxy, Route, Upstream, Workload
from advisor.findings import Location
from advisor.sources.platforms.marked import UnreadableError, YamlNode
from advisor.sources.proxies.traefik_services import read_service, transport_notes
from advisor.sources.proxies.traefik_settings import entry_notes, middleware_notes
from advisor.sources.proxies.traefik_tree import Call, at, label_tree, paths_of, rule_alternatives, toml_tree, words_of
from advisor.sources.proxies.wording import SESSION_HEADER, Files, Match, Notes, number
from advisor.sources.proxies.yaml_files import yaml_documents

__all__ = ["is_traefik", "labels", "read", "read_all"]

_DYNAMIC = re.compile(r"^\s*[\"']?(?:loadBalancer|loadbalancer)[\"']?\s*:|^\s*\[+(?:http|tcp)\.", re.MULTILINE)
_ROUTERS = re.compile(r"^\s*[\"']?routers[\"']?\s*:|^\s*\[+(?:http|tcp)\.routers", re.MULTILINE)
_STATIC = re.compile(r"^[\"']?(?:entryPoints|entrypoints)[\"']?\s*:|^\s*\[entryPoints", re.MULTILINE)
_PROVIDERS = re.compile(
    r"^[\"']?(?:providers|api|certificatesResolvers|log|accessLog)[\"']?\s*:|^\s*\[providers|^\s+address\s*[:=]",
    re.MULTILINE,
)
_TOML = re.compile(r"^[ \t]*\[+(?:http|tcp|entryPoints|providers)[.\]]", re.MULTILINE)
_KUBERNETES = re.compile(r"^[\"']?apiVersion[\"']?\s*:", re.MULTILINE)


def is_traefik(text: str, path: str) -> bool:
    """Whether a file is a configuration of Traefik: its routers and services, or its own settings."""
    ending = path.lower().rpartition(".")[2]
    if ending not in ("yaml", "yml", "toml", "tmpl", "j2", "tpl", "template", "json") or _KUBERNETES.search(text):
        return False
    is_dynamic = _DYNAMIC.search(text) and (_ROUTERS.search(text) or "servers" in text)
    return bool(is_dynamic) or bool(_STATIC.search(text) and _PROVIDERS.search(text))


def read_all(paths: Sequence[str], files: Files) -> DeploymentFiles:
    """Read the files of Traefik among the audited files. The entry points of a file hold for the routers of all files.

    Args:
        paths: the files for which `is_traefik` holds.
        files: all audited files.
    """
    trees: dict[str, YamlNode] = {}
    problems: list[NotRead] = []
    for path in paths:
        try:
            trees[path] = _tree(files[path], path)
        except UnreadableError as error:
            problems.append(NotRead(path, str(error)))
    static = [tree for tree in trees.values() if at(tree, "entryPoints")]
    proxies: list[Proxy] = []
    every = _Entries(trees.values())
    for path, tree in trees.items():
        own = tree if at(tree, "entryPoints") else static[0] if len(static) == 1 else None
        reader = _Reader(path, tree, own, every)
        proxies.extend(reader.proxies())
        problems.extend(reader.problems)
    return DeploymentFiles(tuple(trees), tuple(problems), tuple(proxies))


def read(text: str, path: str, files: Files) -> DeploymentFiles:
    """Read a file of Traefik.

    Args:
        text: the file.
        path: its path relative to the audited path.
        files: all audited files. Only the file itself is read.
    """
    return read_all([path], {path: text})


def labels(stated: Mapping[str, Observation], workload: Workload) -> DeploymentFiles:
    """Read the routers that the labels of a container declare.

    Args:
        stated: the texts of the labels by their names, such as `traefik.http.routers.mcp.rule`.
        workload: the container.
    """
    tree = at(label_tree(stated), "traefik")
    if not tree or at(tree, "enable").truth is False:
        return DeploymentFiles()
    reader = _Reader(tree.path, tree, None, _Entries([tree]), container=workload.name)
    proxies = tuple(reader.proxies())
    return DeploymentFiles(not_examined=tuple(reader.problems), proxies=proxies)


def _tree(text: str, path: str) -> YamlNode:
    if path.lower().endswith(".toml") or _TOML.search(text):
        return toml_tree(text, path)
    found = [document for document in yaml_documents(text, path) if document.is_mapping]
    return found[0] if found else YamlNode(None, path)


class _Entries:
    """The services, middlewares and the like of trees, by their names."""

    def __init__(self, trees: Iterable[YamlNode]) -> None:
        self._trees = list(trees)
        self._known: dict[tuple[str, str], dict[str, YamlNode]] = {}

    def find(self, layer: str, kind: str, name: str) -> YamlNode:
        """Return an entry, or nothing. A name can have a provider, such as `mcp@file`."""
        if (layer, kind) not in self._known:
            self._known[layer, kind] = {
                found.lower(): node for tree in reversed(self._trees) for found, node in at(tree, layer, kind).pairs()
            }
        return self._known[layer, kind].get(name.partition("@")[0].lower(), YamlNode(None, ""))


class _Reader:
    """Makes the proxy of a file or of the labels of a container.

    Attributes:
        problems: what was not read.
    """

    def __init__(
        self, path: str, tree: YamlNode, static: YamlNode | None, every: _Entries, *, container: str = ""
    ) -> None:
        self._path = path
        self._tree = tree
        self._static = static if static is not None else YamlNode(None, path)
        self._own, self._every = _Entries([tree]), every
        self._container = container
        self._upstreams: dict[str, Upstream] = {}
        self._transports: dict[str, Notes] = {}
        self.problems: list[NotRead] = []

    def proxies(self) -> Iterator[Proxy]:
        """Yield the proxy, if there are routers or services."""
        routes = [
            route for layer in ("http", "tcp") for route in self._routers(layer, at(self._tree, layer, "routers"))
        ]
        for layer in ("http", "tcp"):
            for name, _ in at(self._tree, layer, "services").pairs():
                self._use(layer, name, Location(self._path))
        if routes or self._upstreams:
            observed = Notes()
            for _, entry in at(self._static, "entryPoints").pairs():
                grace = at(entry, "transport", "lifeCycle", "graceTimeOut")
                observed.timed("shutdown_timeout", grace.text, grace.location)
            place = self._tree.location if self._container else Location(self._path)
            name = f"the labels of {self._container}" if self._container else self._path
            yield Proxy("traefik", name, place, tuple(self._upstreams.values()), tuple(routes), observed=observed)

    def _find(self, layer: str, kind: str, name: str) -> YamlNode:
        return self._own.find(layer, kind, name) or self._every.find(layer, kind, name)

    def _routers(self, layer: str, routers: YamlNode) -> Iterator[Route]:
        found = [(router, rule_alternatives(at(router, "rule").text)) for _, router in routers.pairs()]
        bound = [
            (call[1], number(at(router, "priority").text) or 0)
            for router, alternatives in found
            for terms in alternatives
            if any(_names_session(other) and not other[2] for other in terms)
            for call in terms
            if any(paths_of(call))
        ]
        for router, alternatives in found:
            priority = number(at(router, "priority").text) or 0
            upstream = self._upstream(layer, router)
            for terms in alternatives:
                calls = [call[1] for call in terms if any(paths_of(call))]
                is_left = any(args in calls and other > priority for args, other in bound)
                is_new = is_left or any(_names_session(call) and call[2] for call in terms)
                yield from self._route(layer, router, terms, upstream, is_new=is_new)

    def _upstream(self, layer: str, router: YamlNode) -> str:
        service = at(router, "service")
        name = service.text
        if not name and self._container:
            name = next((name for name, _ in at(self._tree, layer, "services").pairs()), self._container)
        if not name or name.endswith("@internal"):
            return ""
        return self._use(layer, name, (service or router).location)

    def _route(
        self, layer: str, router: YamlNode, terms: list[Call], upstream: str, *, is_new: bool
    ) -> Iterator[Route]:
        notes = Notes()
        place = router.location
        wanted = [args for name, args, negated in terms if name in ("host", "hostsni") and not negated]
        hosts = tuple(host for args in wanted for host in args if host != "*")
        if is_new:
            notes.note("without_session", True, at(router, "rule").location)
        methods = tuple(arg for name, args, negated in terms if name == "method" and not negated for arg in args)
        notes.note("methods", methods or None, at(router, "rule").location)
        entry_notes(self._static, router, notes)
        if at(router, "tls"):
            notes.note("listens_tls", at(router, "tls").truth is not False, at(router, "tls").location)
        self._middlewares(layer, words_of(at(router, "middlewares")), notes)
        notes.update(self._transports.get(upstream, {}))
        if "redirects" in notes:
            upstream = ""
        elif not upstream:  # a fixed answer of Traefik itself
            return
        paths = [path for call in terms for path in paths_of(call)][:20]
        for path, match in paths or [("", "every")]:
            yield Route(hosts, path, cast(Match, match), upstream, place, notes)

    def _middlewares(self, layer: str, names: Sequence[str], notes: Notes) -> None:
        """Note what middlewares do. A chain has other middlewares."""
        left, seen = list(names), set(names)
        while left:
            node = self._find(layer, "middlewares", left.pop(0))
            inner = [name for name in words_of(at(node, "chain", "middlewares")) if name not in seen]
            seen.update(inner)
            left[:0] = inner
            middleware_notes(node, notes)

    def _use(self, layer: str, name: str, place: Location) -> str:
        plain = name.partition("@")[0]
        if plain in self._upstreams:
            return plain
        node = self._find(layer, "services", name)
        if not node and not self._container:
            self.problems.append(NotRead(place.path, f"the service {name} of line {place.line} is not in the files"))
        self._upstreams[plain] = Upstream(plain, place, ())  # a service that names itself ends here
        upstream = read_service(node, plain, self._container, lambda inner: self._find(layer, "services", inner))
        notes = Notes()
        transport = at(node, "loadBalancer", "serversTransport").text
        observed = Notes(upstream.observed)
        transport_notes(
            self._find(layer, "serversTransports", transport) if transport else YamlNode(None, ""), notes, observed
        )
        service_notes = at(node, "loadBalancer", "passHostHeader")
        notes.note("sets_host", "upstream" if service_notes.truth is False else None, service_notes.location)
        urls = [at(server, "url") for server in at(node, "loadBalancer", "servers").items()]
        for url in urls[:1]:
            notes.note("upstream_tls", url.text.startswith("https://"), url.location)
            notes.note("http_version", "2" if url.text.startswith("h2c://") else None, url.location)
        self._transports[plain] = notes
        self._upstreams[plain] = upstream._replace(location=node.location if node else place, observed=observed)
        return plain


def _names_session(call: Call) -> bool:
    """Whether a test is true for every request with a session id."""
    name, args, _ = call
    is_any = len(args) > 1 and args[1] in (".", ".+", ".*", "^.+$")
    return name in ("headerregexp", "headersregexp") and bool(args) and args[0].lower() == SESSION_HEADER and is_any
