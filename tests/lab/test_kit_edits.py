"""Damage that no client of a verification meets: `verify` names the line, and says that the run did not try it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.decision.advisor import Advisor
from advisor.kit.model import KitFile
from advisor.kit.render import render_kit
from advisor.lab.verify.job import VerifyOptions, plan
from advisor.lab.verify.kit_edits import read_kit_edits
from advisor.requirements import load_bytes

REQUIREMENTS = """\
version: 1
service: demo
sdk: mcp-2
clients: {{protocol: mixed{clients}}}
scale: {{instances: 3, affinity: available}}
environment: {{platform: {platform}, auth: {auth}, proxy: {{{proxy}}}}}
needs: {{sampling: required, progress: required}}
operations: {{can_operate_affinity: true}}
"""
NGINX = {"platform": "kubernetes", "auth": "none", "clients": "", "proxy": 'kind: nginx, version: "1.31"'}
HAPROXY = {**NGINX, "platform": "systemd", "proxy": "kind: haproxy"}
CADDY = {**NGINX, "platform": "systemd", "proxy": "kind: caddy"}
TRAEFIK = {**NGINX, "platform": "systemd", "proxy": "kind: traefik", "clients": ", keep_cookies: true"}
ENVOY = {**NGINX, "proxy": "kind: envoy"}
BEARER = {**NGINX, "auth": "bearer"}
# Name → the requirements, the file, a pattern of a line, and the text instead.
DAMAGES: dict[str, tuple[dict[str, str], str, str, str]] = {
    "a short timeout in nginx": (NGINX, "proxy/server.conf", r"proxy_read_timeout \S+;", "proxy_read_timeout 10s;"),
    "a short timeout in HAProxy": (HAPROXY, "proxy/haproxy.cfg", r"timeout server \S+", "timeout server 10s"),
    "a short timeout in Caddy": (CADDY, "proxy/Caddyfile", r"read_timeout \S+", "read_timeout 10s"),
    "a call that goes on without its client": (CADDY, "proxy/Caddyfile", r"lb_try_interval .*", "flush_interval -1"),
    "a repeated request in Traefik": (TRAEFIK, "proxy/traefik.yaml", r'status: \["599"\]', 'status: ["500-599"]'),
    "a short timeout in Traefik": (TRAEFIK, "proxy/traefik.yaml", r"writeTimeout: 0s", "writeTimeout: 10s"),
    "a short timeout in Envoy": (ENVOY, "proxy/envoy.yaml", r" timeout: 0s", " timeout: 15s"),
    "a repeated request": (HAPROXY, "proxy/haproxy.cfg", r"timeout server \S+", "retry-on all-retryable-errors"),
    "a short memory of the session table": (NGINX, "proxy/upstreams.conf", r"timeout=24h", "timeout=1s"),
    "a short life of sealed state": (
        NGINX,
        "server/runtime/sdk.py",
        r"keys=SETTINGS.sealing_keys\)",
        "keys=SETTINGS.sealing_keys, ttl=1)",
    ),
    "no bound of a graceful stop": (NGINX, "server/runtime/serving.py", r"timeout_graceful_shutdown=\S+", ""),
    "no drain": (NGINX, "server/runtime/drain.py", r"(?s).*", ""),
    "a small body limit": (NGINX, "proxy/server.conf", r"client_max_body_size \S+;", "client_max_body_size 1k;"),
    "few connections": (NGINX, "proxy/nginx.conf", r"worker_connections \d+;", "worker_connections 64;"),
    "complete session ids in the log": (NGINX, "proxy/nginx.conf", r"\.\{1,12\}", ".*"),
    "a token dropped on the way": (BEARER, "proxy/server.conf", r"^gzip off;", 'proxy_set_header Authorization "";'),
    "public metrics": (NGINX, "kubernetes/network-policy.yaml", r"\{mcp-metrics: allowed\}", "{}"),
    "another image": (NGINX, "compose.yaml", r"image: .*", "image: nothing"),
    "another user": (NGINX, "server/Dockerfile", r"^USER .*", "USER root"),
    "a short grace period of a pod": (NGINX, "kubernetes/server.yaml", r"PeriodSeconds: 1\d\d", "PeriodSeconds: 1"),
    "a short grace period of a unit": (HAPROXY, "systemd/demo@.service", r"TimeoutStopSec=\S+", "TimeoutStopSec=1"),
}

Kit = Callable[[dict[str, str]], tuple[bytes, list[KitFile]]]


@pytest.fixture
def kit(advisor: Advisor, tmp_path: Path) -> Kit:
    """A function from requirements to their text and the files of their kit, which it writes."""

    def write(given: dict[str, str]) -> tuple[bytes, list[KitFile]]:
        raw = REQUIREMENTS.format(**given).encode()
        files = render_kit(advisor.decide(load_bytes(raw, "demo.yaml", advisor.space)), raw.decode())
        for file in files:
            path = tmp_path / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.content)
        return raw, files

    return write


@pytest.mark.parametrize("given", [NGINX, HAPROXY, TRAEFIK, ENVOY, BEARER])
def test_a_new_kit_has_no_edits(kit: Kit, tmp_path: Path, given: dict[str, str]) -> None:
    _, files = kit(given)
    assert read_kit_edits(tmp_path, files) == ([], [])


@pytest.mark.parametrize("damage", DAMAGES)
def test_verify_names_the_damaged_line(advisor: Advisor, kit: Kit, tmp_path: Path, damage: str) -> None:
    given, name, pattern, instead = DAMAGES[damage]
    raw, _ = kit(given)
    path = tmp_path / name
    text, count = re.subn(pattern, instead, path.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1
    path.write_text(text)
    planned = plan(raw, load_bytes(raw, "demo.yaml", advisor.space), advisor, VerifyOptions(), tmp_path)
    assert planned.problems == ()
    (note,) = [note for note in planned.prepared.notes if "differ from the generated kit" in note]
    assert f"\n    {name}\n" in note
    new = instead.strip().splitlines()
    assert not new or re.search(rf"^      \+ .*{re.escape(new[-1].strip())}", note, re.MULTILINE)
    used = name.startswith(("proxy/", "server/")) and not name.endswith("Dockerfile")
    assert ("The fleet of this run uses these lines" in note) == used


def test_comments_tools_and_tests_can_change(kit: Kit, tmp_path: Path) -> None:
    _, files = kit(NGINX)
    for name in ("proxy/nginx.conf", "server/tools.py", "tests/client.py", "README.md"):
        with (tmp_path / name).open("a") as out:
            out.write("\n# My own remark.\n")
    (tmp_path / "server/tools.py").write_text("import mine\n")
    assert read_kit_edits(tmp_path, files) == ([], [])


@pytest.mark.parametrize("name", ["compose.yaml", "kubernetes/server.yaml", "server/pyproject.toml"])
def test_a_file_that_does_not_parse_is_a_problem(kit: Kit, tmp_path: Path, name: str) -> None:
    _, files = kit(NGINX)
    (tmp_path / name).write_text("a: [\n")
    (problem,), _ = read_kit_edits(tmp_path, files)
    assert problem.startswith(f"{name} cannot be parsed: ")


def test_a_kit_of_another_release_gives_a_short_remark(kit: Kit, tmp_path: Path) -> None:
    _, files = kit(NGINX)
    path = tmp_path / "kubernetes/server.yaml"
    path.write_text(path.read_text().replace(": ", ":  "))
    _, (note,) = read_kit_edits(tmp_path, files)
    assert len(note.splitlines()) < 80
    assert "more" in note


def test_missing_files_of_another_platform_are_named(kit: Kit, tmp_path: Path) -> None:
    _, files = kit(NGINX)
    (tmp_path / "compose.yaml").unlink()
    problems, (note,) = read_kit_edits(tmp_path, files)
    assert problems == []
    assert "\n    compose.yaml\n" in note
