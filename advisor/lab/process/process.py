"""One process of a run, the leader of a group (and session) of its own."""

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
"""After SIGKILL a process is gone at once, unless the kernel holds it."""

# What the user's shell says to their own servers must not reach those of the lab.
_FOREIGN = re.compile(
    r"MCP_|FASTMCP_|PYTHON|UVICORN_|REDIS_|ENVOY_|OTEL_|WEB_CONCURRENCY$|FORWARDED_ALLOW_IPS$"
    r"|NGINX$|LISTEN_(?:FDS|FDNAMES|PID)$|NOTIFY_SOCKET$|VIRTUAL_ENV"
)


def clean_environment(mark: str, temporary: Path) -> dict[str, str]:
    """What a process of a run finds in its environment.

    Args:
        mark: the run's mark.
        temporary: the folder for temporary files.
    """
    clean = {key: value for key, value in os.environ.items() if not _FOREIGN.match(key)}
    no_proxy = ",".join(filter(None, [clean.get("no_proxy") or clean.get("NO_PROXY"), "127.0.0.1,localhost"]))
    return {
        **clean,
        "no_proxy": no_proxy,
        "NO_PROXY": no_proxy,
        "COLUMNS": "400",  # logs are for searching, not for a screen: nothing wraps them
        "PYTHONUNBUFFERED": "1",  # a log is complete when its process is killed
        "TMPDIR": str(temporary),
        MARK_VARIABLE: f"{os.environ.get(MARK_VARIABLE, '')} {mark}".strip(),
    }


class Process:
    """A process that was started by `Run.start`.

    Attributes:
        name: as it was started.
        pid: its number, which is also that of its group and session.
        log: what it writes, both streams.
        started: when, by `time.monotonic`.
    """

    def __init__(
        self, name: str, popen: subprocess.Popen[bytes], log: Path, offset: int, gone: Callable[[int], None]
    ) -> None:
        """Args: offset: where in the log its part begins, bytes; gone: is told when its number is free again."""
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
        """Whether it runs; a stalled process does."""
        return self._popen.poll() is None

    @property
    def code(self) -> int | None:
        """How it ended: its exit code, minus the signal's number, or None when it runs."""
        return self._popen.poll()

    @property
    def held(self) -> bool:
        """Whether its number is still its own, or that of what came from it, as far as it was looked at."""
        return self._gone is not None

    def members(self) -> list[int]:
        """The living processes that came from it, itself included."""
        return [] if self._gone is None else [entry.pid for entry in family({self.pid})]

    def kill(self) -> None:
        """SIGKILL to it and everything that came from it."""
        self._send_group(signal.SIGKILL)

    def stall(self) -> None:
        """SIGSTOP to the group: it holds its connections and does nothing."""
        self._send_group(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT to the group."""
        self._send_group(signal.SIGCONT)

    def signal(self, number: int) -> None:
        """A signal to the process alone, as a service manager sends it; no error when it has ended."""
        self._popen.send_signal(number)

    async def terminate(self, grace_s: float = 5.0) -> int:
        """SIGTERM to the group, SIGKILL to what is there after `grace_s` seconds.

        Returns:
            How it ended, as `code`.
        """
        self._send_group(signal.SIGTERM)
        self._send_group(signal.SIGCONT)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.wait(), grace_s)
        self.kill()
        return await asyncio.wait_for(self.wait(), _ENDED_S)

    async def wait(self) -> int:
        """Wait until it ends (callers set the deadline).

        Returns:
            How it ended, as `code`.
        """
        while (code := self._popen.poll()) is None:
            await asyncio.sleep(POLL_S)
        return code

    def tail(self, lines: int = 20) -> list[str]:
        """The last lines that it wrote, without empty ones at the end."""
        with suppress(OSError), self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._offset, size - 500 * lines))
            return log.read().decode(errors="replace").rstrip().splitlines()[-lines:]
        return []

    def _send_group(self, number: int) -> None:
        """Children in groups of their own get the signal too. Each gets it once (a second SIGTERM means `at once`)."""
        family_ = family({self.pid}) if self.held else []
        # The system gives the number to no other process before its first owner was waited for.
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
        """Whether it and everything that came from it is gone; its number is given back then."""
        if self._gone is None:
            return True
        if self._popen.poll() is None or self.members():
            return False
        self._gone(self.pid)
        self._gone = None
        return True
