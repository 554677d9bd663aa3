"""Renders compose.yaml: all instances, the proxy and Redis on one machine, to try a kit of any platform."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

from advisor.kit.endpoints import endpoints
from advisor.kit.model import KitContext, KitFile, TierContext
from advisor.kit.parts import proxy
from advisor.kit.templating import render
from advisor.kit.upstreams import PROXY_PORT, production_addresses
from advisor.knowledge.space import SERVER_PORT

FIRST_PORT = 8080
"""The port on this machine of the proxy or, in a kit without a proxy, of the first instance."""

_FOLDER = "compose"
"""The folder for the addresses of Compose, if `proxy/` contains the addresses of another platform."""


class ComposeInstance(NamedTuple):
    """A server container.

    Attributes:
        name: name of the Compose service, and its host name.
        tier: the tier that it runs.
        port: port on this machine, or 0 behind a proxy.
    """

    name: str
    tier: TierContext
    port: int


class ProxyContainer(NamedTuple):
    """A proxy container: service name, command, and its port on this machine."""

    name: str
    command: list[str]
    port: int


class ProxyImage(NamedTuple):
    """The settings that all proxies of a kit share.

    Attributes:
        image: name and tag of the image.
        command: start command.
        mounts: pairs of a file in the kit and its path in the container.
        check: command of the health check.
        memory_mi: memory limit in MiB.
        listen: port inside the container.
    """

    image: str
    command: list[str]
    mounts: list[tuple[str, str]]
    check: list[str]
    memory_mi: int
    listen: int = PROXY_PORT


def files(kit: KitContext) -> list[KitFile]:
    """Render compose.yaml and, if Compose is not the platform, the addresses of the proxy for Compose."""
    made = _address_files(kit)
    moved = {file.path.removeprefix(f"{_FOLDER}/"): file.path for file in made}
    image = _image(kit, moved) if kit.proxy else None
    text = render(
        "compose/compose.yaml.j2",
        kit=kit,
        endpoints=endpoints(kit, FIRST_PORT),
        instances=_instances(kit),
        proxies=_proxies(kit, image) if image else [],
        proxy=image,
        stop_s=max(tier.shutdown_s for tier in kit.tiers) + 5,
    )
    return [KitFile("compose.yaml", text.rstrip("\n") + "\n"), *made]


def try_ports(kit: KitContext) -> list[int]:
    """Return the ports for clients on this machine: one for each proxy or, without a proxy, one for each instance."""
    if kit.plain:
        return [SERVER_PORT]
    many = kit.proxy_replicas if kit.proxy else sum(tier.instances for tier in kit.tiers)
    return [FIRST_PORT + number for number in range(many)]


def _instances(kit: KitContext) -> list[ComposeInstance]:
    names = [
        (f"{'server' if tier.name == 'main' else tier.name}-{number + 1}", tier)
        for tier in kit.tiers
        for number in range(tier.instances)
    ]
    ports = [0] * len(names) if kit.proxy else try_ports(kit)
    return [ComposeInstance(name, tier, port) for (name, tier), port in zip(names, ports, strict=True)]


def server_names(kit: KitContext) -> list[str]:
    """Return the names of the services in compose.yaml that run the servers."""
    return [instance.name for instance in _instances(kit)]


def _proxies(kit: KitContext, image: ProxyImage) -> list[ProxyContainer]:
    named = zip(proxy_names(kit), try_ports(kit), strict=True)
    return [ProxyContainer(name, image.command, port) for name, port in named]


def proxy_names(kit: KitContext) -> list[str]:
    """Return the names of the services in compose.yaml that run the proxy of the kit."""
    many = kit.proxy_replicas
    return ["proxy"] if many == 1 else [f"proxy-{number + 1}" for number in range(many)]


def _address_files(kit: KitContext) -> list[KitFile]:
    """Render the addresses and ports of the proxy for Compose; nothing if `proxy/` already contains them."""
    if not kit.proxy or kit.platform == "compose":
        return []
    proxy_addresses = production_addresses(replace(kit, platform="compose"))
    made = proxy.address_files(kit, proxy_addresses)
    return [replace(file, path=f"{_FOLDER}/{file.path.rpartition('/')[2]}") for file in made]


def _image(kit: KitContext, moved: dict[str, str]) -> ProxyImage:
    """Return the image of the kit's proxy, with the version of the requirements if they name one."""
    carried = kit.carried
    names = [*carried.files[1:], carried.files[0]]
    stated = re.match(r"\d+\.\d+", kit.proxy_version)  # the tags of the images have two numbers
    address = f"http://127.0.0.1:{PROXY_PORT}/healthz"
    fetch = ["CMD", "wget", "-q", "-O", "/dev/null", address]
    connect = ["CMD", "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{PROXY_PORT}"]
    return ProxyImage(
        image=f"{carried.image}:{carried.tag_of(carried.release_for(stated[0] if stated else ''))}",
        command=carried.command(carried.id, carried.folder),
        mounts=[(f"./{moved.get(name, f'proxy/{name}')}", f"{carried.folder}/{name}") for name in names],
        check=fetch if carried.fetches else connect,
        memory_mi=proxy.plan_for(kit).memory_mi(kit.figure("proxy.memory_mi")),
    )
