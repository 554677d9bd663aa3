"""SIGTERM ends a test run in order: its fixtures end the programs that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import users_of

HERE = Path(__file__).parent
TESTS = """
import pathlib, sys, time
import proxy_rig

def test_waits(tmp_path):
    code = "import time; time.sleep(600)"
    with proxy_rig.process([sys.executable, "-c", code, str(tmp_path)], tmp_path / "log"):
        pathlib.Path("started").touch()
        time.sleep(600)
"""


@pytest.mark.parametrize("options", [(), pytest.param(("-n", "1"), marks=pytest.mark.thorough)], ids=["alone", "xdist"])
def test_sigterm_leaves_no_program_of_a_fixture(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p conftest\n")
    # The options of this run, such as those that measure coverage, are not for the inner run.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV"))}
    paths = os.pathsep.join(map(str, (HERE, HERE / "kit", HERE.parent)))
    command = [sys.executable, "-m", "pytest", "-q", "--basetemp", str(tmp_path / "inner"), *options]
    with (tmp_path / "output").open("wb") as output:
        run = subprocess.Popen(command, cwd=tmp_path, env={**kept, "PYTHONPATH": paths}, stdout=output, stderr=output)
    end = time.monotonic() + 60
    while not (tmp_path / "started").exists():
        assert run.poll() is None, (tmp_path / "output").read_text()
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)
    assert users_of(tmp_path / "inner")
    run.send_signal(signal.SIGTERM)
    assert run.wait(60) == pytest.ExitCode.INTERRUPTED
    assert not users_of(tmp_path / "inner")
