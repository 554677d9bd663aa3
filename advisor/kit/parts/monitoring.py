"""Renders the alerts and the Grafana dashboard of a kit, and what makes Prometheus read the metrics of its programs."""

from __future__ import annotations

from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts import compose, kubernetes
from advisor.kit.templating import render
from advisor.kit.upstreams import PROXY_PORT, metrics_address, production_addresses

# For each platform, the files that the dashboard and the alerts need.
_READERS = {
    "kubernetes": ("podmonitor.yaml", "kustomization.yaml"),
    "compose": ("prometheus.yaml",),
    "systemd": ("prometheus.yaml",),
}


def files(kit: KitContext) -> list[KitFile]:
    """Render the files in monitoring/. On a serverless platform, Prometheus cannot reach the servers."""
    if kit.platform == "serverless":
        return []
    fitted = kubernetes.fit(kit) if kit.platform == "kubernetes" else kit
    servers = [address for each in production_addresses(kit).servers.values() for address in each]
    proxies = _proxies(kit)
    given = {
        "kit": fitted,
        "keeps_sessions": any(tier.keeps_sessions for tier in kit.tiers),
        "proxies": len(proxies),
        "jobs": {
            fitted.service: [metrics_address(kit, address) for address in servers],
            f"{fitted.service}-proxy": [metrics_address(kit, address) for address in proxies],
        },
    }
    names = ("alerts.yaml", "dashboard.json", *_READERS.get(kit.platform, ()))
    return [KitFile(f"monitoring/{name}", render(f"monitoring/{name}.j2", **given)) for name in names]


def _proxies(kit: KitContext) -> list[str]:
    """The address of each proxy for clients. On Kubernetes, Prometheus finds the addresses itself."""
    match kit.platform:
        case _ if not kit.proxy:
            return []
        case "kubernetes":
            return [f"*:{PROXY_PORT}"] * (kit.proxy_replicas if kubernetes.deploys_proxy(kit) else 0)
        case "compose":
            return [f"{name}:{PROXY_PORT}" for name in compose.proxy_names(kit)]
        case _:
            return [f"*:{PROXY_PORT}"]
