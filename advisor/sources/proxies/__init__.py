"""Readers of the configurations of proxies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from advisor.deployment.model import DeploymentFiles
from advisor.sources.proxies import caddy, envoy, haproxy, nginx, traefik
from advisor.sources.proxies.wording import Files

__all__ = ["READERS", "ProxyReader", "read_inner"]


class ProxyReader(NamedTuple):
    """The reader of a kind of configuration.

    Attributes:
        recognises: whether a file has this kind, from its text and its name.
        read_all: reads all files of this kind, from their paths and all audited files.
        read: reads a single file, from its text, its path and all audited files.
    """

    recognises: Callable[[str, str], bool]
    read_all: Callable[[Sequence[str], Files], DeploymentFiles]
    read: Callable[[str, str, Files], DeploymentFiles]


READERS = (
    ProxyReader(nginx.is_nginx, nginx.read_all, nginx.read),
    ProxyReader(haproxy.is_haproxy, haproxy.read_all, haproxy.read),
    ProxyReader(envoy.is_envoy, envoy.read_all, envoy.read),
    ProxyReader(caddy.is_caddy, caddy.read_all, caddy.read),
    ProxyReader(traefik.is_traefik, traefik.read_all, traefik.read),
)
"""All readers. At most a single reader recognises a file."""


def read_inner(text: str, path: str, name: str) -> DeploymentFiles | None:
    """Read a configuration inside another file, such as a ConfigMap of Kubernetes.

    Args:
        text: the configuration, with empty lines before it, so that its lines have the numbers of the other file.
        path: the other file, relative to the audited path.
        name: the name of the configuration in the other file.

    Returns:
        What the configuration states, or None if no reader recognises it.
    """
    reader = next((reader for reader in READERS if reader.recognises(text, name)), None)
    return None if reader is None else reader.read(text, path, {path: text})
