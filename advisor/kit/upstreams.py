"""Where the proxy of a kit finds the servers: names and ports by platform, and what its release can do with names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from advisor.kit.model import KitContext, TierContext
from advisor.knowledge.kits import Mechanism
from advisor.knowledge.versions import at_least

SERVER_PORT = 8000
"""Where an instance listens in a container."""
PROXY_PORT = 8080
"""Where the proxy listens: above 1024, so that it needs no privilege."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a proxy is connected to.

    Attributes:
        listen: host and port to listen on; the host may be `*`.
        addresses: host:port of each instance, or of the single service that stands for them, by tier name.
        resolver: the name server for addresses that are names; "" where they are IP addresses or resolved once.
        access_log: where nginx writes its access log.
        peers: name → host:port of an HAProxy that takes over the session table of the previous HAProxy, at a reload.
    """

    listen: str
    addresses: Mapping[str, tuple[str, ...]]
    resolver: str = ""
    access_log: str = "/dev/stdout"
    peers: Mapping[str, str] = field(default_factory=dict)


def production_wiring(kit: KitContext) -> Wiring:
    """Where the platform puts the instances."""
    addresses, port = {}, SERVER_PORT + 1
    for tier in kit.tiers:
        addresses[tier.name] = _addresses(kit, tier, port)
        port += tier.instances
    log = "syslog:server=unix:/dev/log,nohostname" if kit.platform == "systemd" else "/dev/stdout"
    return Wiring(f"*:{PROXY_PORT}", addresses, _RESOLVER.get(kit.platform, ""), log, _peers(kit))


# The name servers that nginx asks. It knows no search domains, hence the full names below.
_RESOLVER = {"kubernetes": "kube-dns.kube-system.svc.cluster.local", "compose": "127.0.0.11"}
NAMED = (*_RESOLVER, "serverless")


def _addresses(kit: KitContext, tier: TierContext, first_port: int) -> tuple[str, ...]:
    match kit.platform:
        case "kubernetes":
            domain = f".{kit.namespace}.svc.cluster.local"
            if balance(kit, tier) == "plain":  # a Service of its own kind balances; who answers does not matter
                return (f"{tier.host}{domain if _dynamic(kit) else ''}:{SERVER_PORT}",)
            pods = range(tier.max_instances)
            return tuple(f"{tier.host}-{n}.{tier.host}{domain}:{SERVER_PORT}" for n in pods)
        case "compose":
            prefix = "server" if tier.name == "main" else tier.name
            return tuple(f"{prefix}-{n + 1}:{SERVER_PORT}" for n in range(tier.instances))
        case "serverless":
            return (f"{tier.host}:{SERVER_PORT}",)
        case _:
            return tuple(f"127.0.0.1:{first_port + n}" for n in range(tier.instances))


def _peers(kit: KitContext) -> dict[str, str]:
    """A HAProxy with a table is a peer of itself: at a reload the old process hands the table to the new process."""
    return {"mcp_proxy": "127.0.0.1:10000"} if any(balance(kit, tier) == "table" for tier in kit.tiers) else {}


def applied(kit: KitContext, tier: TierContext) -> Mechanism | None:
    """The mechanism that the proxy of the kit has for the sessions of `tier`; None where it spreads requests."""
    mechanism = kit.mechanism(tier)
    if mechanism is None or not mechanism.balance:
        return None
    if mechanism.needs and not _has(kit, mechanism.needs):
        return kit.knowledge.mechanisms[mechanism.otherwise]
    return mechanism


def balance(kit: KitContext, tier: TierContext) -> str:
    """How the proxy of the kit picks an instance of `tier`: see `Pool.balance`."""
    mechanism = applied(kit, tier)
    return mechanism.balance if mechanism else "plain"


def _has(kit: KitContext, threshold: str) -> bool:
    """Whether the proxy of the kit is known to be of a release that has what a threshold names."""
    since = kit.carried.since if kit.proxy else {}
    return threshold in since and at_least(kit.proxy_version, since[threshold])


def resolves(kit: KitContext) -> bool:
    """Whether the proxy of the kit looks names up again while it runs, where a directive has to say so."""
    return kit.platform in _RESOLVER and _has(kit, "resolve")


def _dynamic(kit: KitContext) -> bool:
    """Whether the proxy looks names up while it runs, and so needs them in full."""
    return not kit.proxy or "resolve" not in kit.carried.since or resolves(kit)


def split(address: str) -> tuple[str, int]:
    """Host and port of `host:port`."""
    host, _, port = address.rpartition(":")
    return host, int(port)
