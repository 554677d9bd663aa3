"""The kits for the tests of the kustomize base, and their manifests before and after `kustomize build`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from manifest_build import Build, Manifest
from proxy_kits import (
    CADDY,
    COOKIE,
    ENVELOPE,
    ENVELOPE_122,
    ENVELOPE_HAPROXY,
    ENVOY,
    IP_HASH,
    LEARN,
    TABLE,
    UNKNOWN,
    decided,
    stateless,
    sticky,
    tiered,
)

from advisor.kit.model import KitContext
from advisor.kit.parts import kubernetes, proxy

LONG = "a" + "b-" * 30 + "yz"
# A safe loader. libyaml reads the manifests ten times as fast as Python does.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Make = Callable[[Any], KitContext]


def _scaled(kit: KitContext, most: int) -> KitContext:
    return replace(kit, tiers=tuple(replace(tier, instances=2, max_instances=most) for tier in kit.tiers))


def _one(kit: KitContext, **changes: Any) -> KitContext:
    return replace(kit, tiers=(replace(kit.tiers[0], **changes),))


def renamed(kit: KitContext, service: str) -> KitContext:
    tiers = tuple(replace(tier, host=service + tier.host.removeprefix(kit.service)) for tier in kit.tiers)
    return replace(kit, service=service, tiers=tiers)


def _called(service: str, make: Make) -> Make:
    return lambda advisor: renamed(make(advisor), service)


def _direct(kit: KitContext) -> KitContext:
    return replace(kit, proxy="", proxy_version="")


CASES: dict[str, Make] = {
    "stateless": lambda a: _direct(stateless(a, LEARN)),
    "stateless-range": lambda a: _scaled(_direct(stateless(a, LEARN)), 10),
    "stateless-workers": lambda a: _one(stateless(a, LEARN), workers=4),
    "own-nginx": lambda a: stateless(a, LEARN),
    "gateway-api": lambda a: replace(
        _direct(stateless(a, LEARN)), outer_proxy="gateway-api", hosts=("mcp.example.com:8443", "10.0.0.1")
    ),
    "gateway-api-oauth": lambda a: replace(_direct(stateless(a, LEARN)), outer_proxy="gateway-api", auth="oauth-proxy"),
    "gateway-api-tiers": lambda a: replace(tiered(a, LEARN), outer_proxy="gateway-api"),
    "alb": lambda a: replace(sticky(a, ENVELOPE), outer_proxy="alb", proxy_replicas=2),
    "alb-no-host": lambda a: replace(_direct(stateless(a, LEARN)), outer_proxy="alb", hosts=()),
    "alb-cookie": lambda a: replace(
        _one(_direct(sticky(a, LEARN)), mechanism="platform-cookie"),
        outer_proxy="alb",
        hosts=("a.example.com", "b.org"),
    ),
    "aws-nlb": lambda a: replace(sticky(a, LEARN), outer_proxy="aws-nlb"),
    "gclb": lambda a: replace(_direct(stateless(a, LEARN)), outer_proxy="gclb", auth="oauth-proxy"),
    "gclb-cookie": lambda a: replace(_one(_direct(sticky(a, LEARN)), mechanism="platform-cookie"), outer_proxy="gclb"),
    "ingress-nginx": lambda a: replace(tiered(a, LEARN), outer_proxy="ingress-nginx"),
    "nginx-ingress": lambda a: replace(_direct(stateless(a, LEARN)), outer_proxy="nginx-ingress"),
    "traefik": lambda a: replace(_direct(stateless(a, LEARN)), outer_proxy="traefik", hosts=()),
    "learn": lambda a: sticky(a, LEARN),
    "learn-range": lambda a: _scaled(sticky(a, LEARN), 6),
    "envelope": lambda a: replace(sticky(a, ENVELOPE), proxy_replicas=3),
    "envelope-range": lambda a: _scaled(sticky(a, ENVELOPE), 6),
    "envelope-1.22": lambda a: sticky(a, ENVELOPE_122),
    "cookie": lambda a: sticky(a, COOKIE),
    "ip-hash": lambda a: sticky(a, IP_HASH),
    "ip-hash-range": lambda a: _scaled(sticky(a, IP_HASH), 6),
    "version-unknown": lambda a: sticky(a, UNKNOWN),
    "haproxy": lambda a: sticky(a, TABLE),
    "haproxy-envelope": lambda a: replace(_scaled(sticky(a, ENVELOPE_HAPROXY), 6), proxy_replicas=2),
    "caddy": lambda a: replace(_scaled(sticky(a, CADDY), 6), proxy_replicas=2),
    "envoy": lambda a: replace(sticky(a, ENVOY), proxy_replicas=2),
    "envoy-range": lambda a: _scaled(sticky(a, ENVOY), 6),
    "client-ip": lambda a: _one(_direct(sticky(a, LEARN)), mechanism="kubernetes-client-ip"),
    "client-ip-range": lambda a: _one(_direct(sticky(a, LEARN)), mechanism="kubernetes-client-ip", max_instances=9),
    "platform-cookie": lambda a: replace(
        _one(_direct(sticky(a, LEARN)), mechanism="platform-cookie"), outer_proxy="traefik"
    ),
    "single": lambda a: _one(
        _direct(sticky(a, LEARN)), pattern="single-instance", mechanism="none", instances=1, max_instances=1
    ),
    "tiers": lambda a: tiered(a, LEARN),
    "tiers-caddy": lambda a: tiered(a, CADDY),
    "tiers-envoy": lambda a: tiered(a, ENVOY),
    "tiers-single": lambda a: decided(a, "customer-service-agent.yaml"),
    "shared-state": lambda a: decided(a, "exercise-2-team-document.yaml"),
    "shared-state-range": lambda a: _scaled(decided(a, "exercise-2-team-document.yaml"), 8),
    "direct-llm": lambda a: decided(a, "payment-provider.yaml"),
    "everything-secret": lambda a: replace(
        sticky(a, TABLE), needs_sealing_keys=True, uses_redis=True, direct_llm=True, auth="bearer"
    ),
    **{
        f"{name}-{case}": _called(service, make)
        for name, service in {
            "long": LONG,
            "digit": "1password",
            "number": "123",
            "null": "null",
            "nginx": "nginx",
        }.items()
        for case, make in {
            "stateless": lambda a: _direct(stateless(a, LEARN)),
            "learn": lambda a: sticky(a, LEARN),
            "haproxies": lambda a: replace(sticky(a, ENVELOPE_HAPROXY), proxy_replicas=2),
            "envoy": lambda a: sticky(a, ENVOY),
            "tiers": lambda a: replace(tiered(a, LEARN), outer_proxy="gateway-api"),
            "shared-state": lambda a: decided(a, "exercise-2-team-document.yaml"),
        }.items()
    },
}


def written(kit: KitContext, folder: Path) -> Path:
    """Write every file that kustomize reads; returns the folder of the kit."""
    kit = replace(kit, platform="kubernetes")
    for file in [*proxy.files(kit), *kubernetes.files(kit)]:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    return folder


def built(folder: Path) -> list[Manifest]:
    """The manifests that `kustomize build` prints."""
    kubectl = shutil.which("kubectl")
    assert kubectl, "kubectl 1.25 or newer is missing: apt-get install kubectl, from the packages of Kubernetes"
    made = subprocess.run(
        [kubectl, "kustomize", str(folder / "kubernetes")], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return list(yaml.load_all(made.stdout, LOADER))


def raw(folder: Path) -> list[Manifest]:
    """The manifests in the files, and the ConfigMap that kustomize would generate."""
    root = folder / "kubernetes"
    objects = [
        manifest
        for name in yaml.safe_load((root / "kustomization.yaml").read_text())["resources"]
        if name != "../proxy"
        for manifest in yaml.load_all((root / name).read_text(), LOADER)
    ]
    generator = folder / "proxy" / "kustomization.yaml"
    if generator.exists():
        (made,) = yaml.safe_load(generator.read_text())["configMapGenerator"]
        objects.append({"kind": "ConfigMap", "metadata": {"name": made["name"]}})
    return objects


def build(kit: KitContext, objects: list[Manifest]) -> Build:
    fitted = kubernetes.fit(kit)
    return Build(objects, {tier.host: tier.shutdown_s for tier in fitted.tiers})
