"""The command `verify` with several proxies, and with a proxy that uses the client address instead of the session."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from causes import BUSY_FLEET
from running import users_of
from weekly import some_weekly

pytestmark = [
    pytest.mark.programs,
    BUSY_FLEET,
]

ROOT = Path(__file__).parents[2]
DEADLINE_S = 300
SESSIONS = """\
version: 1
service: demo
sdk: mcp-2
clients: {{protocol: mixed, {clients}}}
scale: {{instances: 3, affinity: available}}
environment: {{platform: {platform}, proxy: {{{proxy}}}}}
needs: {{sampling: required, progress: required}}
operations: {{team_size: 3, can_operate_affinity: true}}
"""
COOKIE = SESSIONS.format(
    clients="keep_cookies: true", platform="systemd", proxy='kind: nginx, version: "1.31", replicas: 2'
)
LEARN = (
    "sticky learn create=$upstream_http_mcp_session_id lookup=$http_mcp_session_id zone=learnt:1m timeout=24h header;"
)


def advisor_run(*arguments: Path | str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "advisor", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def verified(folder: Path, text: str) -> tuple[Any, subprocess.CompletedProcess[str]]:
    """The document of a verification of these requirements, and its exit."""
    path = folder / "requirements.yaml"
    path.write_text(text)
    done = advisor_run("verify", path, "--format", "json")
    assert done.stdout, done.stderr
    return json.loads(done.stdout), done


FLEETS = (
    ("keep_cookies: unknown", "systemd", "kind: haproxy, replicas: 2", "2 proxies"),
    ("keep_cookies: unknown", "systemd", "kind: caddy, replicas: 2", "2 proxies"),
    ("keep_cookies: unknown", "systemd", "kind: envoy, replicas: 2", "2 proxies"),
    ("keep_cookies: unknown", "systemd", 'kind: nginx, version: "1.31", replicas: 2', "2 proxies"),
    ("keep_cookies: true", "systemd", 'kind: nginx, version: "1.31", replicas: 2', "2 proxies"),
    ("keep_cookies: true", "systemd", "kind: traefik, replicas: 2", "2 proxies"),
    ("addresses: stable", "compose", "kind: traefik", "traefik"),
    ("keep_cookies: true", "kubernetes", "kind: alb", "affinity through a cookie"),
    ("addresses: stable", "kubernetes", "kind: nginx-gateway-fabric", "nginx"),
    ("addresses: stable", "kubernetes", "kind: none", "affinity through the client's address"),
)


@pytest.mark.parametrize(
    ("clients", "platform", "proxy", "said"), some_weekly(FLEETS, always=[FLEETS[number] for number in (0, 4, 5, 9)])
)
def test_the_observations_match_the_prediction(
    temporary: Path, tmp_path: Path, clients: str, platform: str, proxy: str, said: str
) -> None:
    found, done = verified(tmp_path, SESSIONS.format(clients=clients, platform=platform, proxy=proxy))
    assert said in found["proxy"]
    assert [cell for cell in found["cells"] if not cell["agrees"]] == []
    assert found["sessions"]["lost"] == 0
    assert {cell["era"] for cell in found["cells"]} == {"legacy", "modern"}
    assert (done.returncode, found["problems"]) == (0, [])
    assert users_of(temporary) == {}


def test_a_table_that_two_proxies_do_not_share_loses_sessions(temporary: Path, tmp_path: Path) -> None:
    """A run with one proxy does not show this loss."""
    requirements = tmp_path / "requirements.yaml"
    requirements.write_text(COOKIE)
    kit = tmp_path / "kit"
    assert advisor_run("generate", requirements, "-o", kit).returncode == 0
    upstreams = kit / "proxy" / "upstreams.conf"
    text = upstreams.read_text()
    (cookie, *_) = [line.strip() for line in text.splitlines() if line.startswith("    sticky cookie ")]
    upstreams.write_text(text.replace(cookie, LEARN, 1))  # the first upstream block has the requests of sessions
    done = advisor_run("verify", kit, "--format", "json")
    found = json.loads(done.stdout)
    assert done.returncode == 1, found
    assert found["sessions"]["lost"] > 0
    assert any("legacy clients had failed calls" in problem for problem in found["problems"])


def test_a_platform_with_one_address_for_all_instances(tmp_path: Path) -> None:
    text = SESSIONS.format(clients="keep_cookies: unknown", platform="serverless", proxy="kind: haproxy")
    found, done = verified(tmp_path, text.replace("sampling: required, ", ""))
    assert done.returncode == 0, done.stdout
    assert found["proxy"].startswith("haproxy ")
    (modern,) = [row for row in found["traffic"] if row["era"] == "modern"]
    assert all(modern["per_instance"]), "an instance got no call"


def test_a_kit_for_legacy_clients_without_shared_keys_fails_for_modern_clients(temporary: Path, tmp_path: Path) -> None:
    """The requirements name no modern clients, but the SDK serves them, and its own client is one of them."""
    requirements = tmp_path / "requirements.yaml"
    text = SESSIONS.format(clients="keep_cookies: unknown", platform="systemd", proxy='kind: nginx, version: "1.31"')
    requirements.write_text(text.replace("protocol: mixed", "protocol: legacy"))
    kit = tmp_path / "kit"
    assert advisor_run("generate", requirements, "-o", kit).returncode == 0
    server = kit / "server" / "runtime" / "sdk.py"
    assert server.read_text().count("    request_state_security=SEALING,\n") == 1
    server.write_text(server.read_text().replace("    request_state_security=SEALING,\n", ""))
    done = advisor_run("verify", kit, "--format", "json")
    found = json.loads(done.stdout)
    assert done.returncode == 1, found
    assert {(cell["era"], cell["feature"]) for cell in found["cells"] if not cell["agrees"]} == {("modern", "sampling")}
