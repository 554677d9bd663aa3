"""The path of requests from the hop in front of a Kubernetes kit to a Service of the kit."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

from advisor.kit.model import KitContext
from advisor.kit.parts import proxy as proxy_part
from advisor.knowledge.kits import BALANCER, SERVICE, FrontNetwork, FrontSetting, KitFront

EXAMPLE_ROUTE = "httproute.example.yaml"
_LONGEST_DRAIN_S = 3600
"""The longest time for running calls that AWS and Google allow."""


class KitRoute(NamedTuple):
    """What a hop in front of the kit sends to which Service.

    Attributes:
        hostnames: the host names; empty for all.
        paths: (type, path) pairs of the matched requests, in the words of the Gateway API.
        backend: the Service that gets the requests.
        port: the port of the Service.
    """

    hostnames: tuple[str, ...]
    paths: tuple[tuple[str, str], ...]
    backend: str
    port: int


def route(kit: KitContext, backend: str, port: int, *, proxied: bool) -> KitRoute:
    """Return the route to a Service of the kit; `proxied` says whether it is the Service of the proxy."""
    paths = [("PathPrefix", "/")]  # the proxy refuses requests for private paths
    if not proxied:
        paths = [("Exact", path) for path in (kit.tiers[0].path, *kit.aliases(kit.tiers[0]))]
        for public in proxy_part.plan_for(kit).public:
            well_known = public.startswith("[.]well-known/")
            paths.append(("PathPrefix", "/.well-known") if well_known else ("Exact", f"/{public}"))
    names = dict.fromkeys(urlsplit(f"//{host}").hostname or "" for host in kit.hosts)
    hostnames = tuple(name for name in names if not _is_address(name))
    return KitRoute(hostnames=hostnames, paths=tuple(paths), backend=backend, port=port)


def _is_address(host: str) -> bool:
    """Whether `host` is an IP address, which a route cannot match."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class FrontObject(NamedTuple):
    """The object of the load balancer or ingress controller in front of a kit. Its values have no placeholders.

    Attributes:
        entry: its entry in rules/kit_fronts.yaml.
        file: the file with the object, in `kubernetes/`.
        annotations: the annotations of the object.
        service: the name of a separate Service with annotations for this hop, or "".
        service_annotations: the annotations of this Service.
        affinity: the value for session affinity in the object of `entry.config`, or "".
        steps: what the user does in addition.
        documentation: the URL of the list of annotations.
        health: the path of the health check.
        drain_s: seconds in which running calls can complete after the hop takes a pod out of rotation.
    """

    entry: KitFront
    file: str
    annotations: tuple[FrontSetting, ...]
    service: str
    service_annotations: tuple[FrontSetting, ...]
    affinity: str
    steps: tuple[str, ...]
    documentation: str
    health: str
    drain_s: int

    @property
    def networks(self) -> list[FrontNetwork]:
        """The networks from which the hop connects; empty if it runs in pods."""
        return self.entry.networks


def _trusting(kit: KitContext) -> str:
    """Return where the addresses of the hop stand, so that its forwarded headers count; "" if it sends none."""
    if not kit.front_hops:
        return ""
    return f"`{kit.trusting_file}`" if kit.proxy else "`FORWARDED_ALLOW_IPS` in the manifests of the servers"


def has_route(kit: KitContext) -> bool:
    """Whether an HTTPRoute can send requests to the Service of the kit without breaking the session affinity."""
    return not any(mechanism.done_by in (SERVICE, BALANCER) for mechanism in kit.mechanisms)


def front_for(kit: KitContext, route: KitRoute, *, proxied: bool) -> FrontObject | None:
    """Return the object for the hop in front of the kit; None if the kit has an HTTPRoute or no object for this hop.

    Args:
        kit: the kit, with the names of its objects.
        route: the route to the Service of the kit.
        proxied: whether this Service belongs to the proxy of the kit.
    """
    entry = kit.front
    kept = [mechanism.keyed_on for mechanism in kit.mechanisms if mechanism.done_by == BALANCER]
    if entry is None or any(mechanism.done_by == SERVICE for mechanism in kit.mechanisms):
        return None
    if any(keyed_on not in entry.affinity for keyed_on in kept):
        return None
    keyed_on = kept[0] if kept else None
    own = entry.service_settings(keyed_on)
    separate = f"{kit.service}-front" if own or entry.object == "Service" else ""
    health = "/healthz" if proxied else "/ready"
    drain_s = min(_LONGEST_DRAIN_S, max(tier.preferred_stop_s for tier in kit.tiers))
    file = "ingress.yaml" if entry.object == "Ingress" else "load-balancer.yaml"
    values = {
        "backend": separate or route.backend,
        "service": kit.service,
        "namespace": kit.namespace,
        "file": f"kubernetes/{file}",
        "health": health,
        "idle_s": kit.front_idle_s,
        "drain_s": drain_s,
        "trusting": _trusting(kit),
    }
    certified = entry.tls == "stated" or (entry.tls == "discovered" and not route.hostnames)
    settings = entry.settings(keyed_on, certified=certified)
    return FrontObject(
        entry=entry,
        file=file,
        annotations=tuple(setting.filled(values) for setting in settings),
        service=separate,
        service_annotations=tuple(setting.filled(values) for setting in own),
        affinity=entry.config_affinity.get(keyed_on, "") if keyed_on else "",
        steps=tuple(step.format(**values) for step in entry.steps if values["trusting"] or "{trusting}" not in step),
        documentation=kit.reference(entry.sources[0]),
        health=health,
        drain_s=drain_s,
    )
