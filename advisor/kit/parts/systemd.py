"""systemd units: a template unit for each tier with one instance per port, the proxy, and a target for all of it."""

from __future__ import annotations

from advisor.kit.model import KitContext, KitFile
from advisor.kit.templating import render
from advisor.kit.upstreams import PROXY_PORT, production_wiring

# proxy → the command in its folder, how it reloads, the signal of a graceful stop, the file with its addresses.
_PROXIES = {
    "nginx": ("/usr/sbin/nginx -c {folder}/nginx.conf -g 'daemon off;'", "HUP", "SIGQUIT", "upstreams.conf"),
    "haproxy": (
        "/usr/sbin/haproxy -W -db -f {folder}/upstreams.cfg -f {folder}/haproxy.cfg",
        "USR2",
        "SIGUSR1",
        "upstreams.cfg",
    ),
    "envoy": ("/usr/bin/envoy -c {folder}/envoy.yaml", "", "SIGTERM", "envoy.yaml"),
}


def files(kit: KitContext) -> list[KitFile]:
    """Everything under systemd/."""
    ports = _ports(kit)
    instances = [f"{tier.host}@{port}.service" for tier in kit.tiers for port in ports[tier.name]]
    proxy = f"{kit.service}-proxy.service"
    secrets = kit.needs_sealing_keys or kit.direct_llm
    made = {
        f"{tier.host}@.service": render(
            "systemd/server.service.j2", kit=kit, tier=tier, ports=ports[tier.name], secrets=secrets
        )
        for tier in kit.tiers
    }
    if kit.proxy:
        made[proxy] = _proxy(kit, instances)
    units = [*instances, *([proxy] if kit.proxy else [])]
    made[f"{kit.service}.target"] = render("systemd/target.j2", kit=kit, units=units)
    made["README.md"] = _readme(kit, ports)
    return [KitFile(f"systemd/{name}", text) for name, text in made.items()]


def _proxy(kit: KitContext, instances: list[str]) -> str:
    command, reload, signal, _ = _PROXIES[kit.proxy]
    return render(
        "systemd/proxy.service.j2",
        kit=kit,
        instances=instances,
        command=command.format(folder=f"/opt/{kit.service}/proxy"),
        reload=f"/bin/kill -{reload} $MAINPID" if reload else "",
        signal=signal,
        stop_s=max(tier.shutdown_s for tier in kit.tiers) + 5,
    )


def _readme(kit: KitContext, ports: dict[str, list[str]]) -> str:
    sticky = next((tier.mechanism for tier in kit.tiers if tier.mechanism != "none"), "")
    return render(
        "systemd/README.md.j2",
        kit=kit,
        tiers=[(tier, ports[tier.name]) for tier in kit.tiers],
        addresses=[f"127.0.0.1:{port}" for tier in kit.tiers for port in ports[tier.name]],
        sticky=sticky,
        wiring=_PROXIES[kit.proxy][3] if kit.proxy else "",
        proxy_port=PROXY_PORT,
    )


def _ports(kit: KitContext) -> dict[str, list[str]]:
    """The ports of each tier's instances, as the proxy knows them."""
    addresses = production_wiring(kit).addresses
    return {tier.name: [one.rpartition(":")[2] for one in addresses[tier.name]] for tier in kit.tiers}
