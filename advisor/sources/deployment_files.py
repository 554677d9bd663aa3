"""Reads the configuration files of a deployment. Each file goes to the reader that knows its kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from advisor.deployment.model import DeploymentFiles, NotRead
from advisor.knowledge import Knowledge
from advisor.sources.code_files import SourceFiles
from advisor.sources.platforms.reader import PlatformReader
from advisor.sources.proxies import caddy, envoy, haproxy, nginx, traefik

_ENDINGS = (
    *(".conf", ".cfg", ".nginx", ".vhost", ".caddy", ".caddyfile", ".yaml", ".yml", ".json", ".toml", ".tf"),
    *(".template", ".tmpl", ".tpl", ".j2", ".jinja", ".jinja2", ".erb", ".in"),
)
AUDITED_NAMES = (
    rf"({'|'.join(map(re.escape, _ENDINGS))}|(^|/)([^/.]+|[^/]*(Docker|Container)file[^/]*|Caddyfile[^/]*))$"
)
"""The names of configuration files, as a regular expression. Files without a dot in the name are tried, too."""

_Reader = tuple[
    Callable[[str, str], bool],
    Callable[[Sequence[str], Mapping[str, str]], DeploymentFiles],
    Callable[[str, str, Mapping[str, str]], DeploymentFiles],
]
_PROXIES: tuple[_Reader, ...] = (
    (nginx.is_nginx, nginx.read_all, nginx.read),
    (haproxy.is_haproxy, haproxy.read_all, haproxy.read),
    (envoy.is_envoy, envoy.read_all, envoy.read),
    (traefik.is_traefik, traefik.read_all, traefik.read),
    (caddy.is_caddy, caddy.read_all, caddy.read),
)
"""For each kind of proxy: whether a text is of this kind, and the readers of files and of a text in another file."""


def read_deployment(files: SourceFiles, knowledge: Knowledge) -> DeploymentFiles:
    """Return the parts of a deployment that the files state. Files of other kinds are left out.

    Args:
        files: the files.
        knowledge: has what the settings of platforms mean.
    """
    texts = dict(_texts(files))
    platforms = PlatformReader(knowledge, files, _embedded, traefik.labels)
    rest = [path for path, text in texts.items() if not platforms.add(text, path)]
    found = platforms.result()
    for is_kind, read_all, _ in _PROXIES:
        known = [path for path in rest if is_kind(texts[path], path)]
        rest = [path for path in rest if path not in known]
        found = found.joined(read_all(known, texts)) if known else found
    problems = tuple(NotRead(problem.path, problem.why) for problem in files.problems)
    return found._replace(not_examined=(*found.not_examined, *problems))


def _texts(files: SourceFiles) -> Iterator[tuple[str, str]]:
    for name in files.others:
        if not re.search(AUDITED_NAMES, name):
            continue
        content = files.read(name)
        if content is not None and b"\0" not in content:
            yield name, content.decode("utf-8", errors="replace")


def _embedded(text: str, path: str, name: str) -> DeploymentFiles | None:
    """Read the configuration of a proxy inside another file, such as a ConfigMap; None for another text."""
    for is_kind, _, read in _PROXIES:
        if is_kind(text, name):
            return read(text, path, {path: text})
    return None
