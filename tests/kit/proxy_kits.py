"""The kits for proxy tests: a decided kit in which the proxy and the mechanism are replaced."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.requirements import load_path

EXAMPLES = Path(__file__).parents[2] / "examples"
HOST = "mcp.example.com"


@dataclass(frozen=True)
class Setup:
    """A proxy, a mechanism for session affinity, and the release of nginx."""

    proxy: str
    mechanism: str
    version: str = ""
    debian: bool = False

    def __str__(self) -> str:
        return f"{self.mechanism}-{'1.22' if self.debian else self.version or 'any'}"


LEARN = Setup("nginx", "nginx-sticky-learn", "1.31.3")
ENVELOPE = Setup("nginx", "nginx-session-envelope", "1.31.3")
ENVELOPE_122 = Setup("nginx", "nginx-session-envelope", "1.22.1", debian=True)
COOKIE = Setup("nginx", "nginx-sticky-cookie", "1.31.3")
UNKNOWN = Setup("nginx", "nginx-sticky-cookie", "", debian=True)  # clients might not keep cookies: session-ID rewriting
IP_HASH = Setup("nginx", "nginx-ip-hash", "1.22.1", debian=True)
TABLE = Setup("haproxy", "haproxy-stick-table")
ENVELOPE_HAPROXY = Setup("haproxy", "haproxy-session-envelope")
CADDY = Setup("caddy", "caddy-session-envelope")
TRAEFIK = Setup("traefik", "traefik-sticky-cookie")
HRW = Setup("traefik", "traefik-hrw")
ENVOY = Setup("envoy", "envoy-session-envelope")

STICKY = (LEARN, ENVELOPE, ENVELOPE_122, COOKIE, UNKNOWN, TABLE, ENVELOPE_HAPROXY, CADDY, TRAEFIK, ENVOY)
PROXIES = (LEARN, ENVELOPE_122, TABLE, ENVELOPE_HAPROXY, CADDY, TRAEFIK, ENVOY)


@cache
def decided(advisor: Advisor, example: str) -> KitContext:
    """Return the kit of an example. Hundreds of tests change copies of the same few kits."""
    return kit_context(advisor.decide(load_path(EXAMPLES / example, advisor.space)))


def _with(kit: KitContext, setup: Setup) -> KitContext:
    # On Kubernetes, Traefik is in front of a kit. The nginx of a distribution runs only without containers.
    platform = "compose" if setup.proxy == "traefik" and kit.platform == "kubernetes" else kit.platform
    platform = "systemd" if setup.debian else platform
    changed = replace(kit, proxy=setup.proxy, proxy_version=setup.version, platform=platform)
    return replace(changed, hosts=(HOST,), idle_timeout_s=60)


def sticky(advisor: Advisor, setup: Setup, instances: int = 3) -> KitContext:
    """A fleet with sessions."""
    kit = _with(decided(advisor, "customer-service-agent-sticky.yaml"), setup)
    tier = replace(kit.tiers[0], mechanism=setup.mechanism, instances=instances, max_instances=instances)
    return replace(kit, tiers=(tier,))


def stateless(advisor: Advisor, setup: Setup) -> KitContext:
    """A fleet without sessions."""
    return _with(decided(advisor, "customer-service-agent-modern.yaml"), setup)


def tiered(advisor: Advisor, setup: Setup) -> KitContext:
    """Two tiers; the one with sessions has two instances."""
    kit = _with(decided(advisor, "customer-service-agent.yaml"), setup)
    plain, stateful = kit.tiers
    stateful = replace(stateful, pattern="sticky-fleet", mechanism=setup.mechanism, instances=2, max_instances=2)
    return replace(kit, tiers=(replace(plain, instances=1, max_instances=1), stateful))
