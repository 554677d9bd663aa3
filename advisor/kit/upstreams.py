"""The addresses of the servers for the proxy of a kit, by platform, and how the proxy resolves their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from advisor.kit.model import KitContext, TierContext
from advisor.knowledge.kits import Mechanism
from advisor.knowledge.space import SERVER_PORT
from advisor.knowledge.versions import at_least

PROXY_PORT = 8080
"""The port of the proxy. It is above 1024, so the proxy needs no privileges."""


@dataclass(frozen=True, slots=True)
class ProxyAddresses:
    """The settings of a proxy that depend on the environment.

    Attributes:
        listen: host and port to listen on; the host can be `*`.
        servers: tier name → host:port of each instance, or of one service for all instances.
        resolver: the DNS server for names; "" if the addresses are IP addresses or are resolved only at start.
        access_log: the access log of nginx.
        peers: name → host:port of the HAProxy peer that gets the session table at a reload.
        source: the address from which the proxy connects to the servers; "" for the choice of the system.
        metrics: host and port of the metrics of the proxy; the host can be `*`; "" for no metrics.
        folder: the folder of the configuration, which only Traefik needs; "" for the folder in which the proxy starts.
    """

    listen: str
    servers: Mapping[str, tuple[str, ...]]
    resolver: str = ""
    access_log: str = "/dev/stdout"
    peers: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    metrics: str = ""
    folder: str = ""


def production_addresses(kit: KitContext) -> ProxyAddresses:
    """Return the addresses for the platform of the kit."""
    addresses, port = {}, SERVER_PORT + 1
    for tier in kit.tiers:
        addresses[tier.name] = _addresses(kit, tier, port)
        port += tier.instances
    log = "syslog:server=unix:/dev/log,nohostname" if kit.platform == "systemd" else "/dev/stdout"
    return ProxyAddresses(
        f"*:{PROXY_PORT}",
        addresses,
        _RESOLVER.get(kit.platform, ""),
        log,
        _peers(kit),
        metrics=metrics_address(kit, f"*:{PROXY_PORT}"),
        folder=configuration_folder(kit),
    )


def configuration_folder(kit: KitContext) -> str:
    """Return the folder of the proxy's configuration on the platform of the kit; "" if the kit has no proxy."""
    if not kit.proxy:
        return ""
    return f"/opt/{kit.service}/proxy" if kit.platform == "systemd" else kit.carried.folder


def metrics_address(kit: KitContext, address: str) -> str:
    """Return host:port of the metrics of a program; "" if Prometheus cannot reach the platform.

    Args:
        kit: the kit.
        address: host:port at which the program serves clients.
    """
    host, port = split(address)
    match kit.platform:
        case "kubernetes" | "compose":
            return f"{host}:{kit.figure('metrics.port')}"
        case "serverless":
            return ""
        case _:  # all programs run on the same machine, so each has a port of its own
            return f"127.0.0.1:1{port}"


# The DNS servers that nginx asks. nginx does not use search domains, so the names below are complete.
_RESOLVER = {"kubernetes": "kube-dns.kube-system.svc.cluster.local", "compose": "127.0.0.11"}
NAMED = (*_RESOLVER, "serverless")


def _addresses(kit: KitContext, tier: TierContext, first_port: int) -> tuple[str, ...]:
    match kit.platform:
        case "kubernetes":
            domain = f".{kit.namespace}.svc.cluster.local"
            own = balance(kit, tier)
            if own == "plain":  # any pod can answer
                name = ready_service(kit, tier) or tier.host
                return (f"{name}{domain if _dynamic(kit) else ''}:{SERVER_PORT}",) * _entries(kit, tier)
            if own in _FOUND_BY_ADDRESS:
                return (f"{tier.host}{domain}:{SERVER_PORT}",)
            pods = range(tier.max_instances)
            return tuple(f"{tier.host}-{n}.{tier.host}{domain}:{SERVER_PORT}" for n in pods)
        case "compose":
            prefix = "server" if tier.name == "main" else tier.name
            return tuple(f"{prefix}-{n + 1}:{SERVER_PORT}" for n in range(tier.instances))
        case "serverless":
            return (f"{tier.host}:{SERVER_PORT}",)
        case _:
            return tuple(f"127.0.0.1:{first_port + n}" for n in range(tier.instances))


