"""The kustomize base of a kit: the servers, the proxy where affinity or tiers need it, and what surrounds them."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass, replace

from advisor.kit.model import KitContext, KitFile, TierContext
from advisor.kit.parts import proxy as proxy_part
from advisor.kit.templating import render
from advisor.kit.upstreams import PROXY_PORT, SERVER_PORT, balance, production_wiring, resolves
from advisor.knowledge.kits import BALANCER, SERVICE
from advisor.knowledge.versions import parse

GATEWAYS = ("gateway-api", "nginx-gateway-fabric")
"""Kinds of proxy that HTTPRoutes configure."""

LONGEST = 43
"""Characters of a name: with `-stateful` it makes a StatefulSet, whose pods carry it and a hash in a label of 63."""

_PROPAGATION_S = 10
_LLM_PER_MINUTE = 60  # of all processes together
_CPU_M = 250  # what a process asks for; it may use four times as much


@dataclass(frozen=True, slots=True)
class Workload:
    """A tier as its manifests need it.

    Attributes:
        tier: the tier.
        kind: Deployment, or StatefulSet where each instance needs a name.
        headless: the Service that gives instances their names, or "".
        balanced: the Service that spreads requests, or "" where the proxy addresses instances.
        scaling: what the autoscaler goes by: cpu, sessions, or "" for a fixed size.
        replicas: how many there are without an autoscaler.
        fixed_by_proxy: whether a range was asked for that the configuration of the proxy does not allow.
        https: what it calls outside by https, in words.
        kept_by: what keeps sessions on their owner, as `Mechanism.done_by` has it; "" for nothing.
    """

    tier: TierContext
    kind: str
    headless: str
    balanced: str
    scaling: str
    replicas: int
    fixed_by_proxy: bool
    https: tuple[str, ...]
    kept_by: str

    @property
    def client_ip(self) -> bool:
        """Whether the Service keeps clients on a pod."""
        return self.kept_by == SERVICE

    @property
    def behind_cookies(self) -> bool:
        """Whether a balancer in front keeps sessions, by a cookie."""
        return self.kept_by == BALANCER

    @property
    def recreate(self) -> bool:
        """Whether the old instance has to end before the new instance starts."""
        return self.tier.pattern == "single-instance" and self.tier.keeps_sessions

    @property
    def disruptable(self) -> bool:
        """Whether there are several instances, of which any single instance may go."""
        return bool(self.scaling) or self.replicas > 1

    @property
    def cpu_request_m(self) -> int:
        """Thousandths of a CPU that it asks for."""
        return _CPU_M * self.tier.workers

    @property
    def memory_request_mi(self) -> int:
        """Mebibytes that it asks for."""
        return self.tier.memory.request_mi(self.tier.workers)

    @property
    def memory_limit_mi(self) -> int:
        """Mebibytes that it may use."""
        return self.tier.memory.limit_mi(self.tier.workers)

    @property
    def llm_per_minute(self) -> int:
        """The share of a process in the budget for model calls."""
        return max(1, _LLM_PER_MINUTE // (self.tier.max_instances * self.tier.workers))


@dataclass(frozen=True, slots=True)
class ProxyWorkload:
    """The proxy as its manifests need it.

    Attributes:
        name: of its objects.
        replicas: how many run.
        only_one: whether more than one proxy would lose sessions.
        image: name of the image.
        tag: its tag.
        command: how it starts.
        folder: where its configuration is mounted.
        files: its configuration, in `proxy/`; the first is the wiring.
        drains: whether open streams may end after SIGTERM.
        drain_s: seconds before SIGTERM.
        stop_s: seconds that it takes to stop at most.
        memory_mi: mebibytes that it may use.
    """

    name: str
    replicas: int
    only_one: bool
    image: str
    tag: str
    command: tuple[str, ...]
    folder: str
    files: tuple[str, ...]
    drains: bool
    drain_s: int
    stop_s: int
    memory_mi: int
    port: int = PROXY_PORT

    @property
    def grace_s(self) -> int:
        """Seconds that it gets in all."""
        return self.drain_s + self.stop_s + 5


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTPRoute: names of hosts, (type, path) of what it takes, and the Service that gets it."""

    hostnames: tuple[str, ...]
    paths: tuple[tuple[str, str], ...]
    backend: str
    port: int


def files(kit: KitContext) -> list[KitFile]:
    """The files under `kubernetes/`, and the file in `proxy/` that makes its configuration a ConfigMap."""
    if kit.platform != "kubernetes":
        return []
    fitted = fit(kit)
    renamed = fitted is not kit
    works = tuple(_workload(fitted, tier) for tier in fitted.tiers)
    proxy = _proxy(fitted)
    entry = f"{fitted.service}-entry" if proxy else fitted.tiers[0].host
    shared = {
        "kit": fitted,
        "works": works,
        "proxy": proxy,
        "port": SERVER_PORT,
        "entry": entry,
        "image": f"{fitted.service}-server",
        "secret": f"{fitted.service}-secrets",
        "hosts": _hosts(fitted, entry),
    }
    names = ["namespace.yaml"]
    texts = {"namespace.yaml": render("kubernetes/namespace.yaml.j2", **shared)}
    for work in works:
        name = "server.yaml" if work.tier.name == "main" else f"{work.tier.name}.yaml"
        names.append(name)
        texts[name] = render("kubernetes/server.yaml.j2", **shared, work=work)
    optional = {
        "proxy.yaml": proxy is not None,
        "network-policy.yaml": True,
        "httproute.yaml": fitted.outer_proxy in GATEWAYS,
    }
    for name in (name for name, wanted in optional.items() if wanted):
        names.append(name)
        texts[name] = render(f"kubernetes/{name}.j2", **shared, route=_route(fitted, proxy, entry))
    texts["kustomization.yaml"] = render(
        "kubernetes/kustomization.yaml.j2",
        **shared,
        resources=names,
        secrets=_secrets(fitted),
        renamed=renamed,
        service=kit.service,
    )
    made = [KitFile(f"kubernetes/{name}", text) for name, text in sorted(texts.items())]
    if proxy:
        text = render("kubernetes/proxy_kustomization.yaml.j2", **shared)
        made.append(KitFile("proxy/kustomization.yaml", text))
        if renamed:
            wiring = proxy_part.wiring_files(fitted, production_wiring(fitted))
            made += [replace(file, path=f"kubernetes/{proxy.files[0]}") for file in wiring]
    return made


