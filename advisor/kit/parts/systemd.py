"""Renders the systemd units: a template unit for each tier (one instance per port), the proxy, and a target."""

from __future__ import annotations

import shlex

from advisor.kit.endpoints import endpoints
from advisor.kit.model import KitContext, KitFile
from advisor.kit.templating import render
from advisor.kit.upstreams import PROXY_PORT, configuration_folder, production_addresses
from advisor.knowledge.kits import SERVERS


def files(kit: KitContext) -> list[KitFile]:
    """Render the files in systemd/."""
    ports = _ports(kit)
    instances = [f"{tier.host}@{port}.service" for tier in kit.tiers for port in ports[tier.name]]
    proxy = f"{kit.service}-proxy.service"
    made = {
        f"{tier.host}@.service": render("systemd/server.service.j2", kit=kit, tier=tier, ports=ports[tier.name])
        for tier in kit.tiers
    }
    if kit.proxy:
        made[proxy] = _proxy(kit, instances)
    units = [*instances, *([proxy] if kit.proxy else [])]
    made[f"{kit.service}.target"] = render("systemd/target.j2", kit=kit, units=units, several=len(instances) > 1)
    made["README.md"] = _readme(kit, ports)
    return [KitFile(f"systemd/{name}", text) for name, text in made.items()]


def _proxy(kit: KitContext, instances: list[str]) -> str:
    carried = kit.carried
    command = carried.command(carried.program, configuration_folder(kit))
    return render(
        "systemd/proxy.service.j2",
        kit=kit,
        instances=instances,
        command=shlex.join(command),
        reload=f"/bin/kill -{carried.reload.removeprefix('SIG')} $MAINPID" if carried.reload else "",
        signal=carried.stop,
        stop_s=max(tier.shutdown_s for tier in kit.tiers) + 5,
    )


def _readme(kit: KitContext, ports: dict[str, list[str]]) -> str:
    # Instances that share their sessions pass requests on to the owner, so their proxy needs no session affinity.
    sticky = next((mechanism.id for mechanism in kit.mechanisms if mechanism.done_by != SERVERS), "")
    return render(
        "systemd/README.md.j2",
        kit=kit,
        tiers=[(tier, ports[tier.name]) for tier in kit.tiers],
        addresses=[f"127.0.0.1:{port}" for tier in kit.tiers for port in ports[tier.name]],
        sticky=sticky,
        address_file=kit.carried.files[0] if kit.proxy else "",
        proxy_port=PROXY_PORT,
        endpoints=endpoints(kit, PROXY_PORT),
    )


def _ports(kit: KitContext) -> dict[str, list[str]]:
    """Return tier name → ports of its instances, equal to the ports in the configuration of the proxy."""
    addresses = production_addresses(kit).servers
    return {tier.name: [address.rpartition(":")[2] for address in addresses[tier.name]] for tier in kit.tiers}
