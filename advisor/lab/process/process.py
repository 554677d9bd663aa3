"""One process of a run. Each process leads its own process group and session."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from advisor.lab.process.reaper import MARK_VARIABLE, family

POLL_S = 0.02
_ENDED_S = 5.0
"""Seconds to wait for the end of a process after SIGKILL. Usually the process ends immediately."""

# These environment variables of the user must not reach the servers of the lab.
_FOREIGN = re.compile(
    r"MCP_|FASTMCP_|PYTHON|UVICORN_|REDIS_|ENVOY_|OTEL_|WEB_CONCURRENCY$|FORWARDED_ALLOW_IPS$"
    r"|NGINX$|LISTEN_(?:FDS|FDNAMES|PID)$|NOTIFY_SOCKET$|VIRTUAL_ENV"
)


def clean_environment(mark: str, temporary: Path) -> dict[str, str]:
    """Return the environment variables of a process of a run.

    Args:
        mark: the mark of the run, by which the reaper finds its processes.
        temporary: the folder for temporary files.
    """
    clean = {key: value for key, value in os.environ.items() if not _FOREIGN.match(key)}
    no_proxy = ",".join(filter(None, [clean.get("no_proxy") or clean.get("NO_PROXY"), "127.0.0.1,localhost"]))
    return {
        **clean,
        "no_proxy": no_proxy,
        "NO_PROXY": no_proxy,
        "COLUMNS": "400",  # programs must not wrap log lines, because the lab searches the logs
        "PYTHONUNBUFFERED": "1",  # the log must be complete when its process is killed
        "TMPDIR": str(temporary),
        MARK_VARIABLE: f"{os.environ.get(MARK_VARIABLE, '')} {mark}".strip(),
    }


class Process:
    """A process that was started by `Run.start`.

    Attributes:
        name: name of the process in the run.
        pid: process ID, which is also the ID of the process group and session.
        log: path of the log, which has standard output and standard error.
        started: start time by `time.monotonic`.
    """

    def __init__(
        self, name: str, popen: subprocess.Popen[bytes], log: Path, offset: int, gone: Callable[[int], None]
    ) -> None:
        """Args: offset: start of this process in the log, in bytes; gone: called when the process ID is free again."""
        self.name = name
        self.pid = popen.pid
        self.log = log
        self.started = time.monotonic()
        self._popen = popen
        self._offset = offset
        self._gone: Callable[[int], None] | None = gone

    def __repr__(self) -> str:
        return f"<Process {self.name} {self.pid}>"

    def alive(self) -> bool:
        """Whether the process runs. A stalled process also runs."""
        return self._popen.poll() is None

    @property
    def code(self) -> int | None:
        """The exit code; after a signal, minus the number of the signal; None while the process runs."""
        return self._popen.poll()

    @property
    def held(self) -> bool:
        """Whether the process ID still belongs to this process or its children. `reaped` updates this."""
        return self._gone is not None

    def members(self) -> list[int]:
        """The IDs of the running processes among this process and its descendants."""
        return [] if self._gone is None else [entry.pid for entry in family({self.pid})]

    def kill(self) -> None:
        """Send SIGKILL to the process and all its descendants."""
        self._send_group(signal.SIGKILL)

    def stall(self) -> None:
        """Send SIGSTOP to the process group. The processes keep their connections and do nothing."""
        self._send_group(signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT to the process group."""
        self._send_group(signal.SIGCONT)

    def signal(self, number: int) -> None:
        """Send a signal only to the process, as a service manager does. An ended process causes no error."""
        self._popen.send_signal(number)

    async def terminate(self, grace_s: float = 5.0) -> int:
        """Send SIGTERM to the process group, and SIGKILL to the rest after `grace_s` seconds.

        Returns:
            The exit code, as in `code`.
        """
        self._send_group(signal.SIGTERM)
        self._send_group(signal.SIGCONT)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.wait(), grace_s)
        self.kill()
        return await asyncio.wait_for(self.wait(), _ENDED_S)

    async def wait(self) -> int:
        """Wait for the end of the process. The caller sets a deadline.

        Returns:
            The exit code, as in `code`.
        """
        while (code := self._popen.poll()) is None:
            await asyncio.sleep(POLL_S)
        return code

    def tail(self, lines: int = 20) -> list[str]:
        """The last lines of the process in its log, without empty lines at the end."""
        with suppress(OSError), self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._offset, size - 500 * lines))
            return log.read().decode(errors="replace").rstrip().splitlines()[-lines:]
        return []

    def said(self, text: str) -> int:
        """How often the log of the process contains a text."""
        with suppress(OSError), self.log.open("rb") as log:
            log.seek(self._offset)
            return log.read().count(text.encode())
        return 0

    def _send_group(self, number: int) -> None:
        """Send a signal once to each process of the group, and to children in other groups.

        A second SIGTERM makes some programs exit without a drain.
        """
        family_ = family({self.pid}) if self.held else []
        # The system does not reuse a process ID until the parent has waited for the process.
        whole = self._popen.poll() is None
        with suppress(ProcessLookupError, PermissionError):
            if whole:
                os.killpg(self.pid, number)
        for entry in family_:
            if not (whole and entry.group == self.pid):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(entry.pid, number)
        self.reaped()

    def reaped(self) -> bool:
        """Whether the process and all its descendants have ended. Then its process ID is released."""
        if self._gone is None:
            return True
        if self._popen.poll() is None or self.members():
            return False
        self._gone(self.pid)
        self._gone = None
        return True