# nginx finds the owner of a session by its address, so one name for all pods is enough. With a name for each pod, the
# names of pods that do not run would fill the error log.
_FOUND_BY_ADDRESS = ("learn", "cookie", "route")


def opens_unchecked(kit: KitContext) -> bool:
    """Whether the proxy can send requests that open a session to an instance that just failed (no passive check)."""
    return bool(kit.proxy) and any(balance(kit, tier) in kit.carried.unchecked for tier in kit.tiers)


def ready_service(kit: KitContext, tier: TierContext) -> str:
    """Return the name of the Kubernetes Service whose DNS name has the addresses of all ready pods; "" for none.

    With the addresses, the proxy of the kit can try another pod if one pod does not answer. With the one address of
    another Service, it cannot.
    """
    fleet = kit.proxy and tier.max_instances > 1 and balance(kit, tier) == "plain" and _dynamic(kit)
    return f"{tier.host}-ready" if fleet else ""


def _entries(kit: KitContext, tier: TierContext) -> int:
    """Return how often the proxy lists the name of a Service: once per address if an entry gets a single address."""
    return tier.max_instances if kit.proxy and kit.carried.fixed_entries and ready_service(kit, tier) else 1


def _peers(kit: KitContext) -> dict[str, str]:
    """HAProxy with a session table is its own peer: at a reload, the old process sends the table to the new process."""
    return {"mcp_proxy": "127.0.0.1:10000"} if any(balance(kit, tier) == "table" for tier in kit.tiers) else {}


def applied(kit: KitContext, tier: TierContext) -> Mechanism | None:
    """Return the mechanism that the kit's proxy uses for the sessions of `tier`; None if the tier has no affinity."""
    mechanism = kit.mechanism(tier)
    if mechanism is None or not mechanism.balance:
        return None
    if mechanism.needs and not _has(kit, mechanism.needs):
        return kit.mechanism_named(mechanism.otherwise)
    return mechanism


def balance(kit: KitContext, tier: TierContext) -> str:
    """Return how the kit's proxy selects an instance of `tier`. See `Pool.balance` for the values."""
    mechanism = applied(kit, tier)
    if mechanism is None:
        return "plain"
    newer = mechanism.newer
    return newer["balance"] if newer and _runs(kit, newer["needs"]) else mechanism.balance


def needed_release(kit: KitContext, tier: TierContext) -> str:
    """Return the name of the minimum release that the sessions of `tier` need in the proxy; "" for none."""
    mechanism = applied(kit, tier)
    if mechanism is None:
        return ""
    newer = mechanism.newer
    return newer["needs"] if newer and newer["balance"] == balance(kit, tier) else mechanism.needs


def _has(kit: KitContext, threshold: str) -> bool:
    """Whether the release of the kit's proxy is known and has the feature `threshold`."""
    since = kit.carried.since if kit.proxy else {}
    return threshold in since and at_least(kit.proxy_version, since[threshold])


def _runs(kit: KitContext, threshold: str) -> bool:
    """Whether the kit's proxy has the feature `threshold`: the image of the kit, or the stated release."""
    return _image_has(kit, threshold) if kit.platform in _RESOLVER else _has(kit, threshold)


def _image_has(kit: KitContext, threshold: str) -> bool:
    """Whether the proxy in the image of the kit, whose release is always known, has the feature `threshold`."""
    first = kit.carried.since.get(threshold) if kit.proxy else None
    return first is not None and at_least(kit.carried.release_for(kit.proxy_version), first)


def resolves(kit: KitContext) -> bool:
    """Whether the configuration of the kit's proxy needs a directive to resolve names again at run time.

    The proxies of these platforms run in the image of the kit, so their release is known.
    """
    return kit.platform in _RESOLVER and _image_has(kit, "resolve")


def _dynamic(kit: KitContext) -> bool:
    """Whether the proxy resolves names at run time and therefore needs complete names."""
    return not kit.proxy or "resolve" not in kit.carried.since or resolves(kit)


def split(address: str) -> tuple[str, int]:
    """Split `host:port` into host and port."""
    host, _, port = address.rpartition(":")
    return host, int(port)
