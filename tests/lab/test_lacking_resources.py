"""A machine that lacks descriptors, memory, disk space or ports: the exit code is 4, and the message has a remedy."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from advisor.errors import EnvironmentLacksError, LabError
from advisor.lab.process import ports
from advisor.lab.process.environments import explained

EXAMPLE = Path(__file__).parents[2] / "examples" / "pattern-2-stateless-fleet.yaml"
# The output of uv 0.13 with a full TMPDIR.
FULL = (
    "error: Failed to install: idna-3.20-py3-none-any.whl (idna==3.20)",
    "  cause: failed to copy file to /tmp/venv/idna/.tmpER0suU: No space left on device (os error 28)",
)


def verify(limit: str) -> subprocess.CompletedProcess[str]:
    script = f'ulimit {limit}; exec "$0" -m advisor verify "$1"'
    command = ["bash", "-c", script, sys.executable, str(EXAMPLE)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("-n 24", "needs 512 open files, and the limit is 24. Raise the limit of open files"),
        ("-n 100", "needs 512 open files, and the limit is 100."),
        ("-v 400000", "needs 512 MiB of address space, and the limit is 390 MiB."),
    ],
)
def test_a_low_limit_is_no_finding_about_the_kit(temporary: Path, limit: str, said: str) -> None:
    done = verify(limit)
    assert done.returncode == 4, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("lines", [FULL, ("error: failed to open file `uv.toml`: Too many open files (os error 24)",)])
def test_a_full_disk_during_the_installation(lines: tuple[str, ...]) -> None:
    found = explained(LabError("failed", lines=lines), ["mcp==2.3.0"])
    assert isinstance(found, EnvironmentLacksError)
    assert str(found).startswith("Cannot install mcp==2.3.0:")
    assert ("Free space on the disk" in str(found)) == (lines == FULL)


def test_another_failure_of_the_installation_stays() -> None:
    error = LabError("failed", lines=("error: Permission denied (os error 13)",))
    assert explained(error, ["mcp"]) is error


def test_the_last_free_port_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    highest = ports._LOWEST + 400
    monkeypatch.setattr(ports, "_lowest_outgoing", lambda: highest + 1)
    monkeypatch.setattr(ports, "_given", [])
    with ExitStack() as stack:
        for port in range(ports._LOWEST, highest):
            listener = stack.enter_context(socket.socket())
            if ports.is_free(port):
                listener.bind(("", port))
        assert ports.free_port() == highest
        with pytest.raises(EnvironmentLacksError, match="No free port"):
            ports.free_port()
