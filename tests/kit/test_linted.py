"""A linter finds nothing in a kit: the default rules of ruff, and lines of at most 120 characters."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lint_kits
import pytest

# As a user calls it, with the configuration of the kit where there is one.
DEFAULT = ("check", "--no-cache")
# In every folder of the kit, with the length of lines that the kit states for its server.
LENGTH = ("check", "--no-cache", "--isolated", "--select", "E501", "--line-length", "120")


@pytest.mark.thorough
def test_ruff_accepts_every_kit(decide: Callable[..., Any], tmp_path: Path) -> None:
    base = {"service": "demo", "environment.hosts": ["mcp.example.com"]}
    for sdk, case in lint_kits.PAIRS:
        lint_kits.write(decide({**base, "sdk": sdk, **lint_kits.FEATURES[case]}), tmp_path / sdk / case)
    for options in (DEFAULT, LENGTH):
        command = [sys.executable, "-m", "ruff", *options, "--output-format", "concise", "."]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:]
