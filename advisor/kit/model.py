"""What a kit is made of, and what its templates are given: a finished decision, flat and ready to print."""

from __future__ import annotations

from dataclasses import dataclass, field

from advisor.kit.memory import MemoryContext
from advisor.knowledge import Knowledge
from advisor.knowledge.catalogue import SdkCode
from advisor.knowledge.kits import KitProxy, Mechanism
from advisor.knowledge.types import Era, Need, Outcome


@dataclass(frozen=True, slots=True)
class KitFile:
    """One file of a kit.

    Attributes:
        path: relative to the kit's folder, with forward slashes, without `..`.
        content: its text, ending in a newline.
        executable: whether it is a program.
    """

    path: str
    content: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class ToolContext:
    """A tool as the server template writes it.

    Attributes:
        name: as clients call it.
        function: a Python identifier for it, unique in the kit.
        needs: feature id → level, for what it needs at all.
        duration_s: how long a call runs, or None.
    """

    name: str
    function: str
    needs: dict[str, Need]
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class FeatureContext:
    """A needed feature and the way to ask for it in each era.

    Attributes:
        id: feature id.
        need: how much it is needed.
        legacy_call: the call that fares best for legacy clients, as rules/capabilities writes it; "" if none works.
        modern_call: the same for modern clients.
        legacy_works: whether it works for legacy clients in its tier.
        modern_works: whether it works for modern clients.
    """

    id: str
    need: Need
    legacy_call: str
    modern_call: str
    legacy_works: bool
    modern_works: bool


@dataclass(frozen=True, slots=True)
class TierContext:
    """A group of identical server processes behind the proxy.

    Attributes:
        name: `main` for a single-tier deployment, else `stateless` or `stateful`.
        host: DNS name of its service: the service's name, or `<service>-stateful`.
        path: public path for legacy clients: /mcp, or /stateful/mcp for the stateful tier.
        stateless_http: default of the first flag.
        json_response: default of the second flag.
        pattern: single-instance, stateless-fleet, sticky-fleet or shared-state.
        mechanism: how the requests of a legacy session find their owner (contract vocabulary).
        instances: how many to run.
        max_instances: upper end for an autoscaler; equal to `instances` where there is none.
        workers: server processes per instance; 1 wherever sessions are kept.
        tools: its tools: all of the requirements in a single-tier deployment; a single `echo` where none is listed.
        longest_call_s: the longest call of its tools, in seconds, with the default of 60 where none is stated.
        memory: what an instance takes, by what the decision computed.
    """

    name: str
    host: str
    path: str
    stateless_http: bool
    json_response: bool
    pattern: str
    mechanism: str
    instances: int
    max_instances: int
    workers: int
    tools: tuple[ToolContext, ...]
    longest_call_s: float
    memory: MemoryContext

    @property
    def keeps_sessions(self) -> bool:
        """Whether legacy clients get a session here."""
        return not self.stateless_http

    @property
    def longest_call(self) -> str:
        """The longest call in seconds, as people write it."""
        return f"{self.longest_call_s:.10g}"

    @property
    def preferred_stop_s(self) -> int:
        """Seconds of the drain before SIGTERM: propagation of the endpoint change plus the longest call."""
        return _PROPAGATION_S + _whole(self.longest_call_s)

    @property
    def shutdown_s(self) -> int:
        """Seconds that uvicorn may take after SIGTERM; longer than the longest call."""
        return _whole(self.longest_call_s) + 5

    @property
    def grace_s(self) -> int:
        """Seconds that the platform grants in all: the drain, the shutdown, and a margin."""
        return self.preferred_stop_s + self.shutdown_s + 5


@dataclass(frozen=True, slots=True)
class CellContext:
    """What a way of asking does on this release, in all flag pairs, as measured: the kit's tests expect it.

    Attributes:
        feature: feature id, or plain.
        call: the call, as rules/capabilities writes it.
        legacy: flag pair (such as stateful+sse) → outcome, for legacy clients.
        modern: the same for modern clients.
    """

    feature: str
    call: str
    legacy: dict[str, Outcome]
    modern: dict[str, Outcome]


