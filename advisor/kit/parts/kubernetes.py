"""Renders the kustomize base of a kit: the servers, the proxy (if session affinity or tiers need it) and policies."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import NamedTuple

from advisor.kit.model import KitContext, KitFile, TierContext
from advisor.kit.parts import proxy as proxy_part
from advisor.kit.parts.routes import EXAMPLE_ROUTE, FrontObject, KitRoute, front_for, has_route, route
from advisor.kit.templating import render
from advisor.kit.upstreams import PROXY_PORT, balance, production_addresses, ready_service, resolves
from advisor.knowledge.kits import BALANCER, SERVICE
from advisor.knowledge.space import SERVER_PORT

LONGEST = 43
"""The maximum length of a name. With `-stateful` and a hash, the name must fit into a pod label of 63 characters."""


class TierWorkload(NamedTuple):
    """A tier for its manifests.

    Attributes:
        tier: the tier.
        kind: StatefulSet if each instance needs a stable name, else Deployment.
        headless: name of the headless Service that gives the instances DNS names, or "".
        ready: name of the headless Service with the addresses of all ready pods, for the proxy of the kit, or "".
        balanced: name of the Service that balances requests, or "" if the proxy selects the instances.
        scaling: metric of the autoscaler: cpu or sessions; "" for a fixed size.
        replicas: number of instances without an autoscaler.
        fixed_by_proxy: whether the requirements ask for a range that the configuration of the proxy does not allow.
        https: the external services that it calls with HTTPS, in words.
        kept_by: the component that provides session affinity (see `Mechanism.done_by`); "" for none.
        cpu_request_m: the CPU request in thousandths of a CPU.
        llm_per_minute: the limit of model calls per minute for one process.
    """

    tier: TierContext
    kind: str
    headless: str
    ready: str
    balanced: str
    scaling: str
    replicas: int
    fixed_by_proxy: bool
    https: tuple[str, ...]
    kept_by: str
    cpu_request_m: int
    llm_per_minute: int

    @property
    def client_ip(self) -> bool:
        """Whether the Service provides session affinity by the client's address."""
        return self.kept_by == SERVICE

    @property
    def behind_cookies(self) -> bool:
        """Whether a load balancer in front provides session affinity by a cookie."""
        return self.kept_by == BALANCER

    @property
    def disruptable(self) -> bool:
        """Whether there are several instances, so that one instance can stop at any time."""
        return bool(self.scaling) or self.replicas > 1

    @property
    def memory_request_mi(self) -> int:
        """The memory request in MiB."""
        return self.tier.memory.request_mi(self.tier.workers)

    @property
    def memory_limit_mi(self) -> int:
        """The memory limit in MiB."""
        return self.tier.memory.limit_mi(self.tier.workers)


