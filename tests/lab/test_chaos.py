"""`verify --chaos` with real kits: a sound kit behaves as expected, and each fault of a broken kit is reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from weekly import some_weekly

from advisor.cli.schema_registry import schema_of
from advisor.decision.advisor import Advisor

retried = pytest.mark.retried(
    "Clients call a fleet while its processes end and start again, and each recovery has a deadline."
)

ROOT = Path(__file__).parents[2]
ERAS = ("legacy", "modern")
DEPLOYMENT = """
version: 1
service: {name}
clients: {{protocol: {protocol}}}
scale: {{instances: {instances}, affinity: available}}
environment: {{platform: systemd, proxy: {{kind: {proxy}}}, hosts: [{name}.example.com]}}
needs: {{{needs}}}
operations: {{shared_store: {store}}}
"""
NGINX = 'nginx, version: "1.31"'
# The command with shorter deadlines for a fleet that does not recover, so that the tests do not wait.
IMPATIENT = """
import sys
from advisor.lab.chaos import experiment
experiment.SETTLE_S = 10.0
from advisor.__main__ import main
sys.exit(main())
"""
# A test adds this code to runtime/settings.py: an instance fails when it is started again.
AGAIN = """
import pathlib, tempfile
_here = pathlib.Path(tempfile.gettempdir())
_started = _here / f"started-{os.environ['MCP_PORT']}"
if _started.exists() and WHEN:
    (_here / "spoilt").touch()
    SPOILT
_started.touch()
"""


def deployment(
    name: str, needs: str, *, proxy: str = NGINX, protocol: str = "mixed", instances: int = 3, store: str = "none"
) -> str:
    return DEPLOYMENT.format(name=name, needs=needs, proxy=proxy, protocol=protocol, instances=instances, store=store)


STICKY = deployment("desk", "sampling: required")
HAPROXY = deployment("desk", "sampling: required", proxy="haproxy")
CADDY = deployment("desk", "sampling: required", proxy="caddy")
TRAEFIK = deployment("desk", "sampling: required", proxy="traefik", protocol="mixed, keep_cookies: true")
ENVOY = deployment("desk", "sampling: required", proxy="envoy")
TWO_PROXIES = deployment("desk", "sampling: required", proxy="haproxy, replicas: 2")
STATELESS = deployment("lookup", "progress: required")
ALONE = deployment("alone", "sampling: required", instances=1)
SHARED = deployment("cart", "progress: required, session_state: required", store="redis")
OWNED = deployment("cart", "sampling: required, session_state: required", protocol="legacy", store="redis")


def chaos(
    target: Path | str, events: str, folder: Path, *, program: Sequence[str] = ("-m", "advisor")
) -> subprocess.CompletedProcess[str]:
    """`verify --chaos-only` of a kit or of a requirements file."""
    arguments = [part for event in events.split() for part in ("--event", event)]
    return subprocess.run(
        [sys.executable, *program, "verify", str(target), "--chaos-only", *arguments, "--format", "json"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def result(advisor: Advisor, done: subprocess.CompletedProcess[str]) -> Any:
    """The document of a run, checked against the schema."""
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema_of("verification", advisor.space))
    return found


def kit_in(folder: Path, requirements: str) -> Path:
    """A generated kit."""
    path = folder / "requirements.yaml"
    path.write_text(requirements)
    command = [sys.executable, "-m", "advisor", "generate", str(path), "-o", str(folder / "kit")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    return folder / "kit"


def edited(path: Path, old: str, new: str) -> None:
    """Replace a text that occurs once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path} has changed"
    path.write_text(text.replace(old, new))


def test_an_unknown_event_is_refused(tmp_path: Path) -> None:
    done = chaos("examples/exercise-1-research.yaml", "earthquake", tmp_path)
    assert done.returncode == 2
    assert "Unknown event 'earthquake'. The events are: instance-killed" in done.stderr