def fit(kit: KitContext) -> KitContext:
    """The kit with names that all objects may have; the same kit where the service's own name will do.

    A DNS label may be longer than the name of a StatefulSet, and may start with a digit, which Services must not.
    """
    name = kit.service if kit.service[0].isalpha() else f"mcp-{kit.service}"
    if len(name) > LONGEST:
        digest = hashlib.sha256(kit.service.encode()).hexdigest()[:6]
        name = f"{name[: LONGEST - 7].rstrip('-')}-{digest}"
    if name == kit.service:
        return kit
    tiers = tuple(replace(tier, host=name + tier.host.removeprefix(kit.service)) for tier in kit.tiers)
    return replace(kit, service=name, tiers=tiers)


def _workload(kit: KitContext, tier: TierContext) -> Workload:
    addressed = balance(kit, tier) != "plain"
    shared = tier.pattern == "shared-state"
    ranged = tier.pattern != "single-instance" and tier.max_instances > tier.instances
    # Names in nginx: all have to exist when it starts, or each has a fixed share of the new sessions.
    static = bool(kit.proxy) and "resolve" in kit.carried.since
    listed = addressed and static and (balance(kit, tier) == "envelope" or not resolves(kit))
    fixed = ranged and listed
    mechanism = kit.mechanism(tier)
    reasons = {"the language model": kit.direct_llm, "the token issuer": kit.auth != "none"}
    return Workload(
        tier=tier,
        kind="StatefulSet" if addressed or shared else "Deployment",
        headless=tier.host if addressed else f"{tier.host}-pods" if shared else "",
        balanced="" if addressed else tier.host,
        scaling="" if fixed or not ranged else "sessions" if tier.keeps_sessions else "cpu",
        replicas=tier.max_instances if fixed else tier.instances,
        fixed_by_proxy=fixed,
        https=tuple(reason for reason, holds in reasons.items() if holds),
        kept_by=mechanism.done_by if mechanism else "",
    )


def _proxy(kit: KitContext) -> ProxyWorkload | None:
    """The proxy, where affinity or tiers need it: any other balancer may stand in front of anything else."""
    if not kit.proxy or not (kit.tiered or any(balance(kit, tier) != "plain" for tier in kit.tiers)):
        return None
    plan, carried = proxy_part.plan_for(kit), kit.carried
    sticky = plan.sticky
    learned = sticky is not None and sticky.learned
    stated = kit.proxy_version
    version = stated if parse(stated) is not None and "." in stated else carried.version
    return ProxyWorkload(
        name=f"{kit.service}-proxy",
        replicas=kit.proxy_replicas,
        only_one=kit.proxy_replicas == 1 and learned,
        image=carried.image,
        tag=carried.tag_of(version),
        command=tuple(carried.command(carried.id, carried.folder, "pod")),
        folder=carried.folder,
        files=tuple(carried.files),
        drains=carried.drains,
        drain_s=_PROPAGATION_S if carried.drains else max(tier.preferred_stop_s for tier in kit.tiers),
        stop_s=plan.stop_s if carried.drains else 5,
        memory_mi=512 + (sticky.zone_mb if sticky is not None and sticky.balance == "learn" else 0),
    )


def _hosts(kit: KitContext, entry: str) -> tuple[str, ...]:
    """Names by which clients call it: the stated ones, and those of the Services inside the cluster."""
    inside = [
        f"{name}{domain}"
        for name in dict.fromkeys((entry, *(tier.host for tier in kit.tiers)))
        for domain in ("", f".{kit.namespace}", f".{kit.namespace}.svc", f".{kit.namespace}.svc.cluster.local")
    ]
    return (*kit.hosts, *inside)


def _secrets(kit: KitContext) -> list[tuple[str, str]]:
    """Key → what to put there, for each secret that the servers refer to."""
    wanted = [
        (kit.needs_sealing_keys, "sealing-keys", '"$(openssl rand -hex 32)"'),
        (kit.uses_redis, "redis-url", "redis://:PASSWORD@HOST:6379/0"),
        (kit.direct_llm, "llm-key", "KEY"),
    ]
    return [(key, value) for holds, key, value in wanted if holds]


def _route(kit: KitContext, proxy: ProxyWorkload | None, entry: str) -> Route:
    paths = [("PathPrefix", "/")]  # the proxy refuses what is not public itself
    if proxy is None:
        paths = [("Exact", kit.tiers[0].path)]
        for public in proxy_part.plan_for(kit).public:
            well_known = public.startswith("[.]well-known/")
            paths.append(("PathPrefix", "/.well-known") if well_known else ("Exact", f"/{public}"))
    names = dict.fromkeys(host.partition(":")[0].lower() for host in kit.hosts)
    return Route(
        hostnames=tuple(name for name in names if not _is_address(name)),
        paths=tuple(paths),
        backend=entry,
        port=proxy.port if proxy else SERVER_PORT,
    )


def _is_address(host: str) -> bool:
    """Whether it is an IP address, which routes cannot match."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
