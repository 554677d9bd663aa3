"""Start the servers as the manifests and compose.yaml start them, and send them the requests of the health checks."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from advisor.errors import LabError
from advisor.kit.model import TierContext
from advisor.kit.parts import kubernetes
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.proxies import together
from advisor.lab.process import ports
from advisor.lab.process.run import Launch
from advisor.lab.process.steps import Steps
from advisor.lab.verify.compose_file import FILE, URL, check_compose, services
from advisor.lab.verify.image import OWN, check_image, command_here, read_image, settings_here
from advisor.lab.verify.manifest_files import at, entries, read_manifests, trial
from advisor.lab.verify.manifests import PROBES, check_manifests, environment, workload_of
from advisor.lab.verify.result import Trial

_SETTLED = {"MCP_HOST": "127.0.0.1", "MCP_AUTH": "off", "POD_IP": "127.0.0.1"}
"""The settings that differ on this machine."""
_SECRETS = ("MCP_SEALING_KEYS", "MCP_FLEET_KEYS", "MCP_REDIS_URL", "MCP_INSTANCE_URL")
_DRAINS = "HTTP 503 while the server drains"
_ANSWERS = "a path that answers HTTP 200"


@dataclass(frozen=True, slots=True)
class Container:
    """A server container of a file.

    Attributes:
        place: the file and the object.
        tier: its tier.
        settings: its environment variables. Other values than text come from a secret.
        paths: the path of each health check, by key.
        drained: the keys of the checks that must fail while the server drains.
        entrypoint: the words that replace ENTRYPOINT of the image; empty for none.
        arguments: the words that replace CMD of the image; empty for none.
    """

    place: str
    tier: TierContext
    settings: Mapping[str, Any]
    paths: Mapping[str, str]
    drained: tuple[str, ...]
    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


async def check_deployment(fleet: Fleet, steps: Steps) -> list[Trial]:
    """Check the files that deploy the kit, and run the servers with the settings of these files.

    Args:
        fleet: a running fleet.
        steps: shows the progress.

    Returns:
        The checks of the image, the manifests and compose.yaml.
    """
    plan = fleet.plan
    if plan.kit.plain:
        return []
    with steps.step("files of the deployment"):
        found = await check_image(fleet)
        found += [*check_manifests(plan.kit_dir, plan.kit), *check_compose(plan.kit_dir, plan.kit)]
        containers = [*_pods(plan.kit_dir, fleet), *_services(plan.kit_dir, fleet)]
        for some in await together(_tried(fleet, container, number) for number, container in enumerate(containers)):
            found += some
        found += await _of_proxy(fleet)
    return found


def _pods(kit_dir: Path, fleet: Fleet) -> Iterator[Container]:
    if fleet.plan.kit.platform != "kubernetes":
        return
    manifests = read_manifests(kit_dir)
    for tier in kubernetes.fit(fleet.plan.kit).tiers:
        workload = workload_of(manifests, tier.host)
        if workload is None:
            continue
        asked = {f"{probe}.httpGet.path": at(workload.container, f"{probe}.httpGet.path") for probe in PROBES}
        paths = {key: path for key, path in asked.items() if isinstance(path, str)}
        replaced = [_words(at(workload.container, key)) for key in ("command", "args")]
        drained = ("readinessProbe.httpGet.path",)
        yield Container(workload.title, tier, environment(workload), paths, drained, *replaced)


def _services(kit_dir: Path, fleet: Fleet) -> Iterator[Container]:
    """The first server of each tier in compose.yaml."""
    known = services(kit_dir)
    for tier in fleet.plan.kit.tiers:
        for name, service in known.items():
            settings = at(service, "environment")
            if at(service, "build") is None or not isinstance(settings, dict) or settings.get("MCP_TIER") != tier.name:
                continue
            asked = URL.search(" ".join(map(str, entries(service, "healthcheck.test"))))
            paths = {"healthcheck.test": asked[2]} if asked else {}
            replaced = [_words(at(service, key)) for key in ("entrypoint", "command")]
            yield Container(f"{FILE}: {name}", tier, settings, paths, ("healthcheck.test",), *replaced)
            break


def _words(value: Any) -> tuple[str, ...]:
    """A command of a file: a list of words, or text that is split as a shell splits it."""
    try:
        return tuple(map(str, value)) if isinstance(value, list) else tuple(shlex.split(value or ""))
    except (ValueError, AttributeError, TypeError):
        return ()


async def _tried(fleet: Fleet, container: Container, number: int) -> list[Trial]:
    """Start a container, and ask the paths of its health checks before and during its drain."""
    drain = fleet.run.folder / f"drain-{number}"
    place = f"{container.place}, settings"
    try:
        build = partial(_launch, fleet, container, drain)
        process, port = await fleet.run.start_on_port(f"container-{number}", build)
    except LabError as error:
        why = (error.lines or [str(error)])[-1]
        return [trial("start of the servers", place, "the server starts", why, agrees=False)]
    found = [trial("start of the servers", place, "the server starts", "the server starts")]
    try:
        for key, path in container.paths.items():
            found.append(await _asked(container, key, path, port, 200))
        drain.touch()
        for key, path in container.paths.items():
            found.append(await _asked(container, key, path, port, 503 if key in container.drained else 200))
    finally:
        process.kill()
    return found


async def _asked(container: Container, key: str, path: str, port: int, wanted: int) -> Trial:
    status = await ports.status(f"http://127.0.0.1:{port}{path}")
    expected, good = (_ANSWERS, f"{path}: HTTP 200") if wanted == 200 else (_DRAINS, f"{path}: HTTP 503")
    seen = f"{path}: HTTP {status}" if status else f"{path}: no answer"
    return trial("paths of the health checks", f"{container.place}, {key}", expected, seen, agrees=seen == good)


def _launch(fleet: Fleet, container: Container, drain: Path, port: int) -> Launch:
    own = fleet.launch(container.tier, port, {})
    image = read_image(fleet.plan.kit_dir)
    env = dict(image.settings)
    for name, value in container.settings.items():
        text = value if isinstance(value, str) else ""
        if name in _SECRETS or not isinstance(value, str) or "${" in text:
            text = own.env.get(name, text if "${" not in text else "")
        if text:
            env[name] = text
    metrics = str(ports.free_port())
    env |= {**_SETTLED, "MCP_PORT": str(port), "MCP_METRICS_PORT": metrics, "MCP_DRAIN_FILE": str(drain)}
    words = image.words(container.entrypoint, container.arguments) or OWN
    stated = str(container.settings.get("MCP_PORT") or image.settings.get("MCP_PORT"))
    command = command_here(words, image, fleet, port, stated)
    return Launch(command, settings_here(fleet, env), fleet.plan.kit_dir / "server")


async def _of_proxy(fleet: Fleet) -> list[Trial]:
    """The paths of the health checks of the proxy's pod answer 200 at the running proxy."""
    kit = kubernetes.fit(fleet.plan.kit)
    if kit.platform != "kubernetes" or not (fleet.plan.front.own and fleet.front.doors):
        return []
    workload = workload_of(read_manifests(fleet.plan.kit_dir), f"{kit.service}-proxy")
    if workload is None:
        return []
    found = []
    for probe in PROBES:
        path = at(workload.container, f"{probe}.httpGet.path")
        if isinstance(path, str):
            seen = f"{path}: HTTP {await ports.status(f'http://127.0.0.1:{fleet.front.doors[0]}{path}')}"
            same = seen == f"{path}: HTTP 200"
            found.append(workload.trial("paths of the health checks", f"{probe}.httpGet.path", _ANSWERS, seen, same))
    return found
