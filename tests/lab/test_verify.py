"""The command `verify` as a process: correct kits, kits with faults, and the end of a run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from causes import BUSY_FLEET
from jsonschema import Draft202012Validator
from running import refused, run_command_for_text, until, users_of

from advisor.cli.schema_registry import schema_of
from advisor.decision.advisor import Advisor

retried = BUSY_FLEET

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
DEADLINE_S = 180
STICKY = """\
version: 1
service: demo
sdk: mcp-2
clients: {protocol: mixed}
scale: {instances: 3, affinity: available}
environment: {platform: local, proxy: {kind: nginx, version: "1.31"}}
needs: {sampling: required, progress: required}
operations: {team_size: 3, can_operate_affinity: true}
"""
STATELESS = """\
version: 1
service: demo
sdk: mcp-2
clients: {protocol: mixed}
scale: {instances: 2}
environment: {platform: compose, proxy: {kind: alb}}
needs: {progress: preferred, sampling: preferred}
"""
CONTRADICTION = str(EXAMPLES / "sampling-on-a-stateless-fleet.yaml")


def command(*arguments: Path | str) -> list[str]:
    return [sys.executable, "-m", "advisor", *map(str, arguments)]


def advisor_run(
    *arguments: Path | str, env: Mapping[str, str] | None = None, timeout: float = DEADLINE_S
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=timeout, env=env, check=False
    )


def verified(temporary: Path, *arguments: Path | str) -> tuple[Any, subprocess.CompletedProcess[str]]:
    """The document of a verification and its exit. Fails if the run left more than the logs of a failure."""
    done = advisor_run("verify", *arguments, "--format", "json")
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    left = [path.name for path in temporary.iterdir()]
    assert len(left) == (0 if found["ok"] else 1), left
    assert users_of(temporary) == {}
    return found, done


def kit_in(folder: Path, text: str) -> Path:
    requirements = folder / "requirements.yaml"
    requirements.write_text(text)
    done = advisor_run("generate", requirements, "-o", folder / "kit")
    assert done.returncode == 0, done.stderr
    return folder / "kit"


def differing(found: Any) -> dict[tuple[str, str], Any]:
    return {(cell["era"], cell["feature"]): cell for cell in found["cells"] if not cell["agrees"]}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["/nowhere.yaml"], 2, "nowhere.yaml"),
        ([EXAMPLES], 2, "is not a kit"),
        ([CONTRADICTION], 3, "To see the changes that help, run: mcp-advisor recommend"),
        ([EXAMPLES / "pattern-1-single-instance.yaml", "--proxy", "apache"], 2, "apache"),
    ],
    ids=["missing", "no-kit", "contradiction", "proxy"],
)
def test_requirements_that_cannot_be_verified_are_refused_immediately(
    arguments: list[Path | str], code: int, said: str
) -> None:
    done = run_command_for_text("verify", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


@pytest.mark.parametrize(("installed", "missing"), [((), "uv"), (("uv",), "envoy")])
def test_a_missing_program_stops_verify_with_the_command_that_installs_it(
    tmp_path: Path, temporary: Path, installed: tuple[str, ...], missing: str
) -> None:
    # An interpreter with all packages, with some programs in its folder and none on the PATH.
    python = tmp_path / "python"
    python.symlink_to(Path(sys.executable).resolve())
    for name in installed:
        (tmp_path / name).symlink_to(Path(sys.executable).with_name(name))
    env = {**os.environ, "PATH": "", "PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])}
    done = subprocess.run(
        [python, "-m", "advisor", "verify", EXAMPLES / "saas-b2b.yaml", "--proxy", "envoy"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        env=env,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, "")
    said = rf"^{missing} is not installed\. Install it with: .*{re.escape(str(python))}.* 'mcp-deploy-advisor\[lab\]'$"
    assert re.search(said, done.stderr, re.MULTILINE), done.stderr
    assert list(temporary.iterdir()) == []


@pytest.mark.programs
@retried
def test_a_kit_with_session_affinity_agrees_and_is_not_changed(
    advisor: Advisor, tmp_path: Path, temporary: Path
) -> None:
    kit = kit_in(tmp_path, STICKY)
    before = {path: path.read_bytes() for path in kit.rglob("*") if path.is_file()}
    found, done = verified(temporary, kit)
    assert done.returncode == 0, done.stdout
    Draft202012Validator(schema_of("verification", advisor.space)).validate(found)
    assert found["proxy"].startswith("nginx 1.")
    assert (found["instances"], len(found["cells"])) == (3, 20)
    assert all(cell["agrees"] for cell in found["cells"])
    assert {(cell["era"], cell["feature"]) for cell in found["cells"] if cell["tool"]} >= {
        ("legacy", "sampling"),
        ("modern", "sampling"),
        ("legacy", "progress"),
    }
    assert len(found["behaviours"]) > 20
    assert all(behaviour["agrees"] for behaviour in found["behaviours"])
    assert (found["behaviours_unknown"], found["problems"]) == (0, [])
    sessions = found["sessions"]
    assert (sessions["opened"], sessions["lost"], sum(sessions["per_instance"])) == (20, 0, 20)
    assert all(sessions["per_instance"]), "an instance got no session"
    assert {path: path.read_bytes() for path in kit.rglob("*") if path.is_file()} == before


SPOILT = """\
version: 1
service: demo
sdk: mcp-2
clients: {protocol: mixed}
scale: {instances: 2, affinity: available}
environment: {platform: local, proxy: {kind: nginx, version: "1.31"}}
tools:
  - {name: look_up}
  - {name: gone}
  - {name: broken}
  - {name: shaky}
  - {name: charge}
  - {name: deaf, needs: {sampling: required}}
  - {name: confirm, needs: {elicitation: required}}
  - {name: work, needs: {progress: required}}
