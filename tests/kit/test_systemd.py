"""The systemd units, checked with systemd itself."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import systemd
from advisor.kit.upstreams import production_addresses
from advisor.requirements import load_path

pytestmark = pytest.mark.programs

ROOT = Path(__file__).parents[2]
KITS = ["pattern-1-single-instance", "pattern-3-sticky-fleet", "customer-service-agent", "payment-provider"]
KITS.append("exercise-2-team-document")  # sessions shared through Redis
SCORE = re.compile(r"Overall exposure level for \S+: ([\d.]+)")


@pytest.fixture(params=KITS)
def kit(request: pytest.FixtureRequest, advisor: Advisor, tmp_path: Path) -> KitContext:
    """A kit of an example, moved to systemd."""
    path = tmp_path / "requirements.yaml"
    text = (ROOT / f"examples/{request.param}.yaml").read_text()
    path.write_text(re.sub(r"platform: \w+", "platform: systemd", text))
    made = kit_context(advisor.decide(load_path(path, advisor.space)))
    assert made.platform == "systemd"
    return made


def units(kit: KitContext, folder: Path) -> list[Path]:
    """Write the unit files, with programs of this machine instead of the programs that the kit installs."""
    folder.mkdir()
    for file in systemd.files(kit):
        if file.path.endswith((".service", ".target")):
            text = file.content.replace(f"/opt/{kit.service}/venv/bin/python", sys.executable)
            proxies = [carried.program for carried in kit.knowledge.kit_proxies.values()]
            for program in (*proxies, "/usr/bin/curl"):
                text = text.replace(program, "/bin/true")
            (folder / Path(file.path).name).write_text(text)
    return sorted(folder.iterdir())


def analyze(*arguments: Path | str) -> tuple[str, int]:
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is missing: apt-get install -y systemd"
    command = [program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr, done.returncode


def read(text: str) -> configparser.RawConfigParser:
    """Section → key → values."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read_string(text)
    return parser


def test_systemd_accepts_the_units(kit: KitContext, tmp_path: Path) -> None:
    files = units(kit, tmp_path / "units")
    assert len(files) == len(kit.tiers) + 1 + bool(kit.proxy)
    said, code = analyze("verify", "--man=no", *files)
    assert (said, code) == ("", 0)


def test_a_wrong_unit_is_not_accepted(kit: KitContext, tmp_path: Path) -> None:
    first = next(path for path in units(kit, tmp_path / "units") if path.suffix == ".service")
    first.write_text(first.read_text().replace("ProtectSystem=strict", "ProtectSystems=strict"))
    said, _ = analyze("verify", "--man=no", first)
    assert "ProtectSystems" in said


def test_the_units_are_hardened(kit: KitContext, tmp_path: Path) -> None:
    for path in units(kit, tmp_path / "units"):
        if path.suffix == ".service":
            said, _ = analyze("security", "--offline=true", "--threshold=25", path)
            found = SCORE.search(said)
            assert found, said
            assert float(found[1]) <= 2.5, said


def test_stopping_a_unit_drains_it_within_its_stop_timeout(kit: KitContext) -> None:
    files = {file.path: file.content for file in systemd.files(kit)}
    for tier in kit.tiers:
        service = read(files[f"systemd/{tier.host}@.service"])["Service"]
        assert int(service["TimeoutStopSec"]) == tier.grace_s
        drain = f'{{ touch "$$MCP_DRAIN_FILE"; exec sleep {tier.preferred_stop_s}; }}'
        assert service["ExecStop"] == f"/bin/sh -c 'test -z \"$$MAINPID\" || {drain}'"


def test_a_process_that_hangs_is_restarted_but_no_process_that_is_busy_with_a_call(kit: KitContext) -> None:
    files = {file.path: file.content for file in systemd.files(kit)}
    for tier in kit.tiers:
        service = read(files[f"systemd/{tier.host}@.service"])["Service"]
        assert int(service["WatchdogSec"]) >= tier.longest_call_s + 60
        assert service["WatchdogSignal"] == "SIGKILL"  # a stopped process reacts to no other signal
        assert service["Restart"] == "on-failure"
        assert (service.get("NotifyAccess") == "all") == (tier.workers > 1)


@pytest.mark.parametrize(("environment", "waits"), [({"MAINPID": "1"}, True), ({}, False)])
def test_the_drain_waits_only_for_a_running_process(
    kit: KitContext, environment: dict[str, str], waits: bool, tmp_path: Path
) -> None:
    text = next(file.content for file in systemd.files(kit) if file.path.endswith("@.service"))
    (script,) = re.findall(r"^ExecStop=/bin/sh -c '(.*)'$", text, re.MULTILINE)
    script = script.replace("$$", "$").replace("exec sleep", "echo sleep")
    drain = tmp_path / "draining"
    env = {**environment, "MCP_DRAIN_FILE": str(drain), "PATH": os.defpath}
    done = subprocess.run(["/bin/sh", "-c", script], env=env, capture_output=True, timeout=30, check=True)
    assert done.stdout.startswith(b"sleep") == drain.exists() == waits


def test_the_target_starts_the_instances_that_the_proxy_expects(kit: KitContext) -> None:
    files = {file.path: file.content for file in systemd.files(kit)}
    wanted = re.findall(r"^Wants=(\S+)$", files[f"systemd/{kit.service}.target"], re.MULTILINE)
    addresses = production_addresses(kit).servers
    ports = {tier.host: {address.rpartition(":")[2] for address in addresses[tier.name]} for tier in kit.tiers}
    expected = {f"{host}@{port}.service" for host, own in ports.items() for port in own}
    assert set(wanted) - {f"{kit.service}-proxy.service"} == expected
    assert (f"{kit.service}-proxy.service" in wanted) == bool(kit.proxy)
    for tier in kit.tiers:
        environment = " ".join(
            re.findall(r"^Environment=(.*)$", files[f"systemd/{tier.host}@.service"], re.MULTILINE)
        ).split()
        assert f"MCP_STATELESS={str(tier.stateless_http).lower()}" in environment
        assert "MCP_PORT=%i" in environment
        assert f"MCP_TIER={tier.name}" in environment
        shared = tier.pattern == "shared-state"
        assert ("MCP_INSTANCE_URL=http://127.0.0.1:%i" in environment) == shared
        assert ("MCP_REDIS_URL=redis://127.0.0.1:6379/0" in environment) == kit.uses_redis