class ProxyWorkload(NamedTuple):
    """The proxy for its manifests.

    Attributes:
        name: name of its objects.
        replicas: number of proxies to run.
        only_one: whether sessions would be lost with more than one proxy.
        image: name of the image.
        tag: tag of the image.
        command: start command.
        folder: folder in the container where the configuration is mounted.
        files: configuration files in `proxy/`; the first file has the addresses and ports.
        drains: whether the proxy waits for open streams after SIGTERM.
        drain_s: seconds of the wait before SIGTERM.
        stop_s: maximum seconds from SIGTERM to the end of the proxy.
        memory_mi: memory limit in MiB.
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
        """The grace period in seconds."""
        return self.drain_s + self.stop_s + 5


class FirstDeployment(NamedTuple):
    """What the commands of the first deployment name.

    Attributes:
        service: name of the objects.
        namespace: the namespace.
        secret: name of the secret.
        secrets: key and example value of each entry of the secret; can be empty.
        rollouts: the workloads, such as statefulset/chat.
        entry: the Service for clients.
        port: the port of that Service.
        route: the file with an HTTPRoute or with the object of `front`, or "" if a gateway would break the affinity.
        route_is_example: whether kustomization.yaml does not contain the file.
        front: the object of the hop in front of the kit, or None.
        direct: whether clients must connect to the Service without a gateway in between.
    """

    service: str
    namespace: str
    secret: str
    secrets: tuple[tuple[str, str], ...]
    rollouts: tuple[str, ...]
    entry: str
    port: int
    route: str
    route_is_example: bool
    front: FrontObject | None
    direct: bool


def first_deployment(kit: KitContext) -> FirstDeployment:
    """Return what the commands of the first deployment name."""
    fitted, proxy, works, entry = _objects(kit)
    front = front_for(fitted, _route(fitted, proxy, entry), proxied=proxy is not None)
    example = not fitted.has_http_route and front is None
    file = front.file if front else "httproute.yaml"
    return FirstDeployment(
        service=fitted.service,
        namespace=fitted.namespace,
        secret=f"{fitted.service}-secrets",
        secrets=tuple(_secrets(fitted)),
        rollouts=(
            *(f"{work.kind.lower()}/{work.tier.host}" for work in works),
            *([f"deployment/{proxy.name}"] if proxy else []),
        ),
        entry=entry,
        port=proxy.port if proxy else SERVER_PORT,
        route=file if not example else EXAMPLE_ROUTE if has_route(fitted) else "",
        route_is_example=example,
        front=front,
        direct=any(work.client_ip for work in works),
    )


def files(kit: KitContext) -> list[KitFile]:
    """Render the files in `kubernetes/`, and the file in `proxy/` that creates the ConfigMap of the proxy."""
    if kit.platform != "kubernetes":
        return []
    fitted, proxy, works, entry = _objects(kit)
    renamed = fitted is not kit
    first = first_deployment(kit)
    shared = {
        "kit": fitted,
        "works": works,
        "proxy": proxy,
        "port": SERVER_PORT,
        "entry": entry,
        "image": f"{fitted.service}-server",
        "secret": first.secret,
        "hosts": _hosts(fitted, entry),
        "route": _route(fitted, proxy, entry),
        "front": first.front,
        "first": first,
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
        first.route: first.front is not None or fitted.has_http_route,
    }
    for name in (name for name, wanted in optional.items() if wanted):
        names.append(name)
        template = "ingress.yaml" if first.front is not None and name == first.route else name
        texts[name] = render(f"kubernetes/{template}.j2", **shared)
    if first.route == EXAMPLE_ROUTE:
        texts[first.route] = render("kubernetes/httproute.yaml.j2", **shared)
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
            settings = proxy_part.address_files(fitted, production_addresses(fitted))
            made += [replace(file, path=f"kubernetes/{proxy.files[0]}") for file in settings]
    return made


def _objects(kit: KitContext) -> tuple[KitContext, ProxyWorkload | None, tuple[TierWorkload, ...], str]:
    """Return the kit with valid names, its proxy, its workloads, and the name of the Service for clients."""
    fitted = fit(kit)
    proxy = _proxy(fitted)
    works = tuple(_workload(fitted, tier, deployed=proxy is not None) for tier in fitted.tiers)
    return fitted, proxy, works, _entry(fitted, proxy)


def fit(kit: KitContext) -> KitContext:
    """Return the kit with a name that is valid for all Kubernetes objects; the unchanged kit if its name is valid.

    A DNS label can be longer than the name of a StatefulSet. It can also start with a digit, unlike a Service name.
    """
    name = kit.service if kit.service[0].isalpha() else f"mcp-{kit.service}"
    if len(name) > LONGEST:
        digest = hashlib.sha256(kit.service.encode()).hexdigest()[:6]
        name = f"{name[: LONGEST - 7].rstrip('-')}-{digest}"
    if name == kit.service:
        return kit
    tiers = tuple(replace(tier, host=name + tier.host.removeprefix(kit.service)) for tier in kit.tiers)
    return replace(kit, service=name, tiers=tiers)


def _workload(kit: KitContext, tier: TierContext, *, deployed: bool) -> TierWorkload:
    addressed = balance(kit, tier) != "plain"
    shared = tier.pattern == "shared-state"
    ranged = tier.pattern != "single-instance" and tier.max_instances > tier.instances
    # nginx lists the names of the pods. All must exist when nginx starts, or the place in the list selects the pod.
    static = bool(kit.proxy) and "resolve" in kit.carried.since
    by_order = balance(kit, tier) in ("envelope", "ip-hash")
    listed = addressed and static and (by_order or not resolves(kit))
    fixed = ranged and listed
    mechanism = kit.mechanism(tier)
    ready = ready_service(kit, tier)
    reasons = {"the language model": kit.direct_llm, "the token issuer": kit.auth != "none"}
    return TierWorkload(
        tier=tier,
        kind="StatefulSet" if addressed or shared else "Deployment",
        headless=tier.host if addressed else f"{tier.host}-pods" if shared else "",
        ready=ready,
        balanced="" if addressed or (ready and deployed) else tier.host,
        scaling="" if fixed or not ranged else "sessions" if tier.keeps_sessions else "cpu",
        replicas=tier.max_instances if fixed else tier.instances,
        fixed_by_proxy=fixed,
        https=tuple(reason for reason, holds in reasons.items() if holds),
        kept_by=mechanism.done_by if mechanism else "",
        cpu_request_m=kit.figure("cpu.request_m") * tier.workers,
        llm_per_minute=max(1, kit.figure("llm.calls_per_minute") // (tier.max_instances * tier.workers)),
    )


def deploys_proxy(kit: KitContext) -> bool:
    """Whether session affinity or tiers need the proxy. Without them, any load balancer works."""
    return bool(kit.proxy) and (kit.tiered or any(balance(kit, tier) != "plain" for tier in kit.tiers))


def _proxy(kit: KitContext) -> ProxyWorkload | None:
    if not deploys_proxy(kit):
        return None
    plan, carried = proxy_part.plan_for(kit), kit.carried
    sticky = plan.sticky
    learned = sticky is not None and sticky.learned
    return ProxyWorkload(
        name=f"{kit.service}-proxy",
        replicas=kit.proxy_replicas,
        only_one=kit.proxy_replicas == 1 and learned,
        image=carried.image,
        tag=carried.tag_of(carried.release_for(kit.proxy_version)),
        command=tuple(carried.command(carried.id, carried.folder, "pod")),
        folder=carried.folder,
        files=tuple(carried.files),
        drains=carried.drains,
        drain_s=kit.tiers[0].propagation_s if carried.drains else max(tier.preferred_stop_s for tier in kit.tiers),
        stop_s=plan.stop_s if carried.drains else 5,
        memory_mi=plan.memory_mi(kit.figure("proxy.memory_mi")),
    )


def proxy_update(kit: KitContext) -> str:
    """Return whether a rolling update of the proxy keeps or loses sessions; "" if the kit has no pod for a proxy."""
    proxy = _proxy(kit) if kit.platform == "kubernetes" else None
    return "" if proxy is None else "loses" if proxy.only_one else "keeps"


def proxy_stop(kit: KitContext) -> int:
    """Return the maximum seconds from SIGTERM to the end of the proxy's pod; 0 if the kit has no pod for a proxy."""
    proxy = _proxy(kit)
    return proxy.stop_s if proxy else 0


