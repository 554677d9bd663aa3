"""Runs the command in a test, starts processes of a run of the lab, and finds what a run left."""

from __future__ import annotations

import gc
import io
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

from advisor.cli import main

LAB = Path(__file__).parent / "lab"
DEADLINE_S = 30.0


def until(what: str, check: Callable[[], object]) -> None:
    """Poll until `check` is true."""
    end = time.monotonic() + DEADLINE_S
    while not check():
        assert time.monotonic() < end, f"timed out: {what}"
        time.sleep(0.02)


def run_command(
    *arguments: Path | str, stdin: bytes = b"", cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run `mcp-advisor` in this process, which takes a fraction of the time of another process.

    The command sees no terminal, and its streams use UTF-8. Tests of the process itself start one.
    """
    given, out, err = (io.BytesIO(content) for content in (stdin, b"", b""))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        if cwd is not None:
            patch.chdir(cwd)
        patch.setattr(sys, "stdin", io.TextIOWrapper(given, encoding="utf-8"))
        patch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8"))
        patch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding="utf-8", errors="backslashreplace"))
        collects = gc.isenabled()
        try:
            with pytest.raises(SystemExit) as ended:
                main([str(argument) for argument in arguments])
        finally:
            if collects:
                gc.enable()
        sys.stdout.flush()
        sys.stderr.flush()
        written = out.getvalue(), err.getvalue()
    return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), *written)


def run_command_for_text(
    *arguments: Path | str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `mcp-advisor` in this process, and return its output as text."""
    done = run_command(*arguments, stdin=b"", cwd=cwd, **environment)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


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