operations: {team_size: 3, can_operate_affinity: true}
"""


# Fails the first call of a client, on any instance.
ONCE = """\
    shaken = Path(tempfile.gettempdir()) / "shaken"
    if not shaken.exists():
        shaken.touch()
        raise RuntimeError("once")
"""


def begins(tool: str) -> str:
    """The first lines of a tool in tools.py."""
    return f'async def {tool}(\n    text: str = "",\n) -> str:\n'


def edit(path: Path, *changes: tuple[str, str]) -> None:
    """Replace texts that occur in the file exactly once."""
    text = path.read_text()
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    path.write_text(text)


@pytest.mark.programs
@retried
def test_every_fault_in_a_kit_is_named(tmp_path: Path, temporary: Path) -> None:
    kit = kit_in(tmp_path, SPOILT)
    edit(
        kit / "server" / "server.py",
        (
            "            allowed_hosts=list(",
            "            enable_dns_rebinding_protection=False,\n            allowed_hosts=list(",
        ),
    )
    edit(
        kit / "server" / "tools.py",
        ("from typing import Annotated\n", "import tempfile\nfrom pathlib import Path\nfrom typing import Annotated\n"),
        ("@tool('gone')\n", ""),
        ("async def charge(\n    text: str", "async def charge(\n    amount: int,\n    text: str"),
        (begins("broken"), f'{begins("broken")}    raise RuntimeError("boom")\n'),
        (begins("shaky"), begins("shaky") + ONCE),
        ('"model: " + (sample.content.text if isinstance(sample.content, TextContent) else "")', '"model: a constant"'),
        ('"user: " + said(answer)', '"user: confirmed"'),
    )
    refusing = "if ($request_method = DELETE) { return 403; }"
    edit(kit / "proxy" / "server.conf", ("proxy_http_version 1.1;", f"{refusing}\nproxy_http_version 1.1;"))
    edit(
        kit / "DECISION.md",
        ("of all instances | Running calls complete. Every", "of all instances | Running calls complete. No"),
    )
    decision = json.loads((kit / "decision.json").read_text())
    (progress,) = [row for row in decision["features"] if row["feature"] == "progress"]
    progress["modern"]["outcome"] = "dropped"
    (kit / "decision.json").write_text(json.dumps(decision))

    found, done = verified(temporary, kit, "--sessions", "3")
    assert done.returncode == 1
    wrong = differing(found)
    for era in ("legacy", "modern"):
        assert wrong.pop((era, "sampling"))["observed"] == "dropped"
        assert "deaf asked the client, but its result does not contain the client's reply" in found_detail(
            found, era, "sampling"
        )
        assert wrong.pop((era, "elicitation"))["observed"] == "dropped"
        assert "confirm asked the user, but returns the same result" in found_detail(found, era, "elicitation")
    assert {key: (behaviour["predicted"], behaviour["observed"]) for key, behaviour in wrong.items()} == {
        ("modern", "progress"): ("dropped", "works")
    }
    behaviours = {
        (behaviour["era"], behaviour["name"]): (behaviour["predicted"], behaviour["observed"])
        for behaviour in found["behaviours"]
        if not behaviour["agrees"]
    }
    assert behaviours == {
        ("legacy", "DELETE"): ("HTTP 200", "HTTP 403"),
        ("modern", "DELETE"): ("HTTP 405", "HTTP 403"),
        ("legacy", "foreign Host"): ("HTTP 421", "HTTP 200"),
        ("modern", "foreign Host"): ("HTTP 421", "HTTP 200"),
        ("legacy", "foreign Origin"): ("HTTP 403", "HTTP 200"),
        ("modern", "foreign Origin"): ("HTTP 403", "HTTP 200"),
    }
    refused = next(
        behaviour for behaviour in found["behaviours"] if (behaviour["era"], behaviour["name"]) == ("modern", "DELETE")
    )
    assert any('"method":"DELETE"' in entry["line"] for entry in refused["evidence"]), refused["evidence"]
    said = "\n".join(found["problems"])
    assert said.count("shaky does not work for ") == 1, "what fails once and works then is no good kit"
    for era in ("legacy", "modern"):
        assert f"tools/list does not show these tools to {era} clients: gone" in said
        assert f"gone does not work for {era} clients: Unknown tool: gone" in said
        assert f"broken does not work for {era} clients: Error executing tool broken" in said
    assert "RuntimeError: boom" in said
    assert "look_up" not in said
    assert "expected: | Rolling restart of all instances | Running calls complete. Every legacy" in said
    assert "found:    | Rolling restart of all instances | Running calls complete. No legacy" in said
    assert "charge" not in said
    assert "Tools with other required arguments than `text`, which were not called: charge." in found["notes"]
    assert any("decision.json does not match the current decision" in note for note in found["notes"])


def found_detail(found: Any, era: str, feature: str) -> Any:
    return next(cell["detail"] for cell in found["cells"] if (cell["era"], cell["feature"]) == (era, feature))


@pytest.mark.programs
@retried
def test_a_kit_that_refuses_its_own_hosts_origins_and_paths_is_reported(tmp_path: Path, temporary: Path) -> None:
    proxy = 'proxy: {kind: nginx, version: "1.31"}'
    stated = f"hosts: [mcp.example.com], origins: ['https://app.example.com'], {proxy}"
    kit = kit_in(tmp_path, STICKY.replace(proxy, stated).replace("instances: 3", "instances: 2"))
    edit(kit / "server" / "runtime" / "settings.py", ("HOSTS = ('mcp.example.com', ", "HOSTS = ("))
    edit(kit / "proxy" / "nginx.conf", ('        "https://app.example.com" $http_origin;\n', ""))
    edit(kit / "proxy" / "server.conf", ('rewrite "^(?:/mcp/|/mcp)$" /mcp;', ""))
    found, done = verified(temporary, kit, "--sessions", "3")
    assert done.returncode == 1
    said = "\n".join(found["problems"])
    for place in ("the proxy", "main-1", "main-2"):
        assert f"mcp.example.com of the requirements get HTTP 421: Invalid Host header from {place}" in said
    assert "web pages of the origin https://app.example.com call this service (CORS)" in said
    assert "/mcp/ gets HTTP 404" in said
    assert all(cell["agrees"] for cell in found["cells"])


@pytest.mark.programs
@retried
def test_a_tiered_kit_agrees(temporary: Path) -> None:
    found, done = verified(temporary, EXAMPLES / "customer-service-agent.yaml", "--instances", "2")
    assert done.returncode == 0, done.stdout
    assert found["tiers"] == {"stateless": 2, "stateful": 1}
    outcomes = {cell["tier"]: cell["observed"] for cell in found["cells"] if cell["feature"] == "sampling"}
    assert outcomes == {"stateless": "error", "stateful": "works"}


@pytest.mark.programs
@retried
def test_a_kit_with_shared_state_agrees(temporary: Path) -> None:
    found, done = verified(temporary, EXAMPLES / "exercise-2-team-document.yaml", "--instances", "2")
    assert done.returncode == 0, done.stdout
    assert "as a stand-in for traefik, round robin" in found["proxy"]
    assert all(cell["observed"] == "works" for cell in found["cells"] if cell["feature"] != "resumability")


@pytest.mark.programs
@retried
def test_a_proxy_without_its_affinity_is_reported(tmp_path: Path, temporary: Path) -> None:
    kit = kit_in(tmp_path, STICKY.replace("mixed", "legacy"))
    path = kit / "proxy" / "upstreams.conf"
    text = path.read_text()
    start = text.index("    sticky learn")
    path.write_text(text[:start] + text[text.index(";", start) + 2 :])
    found, done = verified(temporary, kit, "--sessions", "10")
    assert done.returncode == 1
    assert not found["ok"]
    assert found["sessions"]["wrong_instance_rate"] > 0.3
    sampling = differing(found)["legacy", "sampling"]
    assert (sampling["predicted"], sampling["observed"]) == ("works", "unreachable")
    assert "404" in sampling["detail"]
    lines = [entry["line"] for entry in sampling["evidence"] if entry["process"] == "proxy"]
    assert any('"status":404' in line and "main-" in line for line in lines), sampling["evidence"]
    assert Path(found["logs"]).is_dir()


@pytest.mark.programs
@retried
def test_a_server_with_another_flag_is_reported(tmp_path: Path, temporary: Path) -> None:
    kit = kit_in(tmp_path, STATELESS)
    edit(kit / "server" / "server.py", ("json_response=SETTINGS.json_response", "json_response=True"))
    # The error no longer names the feature.
    named = "This tool needs {feature}. For clients of this protocol version, {feature} works only"
    unnamed = "Not now. For clients of this protocol version, this works only"
    edit(kit / "server" / "runtime" / "sdk.py", (named, unnamed))
    found, done = verified(temporary, kit, "--sessions", "5")
    assert done.returncode == 1
    wrong = differing(found)
    for era in ("legacy", "modern"):
        assert (wrong[era, "progress"]["predicted"], wrong[era, "progress"]["observed"]) == ("works", "dropped")
    assert ("modern", "sampling") not in wrong
    (refusal,) = found["problems"]
    assert refusal.startswith(
        "example_sampling should return an error that names sampling, because this deployment loses sampling for"
    )
    assert "Not now." in refusal
    (framed,) = [behaviour for behaviour in found["behaviours"] if behaviour["name"] == "call without initialize"]
    assert framed["detail"] == "HTTP 200 application/json"


@contextmanager
def started(*arguments: Path | str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process group of its own, as a terminal starts it."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command(*arguments), cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.programs
@retried
def test_ctrl_c_leaves_nothing(tmp_path: Path, temporary: Path) -> None:
    kit = kit_in(tmp_path, STATELESS)
    with started("verify", kit) as process:
        until("the instances run", lambda: sum("launch.py" in command for command in users_of(temporary).values()) >= 2)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Interrupted" in err
    assert list(temporary.iterdir()) == []
    assert users_of(temporary) == {}


@pytest.mark.programs
@retried
def test_with_keep_the_fleet_stays_until_ctrl_c(tmp_path: Path, temporary: Path) -> None:
    kit = kit_in(tmp_path, STATELESS)
    with started("verify", kit, "--keep", "--sessions", "3", "--format", "json") as process:
        errors = process.stderr
        assert errors is not None
        said = ""
        while "Logs: " not in said:
            line = errors.readline()
            assert line, said
            said += line
        servers = json.loads(said.partition("mcp.json of an IDE:\n")[2].splitlines()[0])["servers"]
        port = int(servers["demo"]["url"].split(":")[2].split("/")[0])
        assert "\n  npx @modelcontextprotocol/inspector" in said, "a command to copy has a line of its own"
        assert not refused(port)
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    assert json.loads(out)["ok"]
    assert refused(port)
    assert list(temporary.iterdir()) == []
