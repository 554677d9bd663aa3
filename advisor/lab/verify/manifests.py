"""Check the manifests of a kit: each value that must fit to another value of the kit. Pure except for reading files.

These checks find what a run on this machine cannot show, such as a Service whose port no pod has. `containers`
starts the servers with the settings of the manifests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from advisor.kit.model import KitContext, TierContext
from advisor.kit.parts import kubernetes
from advisor.kit.upstreams import PROXY_PORT, production_addresses, split
from advisor.lab.verify.manifest_files import (
    FOLDER,
    KUSTOMIZATION,
    WORKLOADS,
    Manifest,
    at,
    document,
    entries,
    flag_settings,
    named,
    number,
    read_manifests,
    trial,
)
from advisor.lab.verify.result import Trial

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_ANY = ("0.0.0.0", "::")  # noqa: S104 (a pod listens on all addresses of its own network)


def check_manifests(kit_dir: Path, kit: KitContext) -> list[Trial]:
    """Check the manifests of a kit for Kubernetes; [] for another platform or without the folder.

    Args:
        kit_dir: the kit.
        kit: the context of the kit.
    """
    if kit.platform != "kubernetes" or not (kit_dir / FOLDER).is_dir():
        return []
    fitted = kubernetes.fit(kit)
    manifests = read_manifests(kit_dir)
    found = [*_listed(kit_dir)]
    for tier in fitted.tiers:
        workload = workload_of(manifests, tier.host)
        if workload is None:
            missing = f"{FOLDER}/{KUSTOMIZATION}: resources"
            found.append(trial("pods of the manifests", missing, f"a workload {tier.host}", None, agrees=False))
        else:
            found += [*_server(workload, tier, fitted), *_scaling(workload, manifests)]
    found += [*_services(manifests)]
    if kubernetes.deploys_proxy(fitted):
        found += [*_addresses(kit_dir, manifests, fitted), *_proxy(kit_dir, manifests, fitted)]
    return found


def workload_of(manifests: Sequence[Manifest], name: str) -> Manifest | None:
    """Return the Deployment or StatefulSet with this name; None for none."""
    return next((found for found in manifests if found.kind in WORKLOADS and found.name == name), None)


def environment(workload: Manifest) -> dict[str, Any]:
    """Return the environment variables of a server container: the text, or the source of the text."""
    return {
        str(at(entry, "name")): at(entry, "value") if at(entry, "value") is not None else at(entry, "valueFrom")
        for entry in entries(workload.container, "env")
    }


def _listed(kit_dir: Path) -> Iterator[Trial]:
    """Each resource of kustomization.yaml exists."""
    for name in entries(document(kit_dir / FOLDER / KUSTOMIZATION), "resources"):
        there = (kit_dir / FOLDER / str(name)).exists()
        place = f"{FOLDER}/{KUSTOMIZATION}: resources"
        yield trial("files of the manifests", place, "files that exist", str(name), agrees=there)


def _server(workload: Manifest, tier: TierContext, kit: KitContext) -> Iterator[Trial]:
    env = environment(workload)
    name = "settings of the pods"
    for variable, expected in {"MCP_TIER": tier.name, **flag_settings(tier)}.items():
        yield workload.trial(name, f"env {variable}", expected, env.get(variable))
    host = env.get("MCP_HOST")
    yield workload.trial(name, "env MCP_HOST", " or ".join(_ANY), host, host in _ANY)
    if tier.keeps_sessions:
        yield workload.trial(name, "env MCP_WORKERS", "1", env.get("MCP_WORKERS"))
    for port, variable in (("http", "MCP_PORT"), ("metrics", "MCP_METRICS_PORT")):
        key = f"containerPort of {port}"
        yield workload.trial("ports of the pods", key, str(env.get(variable)), str(_port(workload, port)))
    yield from _probes(workload)
    seconds = kit.liveness_s(tier)
    probe = at(workload.container, "livenessProbe")
    tried = number(at(probe, "periodSeconds") or 10) * number(at(probe, "failureThreshold") or 3)
    key = "livenessProbe, periodSeconds x failureThreshold"
    yield workload.trial("probes of the pods", key, f"at least {seconds} s", f"{tried:g} s", tried >= seconds)
    yield from _stopping(workload, tier.propagation_s, tier.shutdown_s)


def _port(workload: Manifest, port: Any) -> Any:
    """The number of a port of the pods, by its name or number; None if the pods have no such port."""
    for entry in entries(workload.container, "ports"):
        if port in (at(entry, "name"), at(entry, "containerPort")):
            return at(entry, "containerPort")
    return None


def _probes(workload: Manifest) -> Iterator[Trial]:
    """Each probe asks the port of the clients. `containers` tries the paths."""
    for probe in PROBES:
        asked = at(workload.container, f"{probe}.httpGet")
        yield workload.trial("probes of the pods", probe, "httpGet", "httpGet" if asked else _handlers(workload, probe))
        if asked:
            same = _port(workload, at(asked, "port")) == _port(workload, "http")
            key = f"{probe}.httpGet.port"
            yield workload.trial("probes of the pods", key, "http", at(asked, "port"), same)


def _handlers(workload: Manifest, probe: str) -> str | None:
    handlers = at(workload.container, probe)
    return next(iter(handlers), None) if isinstance(handlers, dict) else None


def waits_s(workload: Manifest) -> float:
    """Return the seconds between the start of the stop and SIGTERM: `sleep`, or `exec` with the command sleep."""
    stop = at(workload.container, "lifecycle.preStop")
    words = entries(stop, "exec.command")
    return number(words[1]) if words[:1] == ["sleep"] and words[1:] else number(at(stop, "sleep.seconds"))


def _stopping(workload: Manifest, least_s: int, shutdown_s: int) -> Iterator[Trial]:
    """The load balancers notice the stop before SIGTERM, and the program ends before SIGKILL."""
    name, wait = "time to stop the pods", waits_s(workload)
    key = "lifecycle.preStop.sleep.seconds"
    yield workload.trial(name, key, f"at least {least_s}", f"{wait:g}", wait >= least_s)
    grace = at(workload.body, "spec.template.spec.terminationGracePeriodSeconds")
    expected = f"more than {wait + shutdown_s:g} ({wait:g} before SIGTERM and {shutdown_s} to stop)"
    seconds = 30 if grace is None else number(grace)
    yield workload.trial(name, "terminationGracePeriodSeconds", expected, grace, seconds > wait + shutdown_s)


def _most(workload: Manifest, manifests: Sequence[Manifest]) -> tuple[Manifest, str, Any]:
    """The largest number of pods: the manifest, the key and the value."""
    for scaler in manifests:
        target = at(scaler.body, "spec.scaleTargetRef")
        if scaler.kind == "HorizontalPodAutoscaler" and at(target, "name") == workload.name:
            return scaler, "maxReplicas", at(scaler.body, "spec.maxReplicas")
    return workload, "replicas", at(workload.body, "spec.replicas")


def _scaling(workload: Manifest, manifests: Sequence[Manifest]) -> Iterator[Trial]:
    stated = environment(workload).get("MCP_INSTANCES")
    manifest, key, most = _most(workload, manifests)
    within = 1 <= number(most) <= number(stated)
    yield manifest.trial("number of pods", key, f"at most {stated} (MCP_INSTANCES)", most, within)
    for scaler in (found for found in manifests if found.kind == "HorizontalPodAutoscaler"):
        target = at(scaler.body, "spec.scaleTargetRef")
        known = workload_of(manifests, str(at(target, "name")))
        fits = known is not None and known.kind == at(target, "kind")
        yield scaler.trial("number of pods", "scaleTargetRef", "a workload of this kit", target, fits)


def _services(manifests: Sequence[Manifest]) -> Iterator[Trial]:
    """Each Service selects the pods of a single workload, and each of its ports is a port of these pods."""
    workloads = [found for found in manifests if found.kind in WORKLOADS]
    for workload in workloads:
        labels = at(workload.body, "spec.selector.matchLabels")
        fits = isinstance(labels, dict) and bool(labels) and labels.items() <= workload.labels.items()
        yield workload.trial("labels of the pods", "selector", workload.labels, labels, fits)
        if workload.kind == "StatefulSet":
            headless = {found.name for found in manifests if at(found.body, "spec.clusterIP") == "None"}
            service = at(workload.body, "spec.serviceName")
            yield workload.trial("Services", "serviceName", "a headless Service", service, service in headless)
    for service in (found for found in manifests if found.kind == "Service"):
        labels = at(service.body, "spec.selector")
        wanted = labels if isinstance(labels, dict) else {"": None}
        hit = [workload for workload in workloads if wanted.items() <= workload.labels.items()]
        yield service.trial("Services", "selector", "the labels of a single workload", labels, len(hit) == 1)
        for port in entries(service.body, "spec.ports") if len(hit) == 1 else []:
            target = at(port, "targetPort") or at(port, "port")
            reached = _port(hit[0], target)
            http = _port(hit[0], "http")
            yield service.trial("Services", "targetPort", f"http ({http})", target, reached == http is not None)
            if at(service.body, "spec.clusterIP") == "None":  # clients connect to the pods, so the port stays the same
                yield service.trial("Services", "port", str(http), str(at(port, "port")))


def _addresses(kit_dir: Path, manifests: Sequence[Manifest], kit: KitContext) -> Iterator[Trial]:
    """Each address in the configuration of the proxy is a Service or a pod, and each pod has an address."""
    name = "addresses of the proxy"
    text = "".join(_text(path) for path in sorted((kit_dir / "proxy").glob("*")) if path.is_file())
    text += "".join(_text(kit_dir / FOLDER / file) for file in kit.carried.files[:1])
    for tier in kit.tiers:
        addresses = production_addresses(kit).servers[tier.name]
        workload = workload_of(manifests, tier.host)
        for address in addresses:
            host, port = split(address)
            names = host.removesuffix(f".{kit.namespace}.svc.cluster.local").split(".")
            service = next((found for found in manifests if found.kind == "Service" and found.name == names[-1]), None)
            ports = [at(entry, "port") for entry in entries(service.body if service else None, "spec.ports")]
            place = f"proxy: {host}"
            yield trial(name, place, f"a Service {names[-1]} with port {port}", str(ports), agrees=port in ports)
        if workload is not None and f"{tier.host}-0." in text:
            manifest, key, most = _most(workload, manifests)
            listed = 0
            while f"{tier.host}-{listed}." in text:
                listed += 1
            expected = f"at most {listed}, the number of pods in the configuration of the proxy"
            yield manifest.trial(name, key, expected, most, number(most) <= listed)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _proxy(kit_dir: Path, manifests: Sequence[Manifest], kit: KitContext) -> Iterator[Trial]:
    """The pod of the proxy runs the files of the folder proxy with the command that `verify` runs."""
    carried, name = kit.carried, "pod of the proxy"
    workload = workload_of(manifests, f"{kit.service}-proxy")
    if workload is None:
        yield trial(name, f"{FOLDER}/{KUSTOMIZATION}: resources", f"a Deployment {kit.service}-proxy", None)
        return
    container = workload.container
    folder = at(named(entries(container, "volumeMounts"), "config"), "mountPath")
    yield workload.trial(name, "mountPath of config", carried.folder, folder)
    command = carried.command(carried.id, carried.folder, "pod")
    yield workload.trial(name, "command", command, at(container, "command"))
    yield workload.trial(name, "containerPort of http", PROXY_PORT, _port(workload, "http"))
    volume = named(entries(workload.body, "spec.template.spec.volumes"), "config")
    generator = at(document(kit_dir / "proxy" / KUSTOMIZATION), "configMapGenerator.0")
    config = at(volume, "configMap.name")
    yield workload.trial(name, "volume config", at(generator, "name") or "a ConfigMap", config)
    files = [str(file).rpartition("/")[2].partition("=")[0] for file in entries(generator, "files")]
    place = f"proxy/{KUSTOMIZATION}: configMapGenerator, files"
    wanted = sorted(carried.files)
    yield trial(name, place, wanted, sorted(files), agrees=set(wanted) <= set(files))
    listed = entries(document(kit_dir / FOLDER / KUSTOMIZATION), "resources")
    yield trial(name, f"{FOLDER}/{KUSTOMIZATION}: resources", "../proxy", listed, agrees="../proxy" in listed)
    yield from _probes(workload)
    planned = kubernetes.proxy_stop(kit)
    yield from _stopping(workload, kit.tiers[0].propagation_s, planned)
    if kubernetes.proxy_update(kit) == "loses":
        yield workload.trial(name, "replicas", 1, at(workload.body, "spec.replicas"))
