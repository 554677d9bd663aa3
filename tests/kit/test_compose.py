"""compose.yaml follows the published schema and passes checks that a schema cannot make."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

import pytest
import yaml

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.render import render_kit
from advisor.requirements import load_path

ROOT = Path(__file__).parents[2]
# A contradiction has no kit, and the kit of a developer's machine has no containers.
WITHOUT = ("sampling-on-a-stateless-fleet", "local-development")
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yaml") if path.stem not in WITHOUT)
VARIABLE = re.compile(r"\$\{(\w+)(?::[-?][^}]*)?\}")


Rendered: TypeAlias = "tuple[KitContext, dict[str, str]]"


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def rendered(request: pytest.FixtureRequest, advisor: Advisor) -> Rendered:
    """The context of a kit and its files, by path."""
    decision = advisor.decide(load_path(request.param, advisor.space))
    files = render_kit(decision, request.param.read_text())
    return kit_context(decision), {file.path: file.content for file in files}


def test_the_published_schema_accepts_every_compose_file(advisor: Advisor, tmp_path: Path) -> None:
    program = shutil.which("check-jsonschema", path=str(Path(sys.executable).parent))
    assert program, "check-jsonschema is missing; it carries the schema of compose: pip install -e '.[dev]'"
    for example in EXAMPLES:
        files = render_kit(advisor.decide(load_path(example, advisor.space)), "")
        text = next(file.content for file in files if file.path == "compose.yaml")
        (tmp_path / f"{example.stem}.yaml").write_text(text)
    command = [program, "--builtin-schema", "vendor.compose-spec", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    # Prove that the check can fail.
    broken = tmp_path / "broken.yaml"
    broken.write_text((tmp_path / f"{EXAMPLES[0].stem}.yaml").read_text().replace("read_only: true", "readonly: true"))
    assert subprocess.run([*command, str(broken)], capture_output=True, timeout=60, check=False).returncode == 1


def test_compose_runs_the_decided_tiers_and_instances(rendered: Rendered) -> None:
    kit, files = rendered
    services = yaml.safe_load(files["compose.yaml"])["services"]
    servers = {name: service for name, service in services.items() if "build" in service}
    assert len(servers) == sum(tier.instances for tier in kit.tiers)
    for tier in kit.tiers:
        own = [service for service in servers.values() if service["environment"]["MCP_TIER"] == tier.name]
        assert len(own) == tier.instances
        for service in own:
            environment = service["environment"]
            assert environment["MCP_STATELESS"] == str(tier.stateless_http).lower()
            assert environment["MCP_JSON_RESPONSE"] == str(tier.json_response).lower()
            assert environment["MCP_INSTANCES"] == str(tier.instances)
            assert int(service["stop_grace_period"].removesuffix("s")) > tier.shutdown_s
            assert ("MCP_REDIS_URL" in environment) == kit.uses_redis
            assert ("MCP_SEALING_KEYS" in environment) == kit.needs_sealing_keys
            assert ("MCP_INSTANCE_URL" in environment) == (tier.pattern == "shared-state")
    assert len([name for name in services if name.startswith("proxy")]) == (kit.proxy_replicas if kit.proxy else 0)
    assert ("redis" in services) == kit.uses_redis


def test_instances_with_shared_sessions_find_each_other_and_redis(advisor: Advisor) -> None:
    """Each instance has an address of its own and starts after Redis is healthy."""
    requirements = load_path(ROOT / "examples/exercise-2-team-document.yaml", advisor.space)
    kit_files = {file.path: file.content for file in render_kit(advisor.decide(requirements), "")}
    services = yaml.safe_load(kit_files["compose.yaml"])["services"]
    servers = {name: service for name, service in services.items() if "build" in service}
    assert len(servers) == 3
    for name, service in servers.items():
        assert service["environment"]["MCP_INSTANCE_URL"] == f"http://{name}:{service['environment']['MCP_PORT']}"
        url, known = service["environment"]["MCP_REDIS_URL"], {"REDIS_URL": "", "REDIS_PASSWORD": "s3cret"}
        assert interpolated(url, known) == "rediss://:s3cret@redis:6379/0?ssl_ca_certs=/tls/redis.crt"
        assert interpolated(url, {**known, "REDIS_URL": "rediss://:x@redis.example.com"}).startswith("rediss://:x@")
        assert "MCP_FLEET_KEYS" in service["environment"]
        assert service["networks"] == ["default", "state"]
        assert service["depends_on"] == {"redis": {"condition": "service_healthy"}}
        assert service["volumes"] == services["redis"]["volumes"]
    assert "ports" not in services["redis"]
    assert services["redis"]["networks"] == ["state"], "the proxies cannot connect to Redis"


def interpolated(text: str, values: dict[str, str]) -> str:
    """The text with the variables of Compose replaced by values, the inner variables first."""
    inner = re.compile(r"\$\{(\w+)(?::([-?])([^${}]*))?\}")
    while found := inner.search(text):
        name, kind, rest = found.groups()
        assert values[name] or kind == "-", f"{name} is not set"
        text = text.replace(found[0], values[name] or rest)
    return text


def test_every_file_and_service_that_compose_names_exists(rendered: Rendered) -> None:
    _, files = rendered
    document = yaml.safe_load(files["compose.yaml"])
    services = document["services"]
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports
    assert len(set(ports)) == len(ports)
    assert all(port.startswith("127.0.0.1:") for port in ports)  # only this machine can connect
    ending = {"redis-certificate"}  # other services wait until it has ended
    for own, service in services.items():
        for mount in service.get("volumes", ()):
            named = document["volumes"] if mount["type"] == "volume" else files
            assert mount["source"].removeprefix("./") in named
        for name, condition in service.get("depends_on", {}).items():
            ended = "service_completed_successfully" if name in ending else "service_healthy"
            assert condition == {"condition": ended}
            assert name in ending or "healthcheck" in services[name]
        if own not in ending:
            assert service["healthcheck"]["test"][0] == "CMD"
            assert "/mcp" not in " ".join(service["healthcheck"]["test"])
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True


def test_the_proxy_configuration_names_the_servers_of_compose(rendered: Rendered) -> None:
    kit, files = rendered
    if not kit.proxy:
        return
    services = yaml.safe_load(files["compose.yaml"])["services"]
    mounted = {
        mount["source"].removeprefix("./")
        for name, service in services.items()
        if name.startswith("proxy")
        for mount in service["volumes"]
    }
    named = set(re.findall(r"\b((?:server|stateless|stateful)-\d+):8000\b", "".join(files[path] for path in mounted)))
    if kit.proxy == "envoy":
        text = "".join(files[path] for path in mounted)
        named = set(re.findall(r'address: "((?:server|stateless|stateful)-\d+)"', text))
    assert named == {name for name, service in services.items() if "build" in service}


def test_secrets_are_references_and_the_env_example_explains_them(rendered: Rendered) -> None:
    kit, files = rendered
    assert VARIABLE.findall(files["compose.yaml"])
    explained = dict(re.findall(r"^(\w+)=(.*)$", files[".env.example"], re.MULTILINE))
    assert set(VARIABLE.findall(files["compose.yaml"])) == set(explained)
    for name in ("MCP_SEALING_KEYS", "MCP_LLM_KEY", "MCP_FLEET_KEYS", "REDIS_PASSWORD"):
        assert explained.get(name, "") == ""
    if kit.needs_sealing_keys:
        assert "openssl rand -hex 32" in files[".env.example"]
    assert ".env\n" in files[".gitignore"]


def test_the_health_check_of_the_servers_can_fail(rendered: Rendered) -> None:
    _, files = rendered
    services = yaml.safe_load(files["compose.yaml"])["services"]
    check = next(service["healthcheck"]["test"] for service in services.values() if "build" in service)
    assert check[:2] == ["CMD", "python"]
    # Nothing listens on port 1 of this machine.
    command = [sys.executable, *(word.replace(":8000/", ":1/") for word in check[2:])]
    assert subprocess.run(command, capture_output=True, timeout=30, check=False).returncode != 0


def test_no_container_fills_the_disk_with_its_log(rendered: Rendered) -> None:
    _, files = rendered
    for name, service in yaml.safe_load(files["compose.yaml"])["services"].items():
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}, name


def test_each_container_has_the_memory_limit_of_its_pod(rendered: Rendered) -> None:
    kit, files = rendered
    services = yaml.safe_load(files["compose.yaml"])["services"]
    limits = {service: settings.get("mem_limit") for service, settings in services.items()}
    assert all(limits.values()), limits
    assert {f"{tier.memory.limit_mi(tier.workers)}m" for tier in kit.tiers} <= set(limits.values())