SOUND = (
    (STICKY, "nginx-sticky-learn", "instance-killed instance-vanished instance-stalled proxy-reloaded proxy-killed"),
    (HAPROXY, "haproxy-stick-table", "instance-killed instance-vanished proxy-reloaded proxy-killed"),
    (CADDY, "caddy-session-envelope", "instance-killed instance-vanished instance-stalled proxy-reloaded proxy-killed"),
    (
        TRAEFIK,
        "traefik-sticky-cookie",
        "instance-killed instance-vanished instance-stalled proxy-reloaded proxy-killed",
    ),
    (ENVOY, "envoy-session-envelope", "instance-killed instance-vanished proxy-killed"),
    (TWO_PROXIES, "haproxy-session-envelope", "instance-killed proxy-killed"),
    (STATELESS, "stateless", "instance-killed instance-stopped instances-replaced proxy-killed"),
    (ALONE, "single-instance", "instance-killed instance-stalled proxy-killed"),
    (SHARED, "stateless", "instance-killed redis-restarted redis-stalled"),
)


@pytest.mark.programs
@retried
@pytest.mark.parametrize(
    ("requirements", "keeping", "events"),
    some_weekly(SOUND, always=(SOUND[0], SOUND[5], SOUND[6], SOUND[8])),
    ids=["sticky", "haproxy", "caddy", "traefik", "envoy", "two proxies", "stateless", "alone", "shared"],
)
def test_a_sound_kit_behaves_as_expected_in_every_event(
    advisor: Advisor, tmp_path: Path, temporary: Path, requirements: str, keeping: str, events: str
) -> None:
    path = tmp_path / "requirements.yaml"
    path.write_text(requirements)
    done = chaos(path, events, temporary)
    found = result(advisor, done)
    assert done.returncode == 0, (found["chaos"], done.stderr)
    assert found["ok"]
    rows = found["chaos"]
    assert [(row["event"], row["era"]) for row in rows] == [(e, era) for e in events.split() for era in ERAS]
    assert {row["keeping"] for row in rows} == {keeping}
    for row in rows:
        assert row["calls"] > 5, row
        assert row["executed_twice"] == row["lost_elsewhere"] == 0
        assert row["running_call"]["seen"] == row["running_call"]["promised"], row
        assert row["handles"]["seen"] == row["handles"]["promised"], row
        assert (row["handles"]["calls"] > 0) == (requirements is SHARED), row
        if requirements is not ALONE and row["event"] != "proxy-killed":
            assert row["failed_after_retry"] == 0
    killed = rows[0]
    assert (killed["sessions_lost"] > 0) == (keeping != "stateless")
    assert not any(temporary.iterdir()), "something was left behind"


@pytest.mark.programs
@retried
def test_a_proxy_that_repeats_requests_is_reported(advisor: Advisor, tmp_path: Path, temporary: Path) -> None:
    kit = kit_in(tmp_path, STATELESS)
    once, twice = "proxy_next_upstream error timeout;", "proxy_next_upstream error non_idempotent;"
    edited(kit / "proxy/server.conf", once, twice)
    done = chaos(kit, "instance-killed", temporary)
    assert done.returncode == 1, done.stdout
    found = result(advisor, done)
    assert not found["ok"]
    assert sum(row["executed_twice"] for row in found["chaos"]) > 0
    assert any("executed twice" in row["detail"] for row in found["chaos"] if not row["agrees"])


@pytest.mark.programs
@retried
def test_a_proxy_that_fails_new_sessions_while_packets_vanish_is_reported(
    advisor: Advisor, tmp_path: Path, temporary: Path
) -> None:
    kit = kit_in(tmp_path, STICKY)
    edited(kit / "proxy/server.conf", "    proxy_next_upstream error timeout;", "    proxy_next_upstream error;")
    done = chaos(kit, "instance-vanished", temporary)
    assert done.returncode == 1, done.stdout
    details = [row["detail"] for row in result(advisor, done)["chaos"]]
    assert any("requests without a session failed although other instances run" in detail for detail in details)


@pytest.mark.programs
@retried
def test_a_haproxy_that_loses_its_table_at_a_reload_is_reported(
    advisor: Advisor, tmp_path: Path, temporary: Path
) -> None:
    kit = kit_in(tmp_path, HAPROXY)
    edited(kit / "proxy/haproxy.cfg", "expire 24h peers mcp_peers", "expire 24h")
    done = chaos(kit, "proxy-reloaded", temporary)
    assert done.returncode == 1, done.stdout
    legacy, modern = result(advisor, done)["chaos"]
    assert "sessions were lost, expected: 33% at most" in legacy["detail"]
    assert modern["agrees"]


