"""`mypy --strict` accepts the servers of each SDK line and of exact releases, next to the packages of a user."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lint_kits
import pytest
import sdk_environments
from sdk_lines import FASTMCP_LINES, SDK_LINES
from weekly import some_weekly

from advisor.kit.context import kit_context
from advisor.kit.model import KitContext

pytestmark = pytest.mark.programs

python = sdk_environments.python  # fixture

OFTEN = ("everything", "shared", "tokens", "tiered")
# Each line with several cases, and each release with a case in which its code differs from that of its line.
ALWAYS = (
    *((line, case) for line in SDK_LINES for case in OFTEN),
    *((release, "tokens") for release in lint_kits.RELEASES if lint_kits.has_kit(release, "tokens")),
    *((line, "oauth-proxy") for line in FASTMCP_LINES),
    ("fastmcp==2.12.5", "everything"),
    ("mcp-2", "local"),
)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of mypy for the packages of a user."""
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize(("sdk", "case"), some_weekly(lint_kits.PAIRS, always=ALWAYS))
def test_a_user_finds_no_error_with_strict_types(
    decide: Callable[..., Any],
    python: Callable[[KitContext], Path],
    cache: Path,
    sdk: str,
    case: str,
    tmp_path: Path,
) -> None:
    base = {"service": "demo", "environment.hosts": ["mcp.example.com"]}
    decision = decide({**base, "sdk": sdk, **lint_kits.FEATURES[case]})
    lint_kits.write(decision, tmp_path)
    packages = ["--cache-dir", str(cache / sdk), "--python-executable", str(python(kit_context(decision)))]
    command = [sys.executable, "-m", "mypy", "--strict", *packages, "."]
    done = subprocess.run(command, cwd=tmp_path / "server", capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
