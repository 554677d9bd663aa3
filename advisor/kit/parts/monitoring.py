"""Renders the alerts and the Grafana dashboard of a kit, and what makes Prometheus read the metrics of its servers."""

from __future__ import annotations

from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts import kubernetes
from advisor.kit.templating import render
from advisor.kit.upstreams import production_addresses

# For each platform, the files that the dashboard and the alerts need.
_READERS = {"kubernetes": ("podmonitor.yaml", "kustomization.yaml"), "systemd": ("prometheus.yaml",)}


def files(kit: KitContext) -> list[KitFile]:
    """Render the files in monitoring/. On a serverless platform, Prometheus cannot reach the servers."""
    if kit.platform == "serverless":
        return []
    fitted = kubernetes.fit(kit) if kit.platform == "kubernetes" else kit
    ports = [address.rpartition(":")[2] for each in production_addresses(kit).servers.values() for address in each]
    given = {
        "kit": fitted,
        "keeps_sessions": any(tier.keeps_sessions for tier in kit.tiers),
        "targets": [f"127.0.0.1:1{port}" for port in ports],
    }
    names = ("alerts.yaml", "dashboard.json", *_READERS.get(kit.platform, ()))
    return [KitFile(f"monitoring/{name}", render(f"monitoring/{name}.j2", **given)) for name in names]
