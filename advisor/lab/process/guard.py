"""The reaper of a run (reaper.py), as the run sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from advisor.lab.process import reaper

# Nothing but what some interpreters need to start; above all not the mark of a run that this one is part of.
_NEEDED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class Guard:
    """The process that outlives us (reaper.py), and the pipe that it holds on to."""

    def __init__(self, mark: str, folder: Path) -> None:
        arguments = [sys.executable, "-I", "-S", reaper.__file__, mark, str(folder)]
        self._popen = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={name: os.environ[name] for name in _NEEDED if name in os.environ},
            start_new_session=True,
            bufsize=0,
        )

    def tell(self, line: str) -> None:
        """Send a line; a reaper that is gone is noticed at the end of the run."""
        assert self._popen.stdin is not None
        with suppress(OSError, ValueError):
            self._popen.stdin.write(f"{line}\n".encode())

    def close(self) -> None:
        """Have it do its work."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()

    def running(self) -> bool:
        """Whether it still works."""
        return self._popen.poll() is None

    def succeeded(self) -> bool:
        """Whether it has ended everything; one that still works is ended here."""
        if self.running():
            self._popen.kill()
            self._popen.wait()
        return self._popen.returncode == 0
