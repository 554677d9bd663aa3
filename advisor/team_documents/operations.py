"""The commands that a runbook names, for the platform of a kit."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from typing import NamedTuple

from advisor.kit.model import KitContext
from advisor.kit.parts import compose, kubernetes
from advisor.kit.upstreams import production_addresses


class Operations(NamedTuple):
    """Commands for a shell in the folder of the kit. A list is empty if the platform has no such command.

    Attributes:
        state: show which instances run.
        logs: show the messages of the last 30 minutes.
        restart: restart a single instance. On Kubernetes, POD stands for the name of its pod.
        restart_proxy: restart the proxy.
        rollout: start a new version and wait until it is ready.
        undo: return to the version before it.
    """

    state: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    restart_proxy: tuple[str, ...] = ()
    rollout: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()


def operations(kit: KitContext) -> Operations:
    """Return the commands for the platform of a kit."""
    match kit.platform:
        case "kubernetes":
            return _kubernetes(kit)
        case "systemd":
            return _systemd(kit)
        case "serverless":
            return Operations()
        case _:
            return _compose(kit)


def _kubernetes(kit: KitContext) -> Operations:
    deployed = kubernetes.first_deployment(kit)
    namespaced = f"kubectl -n {deployed.namespace}"
    proxies = deployed.rollouts[len(kit.tiers) :]
    servers = deployed.rollouts[: len(kit.tiers)]
    status = [f"{namespaced} rollout status {name} --timeout=10m" for name in deployed.rollouts]
    return Operations(
        state=(f"{namespaced} get pods -o wide", f"{namespaced} get events --sort-by=.lastTimestamp"),
        logs=(f"{namespaced} logs -l app.kubernetes.io/name={deployed.service} --prefix --since=30m --tail=-1",),
        restart=(f"{namespaced} delete pod POD",),
        restart_proxy=tuple(f"{namespaced} rollout restart {name}" for name in proxies),
        rollout=("kubectl apply -k kubernetes", *status),
        undo=tuple(f"{namespaced} rollout undo {name}" for name in servers),
    )


def _systemd(kit: KitContext) -> Operations:
    servers = production_addresses(kit).servers
    ports = [address.rpartition(":")[2] for tier in kit.tiers for address in servers[tier.name]]
    restart = tuple(f"sudo systemctl restart {kit.service}@{port}" for port in ports)
    return Operations(
        state=(f"systemctl list-units --all '{kit.service}*'",),
        logs=(f"journalctl -u '{kit.service}*' --since '-30min' --no-pager",),
        restart=restart[:1],
        restart_proxy=(f"sudo systemctl restart {kit.service}-proxy",) if kit.proxy else (),
        rollout=restart,
    )


def _compose(kit: KitContext) -> Operations:
    first = compose.server_names(kit)[0]
    proxies = compose.proxy_names(kit) if kit.proxy else []
    return Operations(
        state=("docker compose ps --all",),
        logs=("docker compose logs --since 30m",),
        restart=(f"docker compose restart {first}",),
        restart_proxy=tuple(f"docker compose restart {name}" for name in proxies),
        rollout=("docker compose up --build --wait",),
    )