@dataclass(frozen=True, slots=True)
class KitContext:
    """Everything that templates may print. User text in it is validated; each target still quotes it.

    Attributes:
        service: a DNS label.
        summary: the decision in a single line.
        line: SDK line, such as mcp-2.
        package: mcp or fastmcp.
        requirement: what to install, such as `mcp>=2.3.0,<3`.
        tiers: a single tier, or the stateless and the stateful tier, in this order.
        features: the needed features.
        eras: the eras that the requirements name: legacy, modern.
        hosts: host names that clients use; may be empty.
        origins: origins of web pages that may call, besides the origins of the hosts.
        platform: kubernetes, compose, systemd, serverless, local.
        proxy: nginx, haproxy or envoy: the proxy whose configuration the kit carries, or "" for none.
        proxy_version: as stated, or "" when not known (only meaningful for nginx).
        proxy_replicas: how many proxies run.
        outer_proxy: the kind named in the requirements when the kit's own proxy stands behind it, else "".
        uses_redis: whether anything in the kit needs Redis.
        needs_sealing_keys: whether a fleet must share keys for multi round-trip requests.
        needs_bus: whether change notifications must cross instances.
        needs_event_store: whether resumability is needed.
        direct_llm: whether the server calls a model itself instead of sampling.
        auth: none, bearer, oauth-proxy or unknown.
        idle_timeout_s: idle timeout for proxies: longer than the longest silence.
        cells: the capability data of this release for the needed features and plain calls.
        decision_id: hash of the requirements and the rule set, for the documents that state the decision.
        version: this program's version.
        knowledge: what the kit is written from: mechanisms, proxies, the code of its SDK line.
    """

    service: str
    summary: str
    line: str
    package: str
    requirement: str
    tiers: tuple[TierContext, ...]
    features: tuple[FeatureContext, ...]
    eras: tuple[str, ...]
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    platform: str
    proxy: str
    proxy_version: str
    proxy_replicas: int
    outer_proxy: str
    uses_redis: bool
    needs_sealing_keys: bool
    needs_bus: bool
    needs_event_store: bool
    direct_llm: bool
    auth: str
    idle_timeout_s: int
    cells: tuple[CellContext, ...]
    decision_id: str
    version: str
    knowledge: Knowledge = field(repr=False, compare=False)

    @property
    def sdk(self) -> SdkCode:
        """How servers of its SDK line are written."""
        return self.knowledge.sdks[self.line]

    @property
    def served_eras(self) -> tuple[Era, ...]:
        """The eras whose clients its servers answer, whether the requirements name them or not."""
        return self.knowledge.lines[self.line].eras

    @property
    def serves_modern(self) -> bool:
        """Whether its servers answer modern clients."""
        return "modern" in self.served_eras

    @property
    def carried(self) -> KitProxy:
        """The proxy that the kit carries; only for a kit with a proxy."""
        return self.knowledge.kit_proxies[self.proxy]

    def floor(self, package: str) -> str:
        """The requirement for a package besides the SDK."""
        return self.knowledge.floors[package].requirement

    def mechanism(self, tier: TierContext) -> Mechanism | None:
        """How the sessions of a tier find their owner; None where nothing has to."""
        return self.knowledge.mechanisms.get(tier.mechanism)

    @property
    def tiered(self) -> bool:
        """Whether there are two tiers."""
        return len(self.tiers) > 1

    @property
    def needs_directory(self) -> bool:
        """Whether a tier finds the owners of its sessions through Redis, so that its instances call each other."""
        return any(tier.pattern == "shared-state" for tier in self.tiers)

    @property
    def namespace(self) -> str:
        """The Kubernetes namespace of the kit, which full DNS names contain: named after the service."""
        return f"mcp-{self.service}" if self.service in _RESERVED_NAMESPACES else self.service

    def feature(self, name: str) -> FeatureContext | None:
        """The needed feature with this id, or None."""
        return next((feature for feature in self.features if feature.id == name), None)


_RESERVED_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")  # of the cluster itself
_PROPAGATION_S = 10  # until every proxy has taken an endpoint out of rotation


def _whole(seconds: float) -> int:
    return int(-(-seconds // 1))
