"""Renders the proxy of a kit: nginx, HAProxy, Envoy or Caddy, with the session affinity of the decision.

The settings that differ between production and a local check (addresses, port, access log) are `ProxyAddresses`. They
are in `proxy/upstreams.conf` (nginx), in `proxy/upstreams.cfg` (HAProxy), in `proxy/upstreams.caddy`, or in two marked
blocks of `proxy/envoy.yaml`, because Envoy cannot include files. The other text is equal in both environments.
"""

from __future__ import annotations

import re
from math import ceil
from typing import NamedTuple

from advisor.kit.model import KitContext, KitFile, TierContext
from advisor.kit.templating import render
from advisor.kit.upstreams import (
    NAMED,
    ProxyAddresses,
    applied,
    balance,
    production_addresses,
    ready_service,
    resolves,
    split,
)
from advisor.requirements.text import is_host, is_label, is_origin, is_tool

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""The protocol versions with an initialize handshake. Requests with any other version are from modern clients."""

_ATTEMPTS = 3  # with session-ID rewriting: the number of instances to try for a request without a session
_BOUND = ("learn", "cookie", "ip-hash", "route")  # the balances for which nginx has an upstream of all instances
_SLOTS = 32  # the maximum number of servers behind one name that a local check can run
_METADATA = "[.]well-known/[^/].*"
_OAUTH = ("authorize", "token", "register", "revoke", "consent", "auth/callback")  # the paths of an OAuth proxy


class Pool(NamedTuple):
    """A tier in the configuration of a proxy.

    Attributes:
        tier: the tier.
        balance: plain, learn, route, envelope, cookie, ip-hash or table.
        learned: whether the proxy keeps the owners of sessions in its memory.
        addresses: host:port of each instance.
        patterns: regular expressions for the names of its tools, safe inside quotes in every file format.
        sessions_per_instance: the maximum number of sessions of an instance.
        sessions_per_mb: the number of sessions per MB of an nginx zone.
        clients: the number of clients in the requirements.
        idle_min: minutes without a request after which the SDK ends a session.
        found_by_name: whether the only address is a DNS name that has the addresses of all ready instances.
    """

    tier: TierContext
    balance: str
    learned: bool
    addresses: tuple[str, ...]
    patterns: tuple[str, ...]
    sessions_per_instance: int
    sessions_per_mb: int
    clients: int
    idle_min: int
    found_by_name: bool

    @property
    def name(self) -> str:
        """The name of the pool in the configuration."""
        return f"mcp_{self.tier.name}"

    @property
    def endpoints(self) -> tuple[tuple[str, int], ...]:
        """The host and port of each address."""
        return tuple(split(address) for address in self.addresses)

    @property
    def keeps_affinity(self) -> bool:
        """Whether the requests of a session must reach its owner."""
        return self.balance != "plain"

    @property
    def bound(self) -> bool:
        """Whether nginx must keep the sessions of an instance there, so that other requests use their own upstream."""
        return self.balance in _BOUND

    @property
    def rewrites(self) -> bool:
        """Whether the session ids that clients get contain the owner."""
        return self.balance in ("envelope", "route")

    @property
    def opening(self) -> str:
        """The name of the upstream for requests that open a session, whose answers name the owner."""
        return f"{self.name}_open"

    @property
    def fresh(self) -> str:
        """The name of the upstream for requests without an owner."""
        return f"{self.name}_new"

    @property
    def found_addresses(self) -> tuple[str, ...]:
        """The addresses for requests without an owner. On Kubernetes, a single name has the addresses of all pods."""
        pods = (f"{self.tier.host}-{number}." for number in range(len(self.addresses)))
        return tuple(dict.fromkeys(map(str.removeprefix, self.addresses, pods)))

    @property
    def slots(self) -> int:
        """The number of server entries in haproxy.cfg, enough for production and for a local check."""
        return max(len(self.addresses), min(self.tier.max_instances, _SLOTS))

    @property
    def sessions_per_address(self) -> int:
        """The new sessions that one client address can open without a wait.

        One address gets the same number again within the idle time of sessions. So it can hold half of all sessions, or
        twice the planned clients if that is more.
        """
        return max(self.clients, self.tier.max_sessions * self.tier.instances // 4)

    @property
    def sessions_per_minute(self) -> int:
        """The new sessions of one client address per minute after the first ones."""
        return ceil(self.sessions_per_address / self.idle_min)

    @property
    def zone_kb(self) -> int:
        """The size in kB of the nginx zone with the state of the servers: about 2 kB for each server, plus a margin."""
        return 256 + 4 * max(len(self.addresses), self.tier.max_instances)

    @property
    def zone_mb(self) -> int:
        """The size in MB of the session table of nginx, enough for the maximum number of sessions."""
        instances = self.tier.max_instances if len(self.addresses) == 1 else len(self.addresses)
        sessions = instances * self.sessions_per_instance
        return min(256, max(1, -(-sessions // self.sessions_per_mb)))

    @property
    def shares(self) -> tuple[str, ...]:
        """Equal shares in percent for all instances except the last, in the format of `split_clients`."""
        return (f"{int(10_000 / len(self.addresses)) / 100:.2f}%",) * (len(self.addresses) - 1)


class ProxyPlan(NamedTuple):
    """The data for the templates of a proxy, in addition to the kit.

    Attributes:
        pools: one pool for each tier, in the order of the kit.
        proxy_addresses: the settings that depend on the environment.
        resolve: whether nginx resolves names again at run time.
        names: whether the addresses in production are names, so that HAProxy must resolve them.
        origins: origins of web pages that can call the service; empty for none.
        public: other public paths (OAuth), as regular expressions without the first slash.
        stop_s: seconds after a reload or stop in which open streams can end.
        modern: whether modern clients can call the servers.
    """

    pools: tuple[Pool, ...]
    proxy_addresses: ProxyAddresses
    resolve: bool
    names: bool
    origins: tuple[str, ...]
    public: tuple[str, ...]
    stop_s: int
    modern: bool
    handshake_versions: tuple[str, ...] = HANDSHAKE_VERSIONS
    attempts: int = _ATTEMPTS

    def memory_mi(self, least: int) -> int:
        """Return the memory limit of a proxy in MiB.

        Args:
            least: the limit without a table of sessions, in MiB.
        """
        learns = self.sticky is not None and self.sticky.balance == "learn"
        return least + (self.sticky.zone_mb if self.sticky is not None and learns else 0)

    @property
    def sticky(self) -> Pool | None:
        """The pool with session affinity, or None. Only a single tier has sessions, so more pools are impossible."""
        return next((pool for pool in self.pools if pool.keeps_affinity), None)

    @property
    def origin_pattern(self) -> str:
        """The origins as a regular expression."""
        return re.sub(r"[.\[\]]", r"\\\g<0>", "|".join(self.origins))

    @property
    def listen(self) -> tuple[str, int]:
        """The address and port to listen on, for a proxy that does not support `*`."""
        return _any(self.proxy_addresses.listen)

    @property
    def metrics(self) -> tuple[str, int] | None:
        """The address and port of the metrics in the same form; None for no metrics."""
        return _any(self.proxy_addresses.metrics) if self.proxy_addresses.metrics else None

    @property
    def peered(self) -> bool:
        """Whether HAProxy sends its session table to a peer."""
        return bool(self.proxy_addresses.peers)

    @property
    def looked_up_once(self) -> bool:
        """Whether nginx resolves the names of its upstreams only at start."""
        return self.names and not self.resolve

    @property
    def frees(self) -> bool:
        """Whether nginx with session-ID rewriting has an upstream for requests that never need an owner.

        nginx does not start if it can resolve the names of an upstream only at its start and a name does not exist.
        With the balance `route`, all names exist, because nginx also needs them for the sessions.
        """
        if self.sticky is None or not self.sticky.rewrites or not (self.modern or self.public):
            return False
        return self.sticky.balance == "route" or not self.looked_up_once

    @property
    def resolves_names(self) -> bool:
        """Whether nginx needs a DNS server at run time: for `resolve`, or for an address in a variable."""
        envelope = self.sticky is not None and self.sticky.balance == "envelope"
        return bool(self.proxy_addresses.resolver) and (self.resolve or envelope)

    @property
    def keeper(self) -> Pool | None:
        """The pool whose servers keep sessions, or None."""
        return next((pool for pool in self.pools if pool.tier.keeps_sessions), None)

    @property
    def stateless(self) -> tuple[Pool, ...]:
        """The pools without sessions for legacy clients."""
        return tuple(pool for pool in self.pools if pool.tier.stateless_http)


def files(kit: KitContext) -> list[KitFile]:
    """Render the files in `proxy/`; no file if the kit has no proxy."""
    if not kit.proxy:
        return []
    plan = plan_for(kit)
    return [_file(name, kit, plan) for name in kit.carried.files]


def address_files(kit: KitContext, proxy_addresses: ProxyAddresses) -> list[KitFile]:
    """Render the files with addresses and ports, with other addresses. A local check replaces the kit's files by them.

    Raises:
        ValueError: there are more addresses than server entries in the kit's configuration.
    """
    plan = plan_for(kit, proxy_addresses)
    for pool, own in zip(plan.pools, plan_for(kit).pools, strict=True):
        if kit.carried.fixed_entries and len(pool.addresses) > own.slots:
            raise ValueError(f"{len(pool.addresses)} addresses for {own.slots} servers of {pool.name}")
    return [_file(kit.carried.files[0], kit, plan)]


def _file(name: str, kit: KitContext, plan: ProxyPlan) -> KitFile:
    return KitFile(f"proxy/{name}", render(f"proxy/{name}.j2", kit=kit, plan=plan))


def plan_for(kit: KitContext, proxy_addresses: ProxyAddresses | None = None) -> ProxyPlan:
    """Return the plan of the kit's proxy, with the addresses of the platform or with `proxy_addresses`.

    Raises:
        ValueError: a name contains characters that the requirements do not allow. No such name gets into a file.
    """
    _refuse_hostile(kit)
    proxy_addresses = proxy_addresses or production_addresses(kit)
    pools = tuple(_pool(kit, tier, proxy_addresses) for tier in kit.tiers)
    return ProxyPlan(
        pools=pools,
        proxy_addresses=proxy_addresses,
        resolve=resolves(kit),
        names=kit.platform in NAMED,
        origins=tuple(dict.fromkeys((*(f"https://{host}" for host in kit.hosts), *kit.origins))),
        public=_public(kit.auth),
        stop_s=max(tier.shutdown_s for tier in kit.tiers),
        modern=kit.serves_modern,
    )


def _any(address: str) -> tuple[str, int]:
    host, port = split(address)
    return ("0.0.0.0" if host == "*" else host), port  # noqa: S104 (clients connect from other machines)


def _public(auth: str) -> tuple[str, ...]:
    match auth:
        case "none":
            return ()
        case "bearer":
            return (_METADATA,)
        case _:
            return (_METADATA, *_OAUTH)


def _pool(kit: KitContext, tier: TierContext, proxy_addresses: ProxyAddresses) -> Pool:
    patterns = tuple(tool.name.replace(".", "[.]") for tool in tier.tools)
    mechanism = applied(kit, tier)
    learned = mechanism is not None and mechanism.owner_in == "proxy-memory"
    figure = kit.figure
    addresses = proxy_addresses.servers[tier.name]
    name = ready_service(kit, tier) if kit.platform == "kubernetes" else ""
    return Pool(
        tier=tier,
        balance=balance(kit, tier),
        learned=learned,
        addresses=addresses,
        patterns=patterns,
        sessions_per_instance=figure("instance.sessions"),
        sessions_per_mb=figure("nginx.sessions_per_mb"),
        clients=kit.sizing.clients,
        idle_min=kit.session_idle_s // 60,
        found_by_name=bool(name) and addresses[0].startswith(f"{name}."),
    )


def _refuse_hostile(kit: KitContext) -> None:
    names = [*((host, is_host) for host in kit.hosts), (kit.service, is_label)]
    names += [(origin, is_origin) for origin in kit.origins]
    names += [(tool.name, is_tool) for tier in kit.tiers for tool in tier.tools]
    for name, allowed in names:
        if not allowed(name):
            raise ValueError(f"not a plain name: {name!r}")
