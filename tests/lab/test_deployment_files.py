"""`verify` reports damage to the files that deploy a kit: manifests, compose.yaml and Dockerfile."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from causes import BUSY_FLEET

from advisor.decision.advisor import Advisor
from advisor.kit.context import InfeasibleError
from advisor.kit.render import render_kit
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.front import lay_out
from advisor.lab.fleet.plan import FleetPlan
from advisor.lab.process.run import Run
from advisor.lab.process.steps import Steps
from advisor.lab.verify.compose_file import check_compose
from advisor.lab.verify.containers import check_deployment
from advisor.lab.verify.image import OWN, check_image, read_image
from advisor.lab.verify.manifests import check_manifests
from advisor.lab.verify.preparation import Preparation, prepare
from advisor.lab.verify.result import Trial
from advisor.requirements import Requirements, load_path

EXAMPLES = Path(__file__).parents[2] / "examples"
FACTS: dict[str, Any] = {
    "service": "demo",
    "sdk": "mcp-2",
    "clients.protocol": "mixed",
    "scale.instances": {"min": 2, "max": 4},
    "scale.affinity": "available",
    "environment.platform": "kubernetes",
    "environment.proxy.kind": "haproxy",
    "needs.sampling": "required",
    "operations.can_operate_affinity": True,
}

Kit = tuple[Preparation, Path]


@pytest.fixture(scope="module")
def generated(
    advisor: Advisor, requirements: Callable[..., Requirements], tmp_path_factory: pytest.TempPathFactory
) -> Kit:
    """A kit for Kubernetes whose proxy gives each session to its owner."""
    prepared = prepare(requirements(FACTS), advisor)
    folder = tmp_path_factory.mktemp("generated")
    lay_out(render_kit(prepared.decision, ""), folder)
    return prepared, folder


@pytest.fixture
def kit(generated: Kit, tmp_path: Path) -> Kit:
    """A copy of the kit, for damage."""
    return generated[0], Path(shutil.copytree(generated[1], tmp_path / "kit"))


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    changed = re.sub(old, new, text, count=1, flags=re.MULTILINE)
    assert changed != text, (name, old)
    (folder / name).write_text(changed)


def checked(kit: Kit) -> list[Trial]:
    prepared, folder = kit
    return [*check_manifests(folder, prepared.kit), *check_compose(folder, prepared.kit)]


def wrong(trials: list[Trial]) -> list[Trial]:
    return [trial for trial in trials if not trial.agrees]


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_files_of_each_example_pass(advisor: Advisor, tmp_path: Path, example: Path) -> None:
    try:
        prepared = prepare(load_path(example, advisor.space), advisor)
    except InfeasibleError:
        return
    lay_out(render_kit(prepared.decision, ""), tmp_path)
    found = checked((prepared, tmp_path))
    assert wrong(found) == []
    names = {trial.name for trial in found}
    assert ("probes of the pods" in names) == (prepared.kit.platform == "kubernetes")
    assert ("ports of compose.yaml" in names) == (prepared.kit.platform != "local")


SERVER, PROXY = "kubernetes/server.yaml", "kubernetes/proxy.yaml"
DAMAGES = {
    "liveness without a request": (
        SERVER,
        r"livenessProbe:\n +httpGet: .*",
        "livenessProbe:\n            tcpSocket: {port: http}",
        "livenessProbe",
        "tcpSocket",
    ),
    "liveness is impatient": (
        SERVER,
        r"(livenessProbe:(\n.*){3}\n +failureThreshold:) \d+",
        r"\1 1",
        "livenessProbe, periodSeconds x failureThreshold",
        "10 s",
    ),
    "readiness removed": (SERVER, r" +readinessProbe:(\n  .*){4}\n", "", "readinessProbe", "(none)"),
    "port of a probe": (
        SERVER,
        r"path: /ready, port: http",
        "path: /ready, port: metrics",
        "readinessProbe.httpGet.port",
        "metrics",
    ),
    "port of the container": (
        SERVER,
        r"name: http, containerPort: \d+",
        "name: http, containerPort: 9000",
        "containerPort of http",
        "9000",
    ),
    "port of the server": (
        SERVER,
        r'name: MCP_PORT, value: "\d+"',
        'name: MCP_PORT, value: "9000"',
        "containerPort of http",
        "8000",
    ),
    "target port": (SERVER, r"targetPort: http", "targetPort: metrics", "targetPort", "metrics"),
    "selector of the Service": (
        SERVER,
        r"selector: {app.kubernetes.io/name: .*",
        "selector: {app: demo}",
        "selector",
        '{"app": "demo"}',
    ),
    "address": (SERVER, r"MCP_HOST, value: 0.0.0.0", "MCP_HOST, value: 127.0.0.1", "env MCP_HOST", "127.0.0.1"),
    "flag": (SERVER, r'MCP_STATELESS, value: "false"', 'MCP_STATELESS, value: "true"', "env MCP_STATELESS", "true"),
    "workers": (SERVER, r'MCP_WORKERS, value: "1"', 'MCP_WORKERS, value: "4"', "env MCP_WORKERS", "4"),
    "grace period": (
        SERVER,
        r"terminationGracePeriodSeconds: \d\d+$",
        "terminationGracePeriodSeconds: 5",
        "terminationGracePeriodSeconds",
        "5",
    ),
    "no preStop": (SERVER, r" +preStop: .*\n", "", "lifecycle.preStop.sleep.seconds", "0"),
    "autoscaler": (SERVER, r"maxReplicas: 4", "maxReplicas: 40", "maxReplicas", "40"),
    "target of the autoscaler": (SERVER, r"(scaleTargetRef: .*name:) .*}", r"\1 other}", "scaleTargetRef", "other"),
    "command of the proxy": (PROXY, r"command: .*", 'command: ["haproxy"]', "command", '["haproxy"]'),
    "folder of the proxy": (
        PROXY,
        r"name: config, mountPath: [^,]+",
        "name: config, mountPath: /etc/other",
        "mountPath of config",
        "/etc/other",
    ),
    "port of the proxy": (PROXY, r"containerPort: 8080", "containerPort: 80", "containerPort of http", "80"),
    "stop of the proxy": (
        PROXY,
        r"terminationGracePeriodSeconds: \d\d+$",
        "terminationGracePeriodSeconds: 1",
        "terminationGracePeriodSeconds",
        "1",
    ),
    "file of the proxy": (
        "proxy/kustomization.yaml",
        r" +- haproxy.cfg\n",
        "",
        "configMapGenerator, files",
        "upstreams.cfg",
    ),
    "no proxy files": ("kubernetes/kustomization.yaml", r" +- ../proxy\n", "", "resources", "proxy.yaml"),
    "missing file": ("kubernetes/kustomization.yaml", r"- server.yaml", "- srever.yaml", "resources", "srever.yaml"),
    "port of compose": ("compose.yaml", r'MCP_PORT: "8000"', 'MCP_PORT: "9000"', "healthcheck.test", "8000"),
    "stop of compose": ("compose.yaml", r"stop_grace_period: .*", "stop_grace_period: 1s", "stop_grace_period", "1s"),
    "flag of compose": (
        "compose.yaml",
        r"MCP_STATELESS: .*",
        'MCP_STATELESS: "true"',
        "environment MCP_STATELESS",
        "true",
    ),
    "mount of compose": (
        "compose.yaml",
        r"source: .*haproxy.cfg\"?",
        "source: ./proxy/none.cfg",
        "volumes",
        "none.cfg",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_with_file_key_and_value(kit: Kit, damage: str) -> None:
    file, old, new, key, observed = DAMAGES[damage]
    assert wrong(checked(kit)) == []
    edit(kit[1], file, old, new)
    found = wrong(checked(kit))
    assert any(trial.place.endswith(key) and observed in trial.observed for trial in found), found


def test_a_pod_that_the_proxy_does_not_know_is_reported(kit: Kit) -> None:
    edit(kit[1], SERVER, r"maxReplicas: 4", "maxReplicas: 5")
    found = wrong(checked(kit))
    assert "at most 4, the number of pods in the configuration of the proxy" in {trial.expected for trial in found}


def test_the_form_of_prestop_for_older_releases_is_known(kit: Kit) -> None:
    edit(kit[1], SERVER, r"preStop: {sleep: {seconds: (\d+)}}", r'preStop: {exec: {command: [sleep, "\1"]}}')
    assert wrong(checked(kit)) == []


@pytest.mark.parametrize(
    "text", ["[]", "kind: Deployment", "kind: Service\nspec: {ports: 1, selector: []}", "1", "a: [", "-"]
)
def test_a_file_of_another_form_is_reported(kit: Kit, text: str) -> None:
    for name in (SERVER, PROXY, "compose.yaml", "kubernetes/kustomization.yaml", "proxy/kustomization.yaml"):
        (kit[1] / name).write_text(text)
    assert wrong(checked(kit))


def test_a_kit_without_the_files_of_a_platform_is_not_checked(kit: Kit) -> None:
    shutil.rmtree(kit[1] / "kubernetes")
    (kit[1] / "compose.yaml").unlink()
    assert checked(kit) == []


def run(kit: Kit) -> list[Trial]:
    prepared, folder = kit

    async def observed() -> list[Trial]:
        async with Run.open("deployment") as lab:
            front = replace(prepared.front, many=1)
            plan = FleetPlan(folder, prepared.kit, Path(sys.executable), front, prepared.instances, prepared.extras)
            fleet = Fleet(lab, plan)
            try:
                await fleet.start_servers()
                await fleet.start_proxy()
                return await check_deployment(fleet, Steps())
            finally:
                for process in fleet.processes:
                    process.kill()

    return asyncio.run(observed())


@pytest.mark.programs
@BUSY_FLEET
def test_the_servers_run_with_the_settings_of_the_files(kit: Kit) -> None:
    found = run(kit)
    assert wrong(found) == []
    tried = {trial.place for trial in found if trial.name == "start of the servers"}
    assert tried == {f"{SERVER}: StatefulSet demo, settings", "compose.yaml: server-1, settings"}
    paths = [trial.observed for trial in found if trial.name == "paths of the health checks"]
    assert sorted(set(paths)) == ["/health: HTTP 200", "/healthz: HTTP 200", "/ready: HTTP 200", "/ready: HTTP 503"]


@pytest.mark.programs
@BUSY_FLEET
def test_paths_and_settings_that_the_servers_do_not_accept_are_named(kit: Kit) -> None:
    edit(kit[1], SERVER, r"(livenessProbe:\n.*httpGet: {path:) /health", r"\1 /alive")
    edit(kit[1], SERVER, r"(readinessProbe:\n.*httpGet: {path:) /ready", r"\1 /health")
    edit(kit[1], PROXY, r"path: /healthz", "path: /")
    edit(kit[1], "compose.yaml", r'MCP_WORKERS: "1"', 'MCP_WORKERS: "many"')
    found = {(trial.name, trial.place.rpartition(", ")[2], trial.observed) for trial in wrong(run(kit))}
    assert {name for name, _, _ in found} == {"paths of the health checks", "start of the servers"}
    assert ("paths of the health checks", "livenessProbe.httpGet.path", "/alive: HTTP 404") in found
    assert ("paths of the health checks", "readinessProbe.httpGet.path", "/health: HTTP 200") in found
    assert ("paths of the health checks", "startupProbe.httpGet.path", "/: HTTP 404") in found
    assert any("MCP_WORKERS='many' must be an integer" in observed for _, _, observed in found), found


@pytest.mark.programs
@BUSY_FLEET
def test_an_image_that_starts_a_missing_file_is_named(kit: Kit) -> None:
    edit(kit[1], "server/Dockerfile", r"^CMD .*", 'CMD ["python", "main.py"]')
    names = {trial.name for trial in wrong(run(kit))}
    assert names == {"start command of the image", "start of the servers"}


UVICORN = "uvicorn server:create_app --factory --log-level warning"
SAME = {
    "module": 'CMD ["python", "-m", "server"]',
    "path and argument": 'CMD ["/venv/bin/python3", "/app/server.py", "--verbose"]',
    "entrypoint": 'ENTRYPOINT ["python"]\nCMD ["server.py"]',
    "init": 'ENTRYPOINT ["tini", "-g", "--"]\nCMD ["python", "server.py"]',
    "shell": "CMD exec python server.py",
    "variable": 'ENV WORKERS=1\nCMD ["sh", "-c", "exec python server.py $WORKERS"]',
}
OTHER = {
    "several processes": (
        f"CMD exec {UVICORN} --host $MCP_HOST --port 8000 --workers 3",
        "several processes do not share sessions",
    ),
    "loopback": (f"CMD exec {UVICORN} --port 8000", "ignores MCP_HOST"),
    "no metrics": (f"CMD exec {UVICORN} --host $MCP_HOST --port 8000", "gives no answer to /metrics"),
    "signal": ("CMD python server.py; echo ended", "does not pass SIGTERM on"),
    "misspelled": ('CMD ["pyhton", "server.py"]', "does not start the server: "),
    "no sessions": ('CMD ["env", "MCP_STATELESS=true", "python", "server.py"]', "keeps no sessions"),
}


def of_image(kit: Kit, command: str) -> Trial:
    edit(kit[1], "server/Dockerfile", r"^CMD .*", command)

    async def observed() -> list[Trial]:
        prepared, folder = kit
        async with Run.open("image") as lab:
            plan = FleetPlan(
                folder, prepared.kit, Path(sys.executable), prepared.front, prepared.instances, prepared.extras
            )
            return await check_image(Fleet(lab, plan))

    (found,) = asyncio.run(observed())
    return found


@pytest.mark.programs
@BUSY_FLEET
@pytest.mark.parametrize("case", SAME)
def test_a_command_that_starts_the_same_server_is_accepted(kit: Kit, case: str) -> None:
    found = of_image(kit, SAME[case])
    assert found.agrees, found


@pytest.mark.programs
@BUSY_FLEET
@pytest.mark.parametrize("case", OTHER)
def test_a_command_that_starts_another_server_is_named(kit: Kit, case: str) -> None:
    command, said = OTHER[case]
    found = of_image(kit, command)
    assert not found.agrees
    assert said in found.observed
    assert found.place.startswith("server/Dockerfile: CMD")


def test_the_last_stage_of_a_dockerfile_counts(kit: Kit) -> None:
    (kit[1] / "server/Dockerfile").write_text(
        'FROM a AS build\nCMD ["build"]\nENTRYPOINT ["x"]\nFROM b\nWORKDIR /srv/\n# CMD ["old"]\n'
        'ENV PATH=/venv/bin:$PATH \\\n    MCP_PORT=9000\ncmd ["python", \\\n  "server.py"]\n'
    )
    image = read_image(kit[1])
    assert (image.words(), image.folder, image.settings) == (OWN, "/srv", {"MCP_PORT": "9000"})
    assert image.words(["a"], ["b"]) == ("a", "b")
    assert image.words(["a"]) == ("a",)
    assert image.words((), ["b"]) == ("b",)