@pytest.mark.programs
@retried
def test_sessions_that_are_lost_with_the_proxy_are_reported(advisor: Advisor, tmp_path: Path, temporary: Path) -> None:
    kit = kit_in(tmp_path, STICKY)
    path = kit / "decision.json"
    document = json.loads(path.read_text())
    legacy = next(
        row for row in document["expected_failures"] if (row["event"], row["era"]) == ("proxy-killed", "legacy")
    )
    legacy |= {"then": "5xx-then-retry", "felt": ["fails"]}  # as if the table of sessions survived the proxy
    path.write_text(json.dumps(document))
    done = chaos(kit, "proxy-killed", temporary)
    assert done.returncode == 1, done.stdout
    legacy, modern = result(advisor, done)["chaos"]
    assert "calls lost their session" in legacy["detail"]
    assert modern["agrees"]


@pytest.mark.programs
@retried
def test_state_that_is_not_shared_is_reported(advisor: Advisor, tmp_path: Path, temporary: Path) -> None:
    kit = kit_in(tmp_path, OWNED)
    # With session affinity and without failures, no client notices the fault.
    edited(kit / "server/runtime/sdk.py", "STATE: StateStore = shared_state.state_store()", "STATE = MemoryState()")
    done = chaos(kit, "instance-killed redis-restarted", temporary)
    assert done.returncode == 1, done.stdout
    killed, redis = result(advisor, done)["chaos"]
    assert "state handles were unknown" in killed["detail"]
    assert killed["handles"]["seen"] == "gone"
    assert "no call with a state handle failed" in redis["detail"]
    assert "was still there, expected: gone" in redis["detail"]


def spoilt(kit: Path, *, when: str, spoilt: str) -> Path:
    """The kit with a server that fails when it is started again."""
    hosts = 'LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")\n'
    code = AGAIN.replace("WHEN", when).replace("SPOILT", spoilt)
    edited(kit / "server/runtime/settings.py", hosts, hosts + code)
    return kit


@pytest.mark.programs
@retried
def test_a_fleet_that_does_not_recover_fails_one_row_only(advisor: Advisor, tmp_path: Path, temporary: Path) -> None:
    once = 'not (_here / "spoilt").exists()'
    # The server reports that it is healthy, and refuses every client.
    kit = spoilt(kit_in(tmp_path, STATELESS), when=once, spoilt="LOCAL_HOSTS = ()")
    done = chaos(kit, "instance-killed instance-stalled", temporary, program=("-c", IMPATIENT))
    assert done.returncode == 1, done.stdout
    found = result(advisor, done)
    killed, stalled = found["chaos"][:2], found["chaos"][2:]
    for row in killed:
        # A load balancer that marked the instance as down can send it no clients for some time.
        assert "not every client was served again within 10 s: main-" in row["detail"], row
        assert "HTTP 421" in row["detail"]
        assert f"logs: {found['logs']}" in row["detail"]
        assert row["calls"] > 5, "what was seen so far is there"
    assert [(row["event"], row["agrees"]) for row in stalled] == [("instance-stalled", True)] * 2
    assert list(Path(found["logs"]).glob("main-*.log"))


@pytest.mark.programs
@retried
def test_a_fleet_that_cannot_be_restarted_ends_the_run(advisor: Advisor, tmp_path: Path, temporary: Path) -> None:
    kit = spoilt(kit_in(tmp_path, ALONE), when="True", spoilt='raise SystemExit("not again")')
    done = chaos(kit, "instance-stalled instance-killed instance-stopped", temporary, program=("-c", IMPATIENT))
    assert done.returncode == 1, done.stdout
    rows = result(advisor, done)["chaos"]
    # The events run in the order of the rules.
    assert [(row["event"], row["era"]) for row in rows] == [("instance-killed", era) for era in ERAS]
    for row in rows:
        assert "ended before it was ready (exit code 1); log: " in row["detail"], row
        assert row["calls"] > 5, "what was seen so far is there"
    assert rows[-1]["detail"].endswith("; skipped events: instance-stalled, instance-stopped")
