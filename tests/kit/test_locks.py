"""The lock file of a kit: exact releases that meet the requirements of the kit, on every Python release."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from sdk_lines import SDK_LINES

from advisor.kit.context import kit_context
from advisor.kit.locks import lock_files, locked
from advisor.kit.render import render_kit

SDKS = (
    *(*SDK_LINES, "mcp==1.19.0", "mcp==1.21.0", "mcp==1.28.1"),
    *("mcp==2.0.0", "mcp==2.1.1", "fastmcp==2.11.0", "fastmcp==2.12.5", "fastmcp==2.13.0", "fastmcp==2.14.2"),
    *("fastmcp==3.0.0", "fastmcp==3.4.2", "fastmcp==4.0.0", "fastmcp==4.1.6"),
)
FLEET = {"service": "demo", "scale.instances": 3, "environment.auth": "none", "operations.shared_store": "redis"}


def pins(lines: list[str], python: str, system: str = "linux") -> dict[str, str]:
    """Package → release for a Python release and a system; fails if a package has two releases."""
    here = {**default_environment(), "python_full_version": f"{python}.4", "python_version": python}
    here |= {"sys_platform": system, "implementation_name": "cpython", "platform_python_implementation": "CPython"}
    found: dict[str, str] = {}
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate({key: str(value) for key, value in here.items()}):
            (exact,) = requirement.specifier
            assert exact.operator == "=="
            assert requirement.name not in found, f"two releases of {requirement.name}"
            found[requirement.name] = exact.version
    return found


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("sdk", SDKS)
def test_the_lock_meets_the_requirements_of_the_kit(decide: Callable[..., Any], sdk: str, python: str) -> None:
    kit = kit_context(decide({**FLEET, "sdk": sdk}))
    found = pins(locked(kit), python)
    for wanted in map(Requirement, [*kit.installs, kit.floor("pytest"), kit.floor("pyjwt"), kit.sdk.http]):
        assert wanted.specifier.contains(found[wanted.name]), f"{wanted} and {found[wanted.name]}"
    if "==" in sdk:
        assert found[kit.package] == sdk.partition("==")[2]
    below = found["mcp"].split(".")
    if below[0] == "1" and int(below[1]) < 22:  # without this limit, these releases do not start
        assert Requirement("pydantic<2.14").specifier.contains(found["pydantic"])


def test_a_stated_mcp_release_under_fastmcp_is_not_locked_to_another_one(decide: Callable[..., Any]) -> None:
    kit = kit_context(decide({**FLEET, "sdk": "fastmcp-2", "mcp_release": "1.26.0"}))
    assert "mcp==1.26.0" in kit.installs
    assert not [line for line in locked(kit) if re.match("mcp(-types)?==", line)]


def test_the_newest_release_of_each_line_has_a_lock_of_its_own(decide: Callable[..., Any]) -> None:
    for line in SDK_LINES:
        kit = kit_context(decide({**FLEET, "sdk": line}))
        newest = kit.knowledge.lines[line].newest
        assert list(lock_files(kit.package, newest.partition(".")[0]))[-1] == newest


@pytest.mark.parametrize("platform", ["kubernetes", "compose", "systemd", "serverless", "local"])
def test_every_installation_of_a_kit_uses_the_lock(decide: Callable[..., Any], platform: str) -> None:
    files = {file.path: file.content for file in render_kit(decide({**FLEET, "environment.platform": platform}), "")}
    assert "mcp==2" in files["server/requirements.lock"]
    for path, text in files.items():
        for line in text.splitlines():
            if re.search(r"pip install (?!--upgrade)", line):
                assert "requirements.lock" in line, f"{path}: {line}"
    assert "COPY pyproject.toml requirements.lock" in files["server/Dockerfile"]
