"""The data model of a kit: its files, and the context that its templates render (a decision as printable data)."""

from __future__ import annotations

from dataclasses import dataclass, field

from advisor.kit.memory import MemoryContext
from advisor.knowledge import Knowledge
from advisor.knowledge.catalogue import SdkCode
from advisor.knowledge.kits import KitProxy, Mechanism
from advisor.knowledge.space import ENDPOINT
from advisor.knowledge.types import Era, Need, Outcome


@dataclass(frozen=True, slots=True)
class KitFile:
    """One file of a kit.

    Attributes:
        path: path relative to the kit's folder, with forward slashes and without `..`.
        content: the text, which ends with a newline.
        executable: whether the file is a program.
    """

    path: str
    content: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class ToolContext:
    """A tool for the server template.

    Attributes:
        name: the name that clients call.
        function: a Python identifier, unique in the kit.
        needs: feature id → level, only for features that the tool needs.
        duration_s: duration of a call in seconds, or None if unknown.
    """

    name: str
    function: str
    needs: dict[str, Need]
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class FeatureContext:
    """A needed feature and the SDK call for it in each protocol era.

    Attributes:
        id: feature id.
        need: the level of the need.
        legacy_call: the best SDK call for legacy clients, as rules/capabilities writes it; "" if no call works.
        modern_call: the best SDK call for modern clients; "" if no call works.
        legacy_works: whether the feature works for legacy clients in its tier.
        modern_works: whether the feature works for modern clients.
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
        name: `main` for a deployment with one tier, else `stateless` or `stateful`.
        host: DNS name of the tier: the name of the service, or `<service>-stateful`.
        path: public path for legacy clients: /mcp, or /stateful/mcp for the stateful tier.
        stateless_http: default value of this flag.
        json_response: default value of this flag.
        pattern: single-instance, stateless-fleet, sticky-fleet or shared-state.
        mechanism: id of the session affinity mechanism (vocabulary of the contract).
        instances: number of instances to run.
        max_instances: maximum number for an autoscaler; equal to `instances` without an autoscaler.
        workers: server processes per instance; 1 in a tier with sessions.
        tools: tools of the tier. With one tier, all tools of the requirements, or one `echo` if they list no tool.
        longest_call_s: longest call of the tools, in seconds; 60 if the requirements do not state it.
        memory: memory of one instance, as the decision computed it.
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
        """Whether legacy clients get a session in this tier."""
        return not self.stateless_http

    @property
    def longest_call(self) -> str:
        """The longest call in seconds, formatted as text."""
        return f"{self.longest_call_s:.10g}"

    @property
    def preferred_stop_s(self) -> int:
        """Seconds of the wait before SIGTERM: the propagation time of the endpoint change plus the longest call."""
        return _PROPAGATION_S + _rounded_up(self.longest_call_s)

    @property
    def shutdown_s(self) -> int:
        """The graceful timeout of uvicorn after SIGTERM in seconds. It is longer than the longest call."""
        return _rounded_up(self.longest_call_s) + 5

    @property
    def grace_s(self) -> int:
        """The grace period of the platform in seconds: the wait before SIGTERM, the shutdown, and a margin."""
        return self.preferred_stop_s + self.shutdown_s + 5


@dataclass(frozen=True, slots=True)
class CellContext:
    """The measured outcomes of an SDK call on this release, for all flag pairs. The kit's tests expect these outcomes.

    Attributes:
        feature: feature id, or plain.
        call: the SDK call, as rules/capabilities writes it.
        legacy: flag pair (such as stateful+sse) → outcome, for legacy clients.
        modern: flag pair → outcome, for modern clients.
    """

    feature: str
    call: str
    legacy: dict[str, Outcome]
    modern: dict[str, Outcome]


@dataclass(frozen=True, slots=True)
class KitContext:
    """All data that templates can print. User text in this data is validated, and each template also quotes it.

    Attributes:
        service: name of the service, a DNS label.
        summary: the decision in one line.
        line: SDK line, such as mcp-2.
        package: mcp or fastmcp.
        requirement: the SDK requirement for pip, such as `mcp>=2.3.0,<3`.
        tiers: one tier, or the stateless tier and the stateful tier in this order.
        features: the needed features.
        eras: the protocol eras that the requirements name: legacy, modern.
        hosts: host names that clients use; can be empty.
        origins: origins of web pages that can call the service, in addition to the origins of the hosts.
        platform: kubernetes, compose, systemd, serverless, local.
        proxy: the proxy whose configuration the kit contains: nginx, haproxy or envoy; "" for no proxy.
        proxy_version: version in the requirements, or "" if unknown (used only for nginx).
        proxy_replicas: number of proxies to run.
        outer_proxy: the kind of proxy in the requirements if the kit's proxy runs behind that proxy, else "".
        uses_redis: whether the kit needs Redis.
        needs_sealing_keys: whether instances must share keys for the requests to modern clients, named or not.
        needs_bus: whether change notifications must reach the modern clients of all instances, named or not.
        needs_event_store: whether resumability is needed.
        direct_llm: whether the server calls a language model instead of sampling.
        auth: none, bearer, oauth-proxy or unknown.
        idle_timeout_s: idle timeout for proxies in seconds; longer than the longest silence.
        keep_alive_s: seconds for which a server keeps an idle connection; longer than its proxy keeps the connection.
        front_keep_alive_s: seconds for which the proxy of the kit keeps an idle connection of the proxy in front of it.
        path: the path of the endpoint in the requirements.
        cells: the capability data of this release for the needed features and plain calls.
        decision_id: hash of the requirements and the rule set, for the documents that state the decision.
        version: version of mcp-advisor.
        knowledge: the knowledge base: mechanisms, proxies, the code of the SDK line.
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
    keep_alive_s: int
    front_keep_alive_s: int
    path: str
    cells: tuple[CellContext, ...]
    decision_id: str
    version: str
    knowledge: Knowledge = field(repr=False, compare=False)

    @property
    def sdk(self) -> SdkCode:
        """The code of servers of this SDK line."""
        return self.knowledge.sdks[self.line]

    @property
    def trusted_proxies(self) -> str:
        """The proxies whose forwarded headers the servers read: all proxies if only a proxy can reach the port."""
        fronted = self.proxy or self.outer_proxy
        return "*" if fronted and self.platform in ("kubernetes", "compose", "serverless") else "127.0.0.1"

    def aliases(self, tier: TierContext) -> tuple[str, ...]:
        """Return the other paths of a tier: with a slash at the end, and under the path of the requirements."""
        stated = self.path.rstrip("/")
        public = stated if tier.path == ENDPOINT else stated.removesuffix(ENDPOINT) + tier.path
        taken = {one.path for one in self.tiers}
        return (f"{tier.path}/", *(f"{public}{end}" for end in ("", "/") if public not in taken))

    def paths(self, tier: TierContext) -> str:
        """Return a regular expression for all paths of a tier."""
        return "|".join(path.replace(".", "[.]") for path in (*self.aliases(tier)[::-1], tier.path))

    @property
    def served_eras(self) -> tuple[Era, ...]:
        """The protocol eras that the servers support, including eras that the requirements do not name."""
        return self.knowledge.lines[self.line].eras

    @property
    def serves_modern(self) -> bool:
        """Whether the servers support modern clients."""
        return "modern" in self.served_eras

    @property
    def carried(self) -> KitProxy:
        """The proxy of the kit. Use this property only if the kit has a proxy."""
        return self.knowledge.kit_proxies[self.proxy]

    def floor(self, package: str) -> str:
        """Return the pip requirement for a package other than the SDK."""
        return self.knowledge.floors[package].requirement

    def mechanism(self, tier: TierContext) -> Mechanism | None:
        """Return the session affinity mechanism of a tier, or None if the tier needs no session affinity."""
        return self.knowledge.mechanisms.get(tier.mechanism)

    @property
    def tiered(self) -> bool:
        """Whether there are two tiers."""
        return len(self.tiers) > 1

    @property
    def needs_directory(self) -> bool:
        """Whether a tier stores the owners of its sessions in Redis. Its instances then call each other."""
        return any(tier.pattern == "shared-state" for tier in self.tiers)

    @property
    def namespace(self) -> str:
        """The Kubernetes namespace of the kit: the name of the service. Full DNS names contain this namespace."""
        return f"mcp-{self.service}" if self.service in _RESERVED_NAMESPACES else self.service

    def feature(self, name: str) -> FeatureContext | None:
        """Return the needed feature with this id, or None."""
        return next((feature for feature in self.features if feature.id == name), None)


_RESERVED_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")  # namespaces of the cluster
_PROPAGATION_S = 10  # time until all proxies have taken an endpoint out of rotation


def _rounded_up(seconds: float) -> int:
    return int(-(-seconds // 1))
