"""`ask` without a terminal shows no prompt. It decides if the answers are enough, or lists the missing keys."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from running import run_command_for_text


def ask(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command_for_text("ask", *arguments, cwd=tmp_path)


ENOUGH = """
service: svc
sdk: mcp-2
scale: {instances: 1, workers: 1}
environment: {platform: kubernetes, hosts: [mcp.example.com], proxy: {sse: true}}
workload: {longest_call_s: 60}
clients: {plain_http: false}
tools: [lookup, {name: report, needs: {progress: required}}]
"""


def test_the_missing_keys_are_named(tmp_path: Path) -> None:
    done = ask(tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    for key in ("service", "sdk", "scale.instances", "environment.platform", "environment.hosts", "needs"):
        assert key in done.stderr
    assert "clients.concurrent" not in done.stderr  # it is never asked
    assert list(tmp_path.iterdir()) == []


def test_only_what_can_still_change_the_outcome_is_missing(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(ENOUGH.replace("service: svc\n", ""))
    done = ask(tmp_path, "--answers", "known.yaml")
    assert done.returncode == 2
    assert "need a value: service." in done.stderr


def test_answers_that_are_enough_are_decided_and_saved(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(ENOUGH)
    done = ask(tmp_path, "--answers", "known.yaml")
    assert done.returncode == 0, done.stderr
    assert "stateless_http=False" in done.stdout
    assert "mcp-advisor recommend requirements.yaml" in done.stderr
    assert "mcp-advisor recommend requirements.yaml\n" not in done.stdout
    assert yaml.safe_load((tmp_path / "requirements.yaml").read_text())["tools"][0] == {"name": "lookup"}


def test_a_contradiction_is_saved_and_ends_with_3(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(
        ENOUGH.replace("mcp-2", "mcp-1").replace("plain_http: false", "protocol: modern")
    )
    done = ask(tmp_path, "--answers", "known.yaml")
    assert done.returncode == 3, done.stderr
    assert (tmp_path / "requirements.yaml").exists()


def test_an_existing_file_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(ENOUGH)
    (tmp_path / "requirements.yaml").write_text("service: precious\n")
    done = ask(tmp_path, "--answers", "known.yaml")
    assert done.returncode == 2
    assert "requirements.yaml already exists" in done.stderr
    assert (tmp_path / "requirements.yaml").read_text() == "service: precious\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--answers", "absent.yaml"], "absent.yaml"),
        (["-o", "absent/requirements.yaml"], "does not exist"),
        (["--answers", "bad.yaml"], "bad.yaml:1"),
    ],
)
def test_bad_arguments_are_one_message(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "bad.yaml").write_text("scale: {instances: -3}\n")
    done = ask(tmp_path, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
