"""Environments with the packages of a kit, created once for all processes of a test run."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.kit.model import KitContext
from advisor.lab.process import programs

# A mirror of the index might not have the newest root certificates. No test needs them.
OVERRIDES = "certifi>=2026.1\n"


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Callable[[KitContext], Path]:
    """A function from a kit to the interpreter of an environment with the requirements of the kit and with pytest.

    No test changes an environment. The first start in an environment compiles the packages. Therefore, all processes
    of pytest-xdist and all modules that import this fixture use the same environments.
    """
    base = tmp_path_factory.getbasetemp()
    # Each process of pytest-xdist has a folder of its own inside the folder of the run.
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    return lambda kit: _environment(shared / "environments", kit.installs)


def _environment(folder: Path, installs: list[str]) -> Path:
    """The interpreter of the environment with these requirements. The first caller creates it, and others wait."""
    uv = str(programs.program("uv"))
    environment = folder / hashlib.sha256("\0".join(installs).encode()).hexdigest()[:16]
    environment.mkdir(parents=True, exist_ok=True)
    overrides, installed = environment / "overrides.txt", environment / "installed"
    interpreter = environment / "venv" / "bin" / "python"
    with (environment / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists():
            shutil.rmtree(environment / "venv", ignore_errors=True)
            overrides.write_text(OVERRIDES)
            subprocess.run([uv, "venv", "-q", str(environment / "venv")], check=True)
            install = [uv, "pip", "install", "-q", "--python", str(interpreter), "--override", str(overrides)]
            subprocess.run([*install, *installs, "pytest>=8"], check=True)
            installed.touch()
    return interpreter
