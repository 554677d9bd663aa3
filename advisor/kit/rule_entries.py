"""What a kit takes from rules/: the code of its SDK line, its proxy, its mechanisms, packages and figures."""

from __future__ import annotations

from dataclasses import dataclass, field

from advisor.knowledge import Knowledge
from advisor.knowledge.catalogue import ProxyKind, SdkCode
from advisor.knowledge.kits import Floor, KitFront, KitProxy, Mechanism
from advisor.knowledge.types import Era


@dataclass(frozen=True, slots=True)
class KitLookups:
    """The entries of rules/ for a kit. The renderers of the kit ask this class, and do not read the knowledge.

    Attributes:
        line: SDK line, such as mcp-2.
        proxy: the proxy of the kit: one of rules/kit_proxies.yaml, or "".
        outer_proxy: the kind of proxy in the requirements if the kit's proxy runs behind that proxy, else "".
        platform: kubernetes, compose, systemd, serverless, local.
        front_hops: number of proxies in front of the kit's proxy that add an address to X-Forwarded-For.
        knowledge: the knowledge that the decision uses.
    """

    line: str
    proxy: str
    outer_proxy: str
    platform: str
    front_hops: int
    knowledge: Knowledge = field(repr=False, compare=False)

    @property
    def sdk(self) -> SdkCode:
        """The code of servers of this SDK line."""
        return self.knowledge.sdks[self.line]

    @property
    def major(self) -> int:
        """The major version of the SDK line."""
        return int(self.line.rpartition("-")[2])

    @property
    def served_eras(self) -> tuple[Era, ...]:
        """The protocol eras that the servers support, including eras that the requirements do not name."""
        return self.knowledge.lines[self.line].eras

    @property
    def carried(self) -> KitProxy:
        """The proxy of the kit. Use this property only if the kit has a proxy."""
        return self.knowledge.kit_proxies[self.proxy]

    @property
    def outer(self) -> ProxyKind | None:
        """The proxy of the requirements, or None if the proxy of the kit is this proxy or there is none."""
        return self.knowledge.proxies[self.outer_proxy] if self.outer_proxy else None

    def affinity_setting(self, mechanism: str) -> str:
        """Return the setting of the proxy of the requirements that turns a mechanism on, or "" if it has none."""
        known = self.mechanism_named(mechanism)
        return self.outer.affinity_settings.get(known.keyed_on, "") if known and self.outer else ""

    @property
    def has_http_route(self) -> bool:
        """Whether the proxy of the requirements is configured by an HTTPRoute."""
        return bool(self.outer_proxy) and self.knowledge.proxies[self.outer_proxy].http_route

    @property
    def front(self) -> KitFront | None:
        """The object for the hop in front of a Kubernetes kit, or None if rules/kit_fronts.yaml has no entry for it."""
        return self.knowledge.kit_fronts.get(self.outer_proxy)

    def phrase(self, name: str) -> str:
        """Return a phrase of rules/ by its id."""
        return self.knowledge.phrases[name]

    def reference(self, source: str) -> str:
        """Return the URL of a source."""
        return self.knowledge.sources[source].ref

    def image(self, name: str) -> str:
        """The image with its tag, such as `redis`."""
        return self.knowledge.images[name].name

    def _networks(self, platform: str) -> tuple[str, ...]:
        return tuple(name for name, network in self.knowledge.networks.items() if platform in network.platforms)

    @property
    def trusted_proxies(self) -> str:
        """The proxies whose forwarded headers the servers read: on this machine, or in a network of the platform."""
        if not (self.proxy or self.front_hops) or self.platform in ("local", "systemd"):
            return "127.0.0.1"
        return ",".join(self._networks(self.platform) if self.proxy else self.front_networks)

    @property
    def front_networks(self) -> tuple[str, ...]:
        """The networks whose senders can say the address of a client: those of a known hop in front, or the default."""
        own = [network.cidr for network in self.front.networks] if self.front and self.platform == "kubernetes" else []
        return (*self._networks("local"), *own) if own else self._networks(self.platform)

    @property
    def trusting_file(self) -> str:
        """The file with the proxies whose forwarded headers the proxy of the kit reads; "" if it reads none."""
        if not (self.front_hops and self.proxy):
            return ""
        addresses = ("upstreams.conf", "server.conf", "upstreams.cfg", "upstreams.caddy")
        return "proxy/" + next(name for name in self.carried.files if name not in addresses)

    @property
    def trusts_private_networks(self) -> bool:
        """Whether each program with a private address can say the address of a client: the platform needs it."""
        read = (*self.trusted_proxies.split(","), *(self.front_networks if self.trusting_file else ()))
        return "10.0.0.0/8" in read

    @property
    def floors(self) -> dict[str, Floor]:
        """The oldest releases of packages other than the SDK."""
        return self.knowledge.floors

    def floor(self, package: str) -> str:
        """Return the pip requirement for a package other than the SDK."""
        return self.floors[package].requirement

    def figure(self, name: str) -> int:
        """Return a figure of rules/figures.yaml."""
        return self.knowledge.figure(name)

    def mechanism_named(self, name: str) -> Mechanism | None:
        """Return a mechanism for session affinity, or None for `none`."""
        return self.knowledge.mechanisms.get(name)

    def first_call(self, feature: str) -> str:
        """Return the call of a feature that every SDK line has."""
        return self.knowledge.features[feature].calls[0].call
