"""The proxy of a kit: nginx, HAProxy or Envoy, with the affinity that the decision chose.

What differs between production and a local check (addresses, listen port, where logs go) is a `Wiring`. It is printed
into `proxy/upstreams.conf` (nginx), `proxy/upstreams.cfg` (HAProxy) or the two marked blocks of `proxy/envoy.yaml`,
since Envoy has no include; everything else is the same text in both places.
"""

from __future__ import annotations

from dataclasses import dataclass

from advisor.kit.model import KitContext, KitFile, TierContext
from advisor.kit.templating import render
from advisor.kit.upstreams import NAMED, Wiring, applied, balance, production_wiring, resolves, split
from advisor.requirements.text import is_host, is_label, is_origin, is_tool

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""The protocol versions that start with a handshake: whatever else a request names is modern."""

_SESSIONS_PER_INSTANCE = 10_000  # the SDK's own limit
_SESSIONS_PER_MB = 4_000  # of nginx's zone, by its documentation
_ATTEMPTS = 3  # instances that the envelope tries for a request without a session
_SLOTS = 32  # of servers behind a name that a local check may run individually
_METADATA = "[.]well-known/[^/].*"
_OAUTH = ("authorize", "token", "register", "revoke", "consent", "auth/callback")  # what an OAuth proxy serves


@dataclass(frozen=True, slots=True)
class Pool:
    """A tier as proxies see it.

    Attributes:
        tier: the tier.
        balance: plain, learn, envelope, cookie, ip-hash or table.
        learned: whether the proxy remembers owners in a table of its own.
        addresses: host:port of its instances.
        patterns: regular expressions for the names of its tools, safe inside quotes of every target.
    """

    tier: TierContext
    balance: str
    learned: bool
    addresses: tuple[str, ...]
    patterns: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return f"mcp_{self.tier.name}"

    @property
    def endpoints(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each address."""
        return tuple(split(address) for address in self.addresses)

    @property
    def keeps_affinity(self) -> bool:
        """Whether a session must reach its owner."""
        return self.balance != "plain"

    @property
    def slots(self) -> int:
        """How many servers HAProxy's main file has room for, here and in a local check."""
        return max(len(self.addresses), min(self.tier.max_instances, _SLOTS))

    @property
    def sessions_per_instance(self) -> int:
        """How many sessions an instance accepts."""
        return _SESSIONS_PER_INSTANCE

    @property
    def streams(self) -> int:
        """Requests that may be open at a time, here and in a local check: a stream and a call for each session."""
        return 2 * _SESSIONS_PER_INSTANCE * self.tier.max_instances

    @property
    def zone_kb(self) -> int:
        """Kilobytes for what nginx's workers share about the servers: about two for each, with room."""
        return 256 + 4 * max(len(self.addresses), self.tier.max_instances)

    @property
    def zone_mb(self) -> int:
        """Megabytes for nginx's session table: room for as many sessions as the servers accept."""
        sessions = len(self.addresses) * _SESSIONS_PER_INSTANCE
        return min(256, max(1, -(-sessions // _SESSIONS_PER_MB)))

    @property
    def shares(self) -> tuple[str, ...]:
        """Equal shares in per cent for all instances but the last, as `split_clients` wants them."""
        return (f"{int(10_000 / len(self.addresses)) / 100:.2f}%",) * (len(self.addresses) - 1)


@dataclass(frozen=True, slots=True)
class ProxyPlan:
    """What the templates of a proxy need besides the kit.

    Attributes:
        pools: a pool for each tier, in the kit's order.
        wiring: addresses and ports.
        resolve: whether nginx looks names up again while it runs.
        names: whether addresses are names in production, so that HAProxy has to look them up.
        origins: origins of browsers that may call; empty for none.
        public: what clients reach besides the endpoints (OAuth), as regular expressions without the first slash.
        stop_s: seconds that open streams have after a reload or stop.
    """

    pools: tuple[Pool, ...]
    wiring: Wiring
    resolve: bool
    names: bool
    origins: tuple[str, ...]
    public: tuple[str, ...]
    stop_s: int
    handshake_versions: tuple[str, ...] = HANDSHAKE_VERSIONS
    attempts: int = _ATTEMPTS

    @property
    def sticky(self) -> Pool | None:
        """The pool with affinity: at most one, since only one tier keeps sessions."""
        return next((pool for pool in self.pools if pool.keeps_affinity), None)

    @property
    def listen(self) -> tuple[str, int]:
        """Address and port to listen on, for a proxy that knows no `*`."""
        host, port = split(self.wiring.listen)
        return ("0.0.0.0" if host == "*" else host), port  # noqa: S104 (clients come from elsewhere)

    @property
    def peered(self) -> bool:
        """Whether HAProxy hands its table to a peer."""
        return bool(self.wiring.peers)

    @property
    def looked_up_once(self) -> bool:
        """Whether nginx looks the names of its upstreams up only when it starts."""
        return self.names and not self.resolve

    @property
    def resolves_names(self) -> bool:
        """Whether nginx needs a name server while it runs: for `resolve`, or for an address in a variable."""
        envelope = self.sticky is not None and self.sticky.balance == "envelope"
        return bool(self.wiring.resolver) and (self.resolve or envelope)

    @property
    def stateless(self) -> tuple[Pool, ...]:
        """The pools whose legacy clients get no session."""
        return tuple(pool for pool in self.pools if pool.tier.stateless_http)


def files(kit: KitContext) -> list[KitFile]:
    """The files under `proxy/`; none where the kit carries no proxy."""
    if not kit.proxy:
        return []
    plan = plan_for(kit)
    return [_file(name, kit, plan) for name in kit.carried.files]


def wiring_files(kit: KitContext, wiring: Wiring) -> list[KitFile]:
    """The files that hold addresses and ports, for other ones: what a local check writes over the kit's own.

    Raises:
        ValueError: more addresses than the kit's HAProxy has room for.
    """
    plan = plan_for(kit, wiring)
    for pool, own in zip(plan.pools, plan_for(kit).pools, strict=True):
        if kit.proxy == "haproxy" and len(pool.addresses) > own.slots:
            raise ValueError(f"{len(pool.addresses)} addresses for {own.slots} servers of {pool.name}")
    return [_file(kit.carried.files[0], kit, plan)]


def _file(name: str, kit: KitContext, plan: ProxyPlan) -> KitFile:
    return KitFile(f"proxy/{name}", render(f"proxy/{name}.j2", kit=kit, plan=plan))


def plan_for(kit: KitContext, wiring: Wiring | None = None) -> ProxyPlan:
    """The plan of the kit's proxy, connected to the platform's addresses or to those of `wiring`.

    Raises:
        ValueError: a name that the requirements would have refused; nothing of it may reach a configuration file.
    """
    _refuse_hostile(kit)
    wiring = wiring or production_wiring(kit)
    pools = tuple(_pool(kit, tier, wiring) for tier in kit.tiers)
    return ProxyPlan(
        pools=pools,
        wiring=wiring,
        resolve=resolves(kit),
        names=kit.platform in NAMED,
        origins=tuple(dict.fromkeys((*(f"https://{host}" for host in kit.hosts), *kit.origins))),
        public=_public(kit.auth),
        stop_s=max(tier.shutdown_s for tier in kit.tiers),
    )


def _public(auth: str) -> tuple[str, ...]:
    match auth:
        case "none":
            return ()
        case "bearer":
            return (_METADATA,)
        case _:
            return (_METADATA, *_OAUTH)


def _pool(kit: KitContext, tier: TierContext, wiring: Wiring) -> Pool:
    patterns = tuple(tool.name.replace(".", "[.]") for tool in tier.tools)
    mechanism = applied(kit, tier)
    learned = mechanism is not None and mechanism.owner_in == "proxy-memory"
    return Pool(tier, balance(kit, tier), learned, wiring.addresses[tier.name], patterns)


def _refuse_hostile(kit: KitContext) -> None:
    names = [*((host, is_host) for host in kit.hosts), (kit.service, is_label)]
    names += [(origin, is_origin) for origin in kit.origins]
    names += [(tool.name, is_tool) for tier in kit.tiers for tool in tier.tools]
    for name, allowed in names:
        if not allowed(name):
            raise ValueError(f"not a plain name: {name!r}")
