"""The data model of a kit: its files, and the context that its templates render (a decision as printable data)."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from advisor.decision.kit_support import checks_tokens
from advisor.kit.feature_context import CellContext, FeatureContext
from advisor.kit.memory import MemoryContext
from advisor.kit.rule_entries import KitLookups
from advisor.kit.sizing import Sizing
from advisor.kit.spans import creates_spans
from advisor.kit.tokens import ISSUER_SETTINGS, PROXY_SETTINGS, TokenSetting, runs_oauth_proxy
from advisor.knowledge.capabilities import SdkTrait
from advisor.knowledge.catalogue import Companion, ProxyKind
from advisor.knowledge.kits import Mechanism
from advisor.knowledge.space import ENDPOINT
from advisor.knowledge.types import Need
from advisor.knowledge.versions import at_least


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
class TierContext:
    """A group of identical server processes behind the proxy.

    Attributes:
        name: `main` for a deployment without tiers, else `stateless` or `stateful`.
        host: DNS name of the tier: the name of the service, or `<service>-stateful`.
        path: public path for legacy clients: /mcp, or /stateful/mcp for the stateful tier.
        stateless_http: default value of this flag.
        json_response: default value of this flag.
        pattern: single-instance, stateless-fleet, sticky-fleet or shared-state.
        mechanism: id of the session affinity mechanism (vocabulary of the contract).
        instances: number of instances to run.
        max_instances: maximum number for an autoscaler; equal to `instances` without an autoscaler.
        workers: server processes per instance; 1 in a tier with sessions.
        tools: tools of the tier. Without tiers, all tools of the requirements, or a tool `echo` if they list no tool.
        longest_call_s: longest call of the tools, in seconds; 60 if the requirements do not state it.
        call_is_assumed: whether `longest_call_s` is not stated.
        propagation_s: seconds until all proxies have taken an endpoint out of rotation.
        memory: memory of an instance, as the decision computed it.
        max_sessions: the largest number of sessions of an instance.
        scaling_sessions: the sessions per instance that the autoscaler aims at.
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
    call_is_assumed: bool
    propagation_s: int
    memory: MemoryContext
    max_sessions: int
    scaling_sessions: int

    @property
    def keeps_sessions(self) -> bool:
        """Whether legacy clients get a session in this tier."""
        return not self.stateless_http

    @property
    def is_replaced(self) -> bool:
        """Whether an update ends the only instance, which holds all sessions, before the new instance starts."""
        return self.pattern == "single-instance" and self.keeps_sessions

    @property
    def longest_call(self) -> str:
        """The longest call in seconds, formatted as text."""
        return f"{self.longest_call_s:.10g}"

    @property
    def preferred_stop_s(self) -> int:
        """Seconds of the wait before SIGTERM: the propagation time of the endpoint change plus the longest call."""
        return self.propagation_s + ceil(self.longest_call_s)

    @property
    def shutdown_s(self) -> int:
        """The graceful timeout of uvicorn after SIGTERM in seconds. It is longer than the longest call."""
        return ceil(self.longest_call_s) + 5

    @property
    def grace_s(self) -> int:
        """The grace period of the platform in seconds: the wait before SIGTERM, the shutdown, and a margin."""
        return self.preferred_stop_s + self.shutdown_s + 5


