"""Starts processes of a run of the lab for a test, and finds processes, ports and folders that a run left."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

LAB = Path(__file__).parent / "lab"
DEADLINE_S = 30.0


def until(what: str, check: Callable[[], object]) -> None:
    """Poll until `check` is true."""
    end = time.monotonic() + DEADLINE_S
    while not check():
        assert time.monotonic() < end, f"timed out: {what}"
        time.sleep(0.02)


def users_of(folder: Path) -> dict[int, str]:
    """Every process with the folder in its environment or command: the processes of a run and its reaper."""
    found = {}
    for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
        with suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            if pid != os.getpid() and str(folder).encode() in command + environment:
                found[pid] = command.replace(b"\0", b" ").decode()
    return found


def output_of(process: subprocess.Popen[str]) -> IO[str]:
    """The output of a process that was started with a pipe."""
    assert process.stdout is not None
    return process.stdout


def refused(port: int) -> bool:
    """Whether no process listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty temporary folder for the runs of one test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def parents(temporary: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A function that starts tests/lab/parent.py in a process group of its own. The processes end with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(LAB / "parent.py"), *options]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True))
        return started[-1]

    yield start
    for parent in started:
        parent.kill()
        parent.communicate()