def fixed_pods(kit: KitContext) -> int:
    """Return the number of pods that the configuration of the proxy lists, so that there is no autoscaler; else 0."""
    if kit.platform != "kubernetes":
        return 0
    deployed = _proxy(kit) is not None
    works = [_workload(kit, tier, deployed=deployed) for tier in kit.tiers]
    return next((work.replicas for work in works if work.fixed_by_proxy), 0)


def scales_by_sessions(kit: KitContext) -> bool:
    """Whether an autoscaler of the kit uses the number of sessions, which needs an adapter for metrics."""
    if kit.platform != "kubernetes":
        return False
    deployed = _proxy(kit) is not None
    return any(_workload(kit, tier, deployed=deployed).scaling == "sessions" for tier in kit.tiers)


def _entry(kit: KitContext, proxy: ProxyWorkload | None) -> str:
    """Return the name of the Service for clients."""
    return f"{kit.service}-entry" if proxy else kit.tiers[0].host


def _hosts(kit: KitContext, entry: str) -> tuple[str, ...]:
    """Return the host names for clients: the names in the requirements and the names of the Services in the cluster."""
    inside = [
        f"{name}{domain}"
        for name in dict.fromkeys((entry, *(tier.host for tier in kit.tiers)))
        for domain in ("", f".{kit.namespace}", f".{kit.namespace}.svc", f".{kit.namespace}.svc.cluster.local")
    ]
    return (*kit.hosts, *inside)


def _secrets(kit: KitContext) -> list[tuple[str, str]]:
    """Return a pair of key and example value for each secret that the servers need."""
    wanted = [
        (kit.needs_sealing_keys, "sealing-keys", '"$(openssl rand -hex 32)"'),
        (kit.uses_redis, "redis-url", "rediss://:PASSWORD@HOST:6379/0"),
        (kit.needs_directory, "fleet-keys", '"$(openssl rand -hex 32)"'),
        (kit.direct_llm, "llm-key", "KEY"),
    ]
    auth = [(setting.secret, setting.example) for setting in kit.token_settings if setting.secret]
    return [*((key, value) for holds, key, value in wanted if holds), *auth]


def _route(kit: KitContext, proxy: ProxyWorkload | None, entry: str) -> KitRoute:
    return route(kit, entry, proxy.port if proxy else SERVER_PORT, proxied=proxy is not None)