@dataclass(frozen=True, slots=True, kw_only=True)
class KitContext(KitLookups):
    """All data that templates can print. User text in this data is validated, and each template also quotes it.

    Attributes:
        service: name of the service, a DNS label.
        summary: the decision in one line.
        package: mcp or fastmcp.
        requirement: the SDK requirement for pip, such as `mcp>=2.3.0,<2.4` or `mcp==2.0.0`.
        mcp_release: the stated mcp release under fastmcp, or "".
        users_since: the first mcp release that binds sessions to users, if the kit must do it; else "".
        tiers: a single tier, or the stateless tier and the stateful tier in this order.
        features: the needed features.
        eras: the protocol eras that the requirements name: legacy, modern.
        hosts: host names that clients use; can be empty.
        origins: origins of web pages that can call the service, in addition to the origins of the hosts.
        proxy_version: version in the requirements, or "" if unknown.
        proxy_replicas: number of proxies to run.
        uses_redis: whether the kit needs Redis.
        needs_sealing_keys: whether instances must share keys for the requests to modern clients, named or not.
        needs_bus: whether change notifications must reach the modern clients of all instances, named or not.
        needs_event_store: whether resumability is needed.
        direct_llm: whether the server calls a language model instead of sampling.
        auth: none, bearer, oauth-proxy or unknown.
        idle_timeout_s: idle timeout for proxies in seconds; longer than the longest silence.
        keep_alive_s: seconds for which a server keeps an idle connection; longer than its proxy keeps the connection.
        front_idle_s: idle timeout in seconds of the hop in front of the kit, if the manifests configure this hop.
        front_total_s: time limit in seconds that the manifests set for a response through this hop.
        front_keep_alive_s: seconds for which the proxy of the kit keeps an idle connection of the proxy in front of it.
        path: the path of the endpoint in the requirements.
        sizing: the connections and file descriptors for the planned clients.
        cells: the capability data of this release for the needed features and plain calls.
        decision_id: hash of the requirements and the rule set, for the documents that state the decision.
        version: version of mcp-advisor.
    """

    service: str
    summary: str
    package: str
    requirement: str
    mcp_release: str
    users_since: str
    tiers: tuple[TierContext, ...]
    features: tuple[FeatureContext, ...]
    eras: tuple[str, ...]
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    proxy_version: str
    proxy_replicas: int
    uses_redis: bool
    needs_sealing_keys: bool
    needs_bus: bool
    needs_event_store: bool
    direct_llm: bool
    auth: str
    idle_timeout_s: int
    keep_alive_s: int
    front_idle_s: int
    front_total_s: int
    front_keep_alive_s: int
    path: str
    sizing: Sizing
    cells: tuple[CellContext, ...]
    decision_id: str
    version: str

    @property
    def plain(self) -> bool:
        """Whether the server is a single file: a process on a developer's machine, without a proxy and tokens.

        Other kits have the package runtime/. The code for tokens, event stores and a missing host check is there.
        """
        return (
            self.platform == "local"
            and self.tiers[0].pattern == "single-instance"
            and not (self.tiered or self.proxy or self.outer_proxy or self.tiers[0].workers > 1)
            and not (self.checks_tokens or self.uses_redis or self.direct_llm or self.needs_event_store)
            and not (self.path != ENDPOINT or self.host_check == "none")
        )

    @property
    def unwritten(self) -> ProxyKind | None:
        """The proxy of the requirements, if rules/proxies.yaml says why the kit has no configuration of this proxy."""
        written = self.platform == "kubernetes" and self.front
        return self.outer if self.outer and self.outer.not_in_kit and not written else None

    @property
    def answers_cors(self) -> bool:
        """Whether the servers answer the CORS requests of browsers. The proxy of a kit does it, if there is one."""
        return bool(self.origins) and not self.proxy

    @property
    def checks_tokens(self) -> bool:
        """Whether the server accepts only requests with a valid access token."""
        return checks_tokens(self.auth)

    @property
    def runs_oauth_proxy(self) -> bool:
        """Whether the server itself logs clients in."""
        return runs_oauth_proxy(self.auth, self.package)

    @property
    def resource(self) -> str:
        """The URL for which clients request access tokens, or "" if the requirements name no host.

        Two tiers have a common URL, the one above their endpoints, so that a token is valid for both.
        """
        if not self.hosts:
            return ""
        path = self.public_path(self.tiers[0])
        return f"https://{self.hosts[0]}{path.removesuffix(ENDPOINT) if self.tiered else path}"

    @property
    def token_settings(self) -> list[TokenSetting]:
        """The settings without which a server that checks tokens does not start."""
        if not self.checks_tokens:
            return []
        resource = [] if self.resource else [TokenSetting("MCP_AUTH_RESOURCE")]
        return [*(PROXY_SETTINGS if self.runs_oauth_proxy else ISSUER_SETTINGS), *resource]

    @property
    def needs_env_file(self) -> bool:
        """Whether the user must fill in values of .env.example before the servers start."""
        return self.needs_sealing_keys or self.direct_llm or self.checks_tokens or self.uses_redis

    def shared_settings(self, tier: TierContext) -> list[str]:
        """Return the settings without which the servers of a tier with more than one instance do not start."""
        wanted = {
            "MCP_SEALING_KEYS": self.needs_sealing_keys,
            "MCP_REDIS_URL": self.uses_redis,
            "MCP_FLEET_KEYS": tier.pattern == "shared-state",
            "MCP_INSTANCE_URL": tier.pattern == "shared-state",
        }
        return [name for name, holds in wanted.items() if holds]

    @property
    def session_idle_s(self) -> int:
        """The seconds after which the SDK ends a session without requests."""
        return self.figure("session.idle_s")

    def liveness_s(self, tier: TierContext) -> int:
        """Return the seconds without an answer of /health after which the platform restarts an instance of a tier."""
        return self.figure("liveness.margin_s") + ceil(tier.longest_call_s)

    def public_path(self, tier: TierContext) -> str:
        """Return the path of a tier that clients use, under the path of the requirements."""
        stated = self.path.rstrip("/")
        return stated if tier.path == ENDPOINT else stated.removesuffix(ENDPOINT) + tier.path

    def aliases(self, tier: TierContext) -> tuple[str, ...]:
        """Return the other paths of a tier: with a slash at the end, and under the path of the requirements."""
        public = self.public_path(tier)
        taken = {tier.path for tier in self.tiers}
        return (f"{tier.path}/", *(f"{public}{end}" for end in ("", "/") if public not in taken))

    def paths(self, tier: TierContext) -> str:
        """Return a regular expression for all paths of a tier."""
        return "|".join(path.replace(".", "[.]") for path in (*self.aliases(tier)[::-1], tier.path))

    @property
    def serves_modern(self) -> bool:
        """Whether the servers support modern clients."""
        return "modern" in self.served_eras

    @property
    def replaced_release(self) -> str:
        """The proxy release of the requirements if no release of its line is without known holes, else ""."""
        used = self.carried.release_for(self.proxy_version)
        line = ".".join(self.proxy_version.split(".")[:2])
        return self.proxy_version if line and not f"{used}.".startswith(f"{line}.") else ""

    @property
    def oldest_sdk(self) -> str:
        """The oldest SDK release that the kit allows."""
        return self.requirement.removeprefix(self.package)[2:].partition(",")[0]

    @property
    def measured_minor(self) -> str:
        """The minor release of the SDK for which the kit is made, such as `2.3`."""
        return ".".join(self.oldest_sdk.split(".")[:2])

    @property
    def stores_below_http_app(self) -> bool:
        """Whether http_app() of the oldest SDK release that the kit allows takes no event store (rules/traits.yaml)."""
        return self._trait("event store of http_app") is not None

    @property
    def exports_spans(self) -> bool:
        """Whether the server can export the spans that the SDK creates."""
        return not self.plain and creates_spans(self.knowledge, self.package, self.oldest_sdk)

    def _trait(self, name: str) -> SdkTrait | None:
        """Return the trait with this name that the oldest SDK release that the kit allows has, or None."""
        found = (trait for trait in self.knowledge.traits if trait.name == name and trait.package == self.package)
        return next((trait for trait in found if trait.holds(self.oldest_sdk)), None)

    @property
    def takes_hosts_since(self) -> str:
        """The first SDK release that takes a list of hosts; "" if no release of the line takes one, or all do."""
        absent = self._trait("list of hosts of http_app")
        return absent.before if absent is not None and self.sdk.host_check != "none" else ""

    @property
    def host_check(self) -> str:
        """Where the oldest SDK release that the kit allows takes the list of hosts: `SdkCode.host_check`, or none."""
        return "none" if self.takes_hosts_since else self.sdk.host_check

    @property
    def companions(self) -> list[Companion]:
        """The packages of which the SDK release of the kit needs an older release, and the stated mcp under fastmcp."""
        own = [needed for needed in self.sdk.companions if not at_least(self.oldest_sdk, needed.before)]
        if not self.mcp_release:
            return own
        below = self.knowledge.sdks[f"mcp-{self.mcp_release.partition('.')[0]}"].companions
        pinned = Companion("", f"mcp=={self.mcp_release}", self.knowledge.phrases["kit.mcp-release"])
        return [*own, pinned, *(needed for needed in below if not at_least(self.mcp_release, needed.before))]

    @property
    def installs(self) -> list[str]:
        """The packages of the server, as pip requirements."""
        redis = [self.floor("redis")] if self.uses_redis else []
        metrics = [] if self.plain else [self.floor("prometheus-client")]
        jwt = [self.floor("pyjwt")] if self.checks_tokens and self.package == "mcp" else []
        otlp = [self.floor("otlp-exporter")] if self.exports_spans else []
        companions = [companion.requirement for companion in self.companions]
        return [self.requirement, *companions, *jwt, self.floor("uvicorn"), *metrics, *otlp, *redis]

    def mechanism(self, tier: TierContext) -> Mechanism | None:
        """Return the session affinity mechanism of a tier, or None if the tier needs no session affinity."""
        return self.mechanism_named(tier.mechanism)

    @property
    def mechanisms(self) -> list[Mechanism]:
        """The session affinity mechanisms of all tiers."""
        return [mechanism for tier in self.tiers if (mechanism := self.mechanism(tier)) is not None]

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
