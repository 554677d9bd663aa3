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


def looks(kit: KitContext) -> dict[str, str]:
    """Return the commands of diagnoses by their names in rules/diagnoses.yaml; "" if the platform has no such command.

    `ready` shows which instances are ready, `ended` how processes ended, and `previous` their last messages. `events`
    shows what the platform did, `nodes` the machines, and `status` a rollout. `grace` shows the grace period.
    """
    found: dict[str, str]
    match kit.platform:
        case "kubernetes":
            found = _looks_of_kubernetes(kit)
        case "systemd":
            found = _looks_of_systemd(kit)
        case "serverless":
            found = {}
        case _:
            found = _looks_of_compose(kit)
    names = ("logs", "proxy_logs", "ready", "ended", "proxy_ended", "previous", "events", "nodes", "memory", "status")
    words = {"ready_words": kit.phrase(f"runbook.ready.{kit.platform}")}
    return {**dict.fromkeys((*names, "grace", "redis"), ""), **words, **found}


def _looks_of_kubernetes(kit: KitContext) -> dict[str, str]:
    deployed = kubernetes.first_deployment(kit)
    namespaced = f"kubectl -n {deployed.namespace}"
    pods = f"-l app.kubernetes.io/name={deployed.service}"
    servers = f"{pods},app.kubernetes.io/component!=proxy"
    proxies = f"{pods},app.kubernetes.io/component=proxy" if deployed.rollouts[len(kit.tiers) :] else ""
    reasons = (
        "-o custom-columns='POD:.metadata.name,RESTARTS:.status.containerStatuses[*].restartCount,"
        "ENDED:.status.containerStatuses[*].lastState.terminated.reason,"
        "EXIT:.status.containerStatuses[*].lastState.terminated.exitCode'"
    )
    return {
        "logs": f"{namespaced} logs {servers} --prefix --since=30m --tail=-1",
        "proxy_logs": f"{namespaced} logs {proxies} --prefix --since=30m --tail=-1" if proxies else "",
        "ready": f"{namespaced} get pods {servers} -o wide",
        "ended": f"{namespaced} get pods {servers} {reasons}",
        "proxy_ended": f"{namespaced} get pods {proxies} {reasons}" if proxies else "",
        "previous": f"{namespaced} logs {servers} --prefix --previous --ignore-errors --tail=50",
        "events": f"{namespaced} get events --sort-by=.lastTimestamp | tail -n 30",
        "nodes": f"kubectl get nodes; {namespaced} get pods {servers} -o wide",
        "memory": f"{namespaced} top pods {servers}",
        "status": "; ".join(f"{namespaced} rollout status {name} --timeout=10s" for name in deployed.rollouts),
        "grace": f"{namespaced} get pods {servers} "
        "-o custom-columns='POD:.metadata.name,GRACE:.spec.terminationGracePeriodSeconds'",
    }


def _looks_of_systemd(kit: KitContext) -> dict[str, str]:
    servers = production_addresses(kit).servers
    ports = " ".join(address.rpartition(":")[2] for tier in kit.tiers for address in servers[tier.name])
    units, unit = f"'{kit.service}@*'", f"{kit.service}-proxy"
    shown = "--property=Id,ActiveState,Result,ExecMainStatus,NRestarts"
    return {
        "logs": f"journalctl -u {units} --since '-30min' --no-pager",
        "proxy_logs": f"journalctl -u {unit} --since '-30min' --no-pager" if kit.proxy else "",
        "ready": f'for port in {ports}; do curl -sS -o /dev/null --max-time 5 -w "$port %{{http_code}}\\n" '
        "http://127.0.0.1:$port/ready; done",
        "ended": f"systemctl show {units} {shown}",
        "proxy_ended": f"systemctl show {unit} {shown}" if kit.proxy else "",
        "previous": f"journalctl -u {units} -n 50 --no-pager",
        "events": f"journalctl -t systemd --since '-30min' --no-pager | grep -F '{kit.service}'",
        "memory": f"systemctl show {units} --property=Id,MemoryCurrent,MemoryMax",
        "status": f"systemctl list-units --all {units}",
        "grace": f"systemctl show {units} --property=Id,TimeoutStopUSec",
        "redis": "redis-cli" if kit.uses_redis else "",
    }


def _looks_of_compose(kit: KitContext) -> dict[str, str]:
    servers = " ".join(compose.server_names(kit))
    proxies = " ".join(compose.proxy_names(kit)) if kit.proxy else ""
    ended = (
        "docker inspect --format '{{.Name}} exit={{.State.ExitCode}} oom={{.State.OOMKilled}} "
        "restarts={{.RestartCount}}' $(docker compose ps --all --quiet %s)"
    )
    return {
        "logs": f"docker compose logs --since 30m {servers}",
        "proxy_logs": f"docker compose logs --since 30m {proxies}" if proxies else "",
        "ready": f"docker compose ps --all {servers}",
        "ended": ended % servers,
        "proxy_ended": ended % proxies if proxies else "",
        "previous": f"docker compose logs --tail 50 {servers}",
        "events": 'docker events --since 30m --until "$(date +%s)" --filter type=container',
        "memory": f"docker stats --no-stream $(docker compose ps --quiet {servers})",
        "status": f"docker compose ps --all {servers}",
        "grace": "docker compose config | grep -E '^  [a-z]|stop_grace_period'",
        "redis": "docker compose exec -T redis redis-cli --tls --cacert /tls/redis.crt" if kit.uses_redis else "",
    }
