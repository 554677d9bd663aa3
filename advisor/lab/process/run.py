"""One run of the lab with its folder, logs and processes. The end of the run removes them, also after an error."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from advisor.errors import AdvisorError, EndedBySignalError, EnvironmentLacksError, LabError
from advisor.files import lacking, reason
from advisor.lab.process import ports, reaper
from advisor.lab.process.interruption import caught
from advisor.lab.process.limits import require_resources
from advisor.lab.process.process import POLL_S, Process, clean_environment

__all__ = ["Launch", "Process", "Run"]

Keep = Literal["nothing", "logs", "everything"]

PORT_ATTEMPTS = 5
_TAKEN = re.compile(r"address (?:is )?already in use|address in use|EADDRINUSE", re.IGNORECASE)
# The last line of a traceback of Python, such as `SyntaxError: invalid syntax`, or an error of nginx or HAProxy.
_ERROR = re.compile(r"^\s*[A-Za-z_][\w.]*(?:Error|Exception)\b|\[(?:emerg|alert|ALERT)\]")
_CLOSE_S = reaper.DEADLINE_S + 5.0


def _if_busy() -> str:
    """What to do about a process that is too late. No option changes the limits of single steps."""
    load = f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors"
    return (
        f". A busy machine can cause this. This machine now has: {load}. If the load is higher than the number of "
        "processors, run the command again when the load is lower. Otherwise, read the log"
    )


@dataclass(frozen=True, slots=True)
class Launch:
    """The start of a process.

    Attributes:
        command: the program and its arguments.
        env: environment variables in addition to `clean_environment`.
        cwd: the working directory; the run's folder by default.
        ready: checks whether the process is ready. The check is repeated.
    """

    command: Sequence[str | Path]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    ready: Callable[[], Awaitable[bool]] | None = None


class Run:
    """One run of the lab. `open` creates it.

    Attributes:
        folder: a temporary folder, which is removed at the end unless `keep` is called.
        logs: the folder of the logs, with one file for each process name.
    """

    def __init__(self, name: str) -> None:
        """Args: name: a part of the folder's name."""
        if not hasattr(os, "killpg"):
            raise EnvironmentLacksError("The lab needs Linux or macOS; on Windows, run it in WSL.")
        self._mark = secrets.token_hex(8)
        self.folder = _temporary() / f"mcp-advisor-{_word(name)}-{self._mark}"
        self.logs = self.folder / "logs"
        self._keep: Keep = "nothing"
        self._processes: list[Process] = []
        # The reaper starts before the folder exists, so the folder is always removed.
        self._reaper = reaper.Reaper(self._mark, self.folder)
        for folder in (self.folder, self.logs, self.folder / "tmp"):
            folder.mkdir(mode=0o700)

    @classmethod
    @asynccontextmanager
    async def open(cls, name: str) -> AsyncIterator[Run]:
        """Open a run as a context. At its end, all processes are ended and the folder is removed.

        The logs stay after a `LabError` and after an unexpected exception. SIGINT, SIGTERM and SIGHUP cancel the task
        that opened the run.

        Raises:
            EndedBySignalError: one of these signals arrived.
            EnvironmentLacksError: the lab does not support this system, or a limit of the system is too low.
        """
        require_resources()
        with caught() as interruption:
            run = cls(name)
            try:
                yield run
            except BaseException as error:
                if not interruption.number:
                    run._failed(error)
                    raise
            finally:
                interruption.closing = True
                try:
                    await _unbroken(run._close())
                finally:
                    if interruption.number:
                        raise EndedBySignalError(interruption.number) from None

    def keep(self) -> None:
        """Keep the folder and its logs at the end."""
        self._keep = "everything"
        self._reaper.tell("keep everything")

    def keep_logs(self) -> None:
        """Keep only the logs at the end."""
        if self._keep == "nothing":
            self._keep = "logs"

    async def start(self, name: str, launch: Launch, *, deadline_s: float = 30.0) -> Process:
        """Start a process in its own session. Its output goes to `logs/NAME.log`.

        Args:
            name: name of the process and its log. A second process with this name appends to the log.
            launch: the start of the process.
            deadline_s: seconds until the process must be ready.

        Raises:
            LabError: the process could not be started, ended early, or was not ready in time.
        """
        process = self._spawn(name, launch)
        if launch.ready is not None:
            await self._until_ready(process, launch.ready, deadline_s)
        return process

    async def start_on_port(
        self, name: str, build: Callable[[int], Launch], *, port: int = 0, deadline_s: float = 30.0
    ) -> tuple[Process, int]:
        """Start a process that listens on a free port. If another program takes the port first, try another port.

        Args:
            name: as in `start`.
            build: returns the start of the process for a port. Without `ready`, a process that listens is ready.
            port: the port of an earlier process, which is needed again; 0 for a free port.
            deadline_s: seconds until the process must be ready, for each attempt.

        Returns:
            The process and its port.

        Raises:
            LabError: the process could not be started, ended early, or was not ready in time.
            EnvironmentLacksError: there is no free port, or other programs took each port first.
        """
        for _ in range(PORT_ATTEMPTS):
            chosen = port or ports.free_port()
            launch = build(chosen)
            process = self._spawn(name, launch)
            listens = _Listens(process, chosen, launch.ready)
            try:
                await self._until_ready(process, listens, deadline_s)
            except LabError:
                if port or not listens.taken():
                    raise
                continue
            return process, chosen
        raise EnvironmentLacksError(
            f"{name}: {PORT_ATTEMPTS} free ports in a row were taken by other programs before the process listened."
        )

    async def execute(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        deadline_s: float = 120.0,
    ) -> str:
        """Run a command to its end. Its standard error goes to `logs/NAME.log`, its output to `logs/NAME.out`.

        Processes that the command leaves behind are killed.

        Returns:
            The standard output.

        Raises:
            LabError: the command could not be started, failed with an exit code other than 0, or took too long.
        """
        out = self.logs / f"{_word(name)}.out"
        process = self._spawn(name, Launch(command, env or {}, cwd), out)
        try:
            code = await asyncio.wait_for(process.wait(), deadline_s)
        except asyncio.TimeoutError:
            raise self._error(process, f"{name} did not end within {deadline_s:g} s{_if_busy()}") from None
        finally:
            process.kill()
        output = out.read_text(errors="replace")
        if code:
            lines = process.tail() or output.rstrip().splitlines()[-20:]
            raise LabError(f"{name} failed ({_ending(code)}).", lines=lines, log=process.log)
        return output

    def _spawn(self, name: str, launch: Launch, out: Path | None = None) -> Process:
        log = self.logs / f"{_word(name)}.log"
        with log.open("ab") as errors, (out or log).open("wb" if out else "ab") as output:
            offset = errors.tell()
            try:
                popen = subprocess.Popen(
                    [str(part) for part in launch.command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    cwd=launch.cwd or self.folder,
                    env={**clean_environment(self._mark, self.folder / "tmp"), **launch.env},
                    start_new_session=True,
                )
            except OSError as error:
                if remedy := lacking(error.errno):
                    raise EnvironmentLacksError(f"{name} cannot start: {reason(error)}. {remedy}.") from error
                raise LabError(f"{name} could not be started: {reason(error)}", log=log) from error
        self._reaper.tell(f"pid {popen.pid}")
        process = Process(name, popen, log, offset, lambda pid: self._reaper.tell(f"gone {pid}"))
        self._processes.append(process)
        return process

    async def _until_ready(self, process: Process, ready: Callable[[], Awaitable[bool]], deadline_s: float) -> None:
        end = time.monotonic() + deadline_s
        while True:
            if not process.alive():
                process.kill()
                ending = f"{process.name} ended before it was ready ({_ending(process.code)})"
                raise self._error(process, f"{ending}{_cause(process.tail())}")
            left_s = end - time.monotonic()
            if left_s <= 0:
                process.kill()
                raise self._error(process, f"{process.name} was not ready within {deadline_s:g} s{_if_busy()}")
            with suppress(OSError, asyncio.TimeoutError):
                if await asyncio.wait_for(ready(), left_s):
                    return
            await asyncio.sleep(POLL_S)

    def _error(self, process: Process, reason: str) -> LabError:
        return LabError(f"{reason}.", lines=process.tail(), log=process.log)

    def _failed(self, error: BaseException) -> None:
        """Keep the logs of a failure, and add the path of the logs to the error."""
        # Cancellations and other errors of the advisor need no logs.
        if not isinstance(error, Exception) or (isinstance(error, AdvisorError) and not isinstance(error, LabError)):
            return
        self.keep_logs()
        if isinstance(error, LabError):
            error.log = error.log or self.logs
        elif hasattr(error, "add_note"):
            error.add_note(f"Logs of the lab: {self.logs}")

    async def _close(self) -> None:
        self._reaper.tell(f"keep {self._keep}")
        self._reaper.tell("end")
        self._reaper.close()
        end = time.monotonic() + _CLOSE_S
        while self._reaper.running() and time.monotonic() < end:
            self._wait_for_all()
            await asyncio.sleep(POLL_S)
        leaders = [process.pid for process in self._processes if process.held]
        if not self._reaper.succeeded():
            await asyncio.to_thread(reaper.end, leaders, self._mark)
            reaper.tidy(self.folder, self._keep)
        self._wait_for_all()
        left = [entry.pid for entry in reaper.family(leaders, self._mark)]
        if left:
            raise LabError(f"These processes could not be ended: {', '.join(map(str, left))}.")

    def _wait_for_all(self) -> None:
        for process in self._processes:
            process.alive()


class _Listens:
    """Checks that the process itself listens on the port and is ready."""

    def __init__(self, process: Process, port: int, ready: Callable[[], Awaitable[bool]] | None) -> None:
        self._process = process
        self._port = port
        self._ready = ready

    async def __call__(self) -> bool:
        # This cheap check comes first. Another program can listen on the port, so a second check follows.
        if not await ports.listening(self._port):
            return False
        if ports.held_by(self._port, self._process.members()) is False:
            if self.taken():
                self._process.kill()  # some programs try to open the port for a long time
            return False
        return self._ready is None or await self._ready()

    def taken(self) -> bool:
        """Whether another program uses the port. Its log shows this, or the process ended and the port is not free."""
        says_so = any(_TAKEN.search(line) for line in self._process.tail(200))
        # A process that was killed at its deadline did not end because of the port.
        ended = self._process.reaped() and self._process.code != -signal.SIGKILL
        return says_so or (ended and not ports.is_free(self._port))


async def _unbroken(work: Awaitable[None]) -> None:
    """Complete the work even if the task is cancelled meanwhile. The work must have its own deadline."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError


def _temporary() -> Path:
    """Return the system's folder for temporary files.

    The module `tempfile` is not used, because it writes a test file. The file would stay if the program is killed then.
    """
    places = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")] + ["/tmp", "/var/tmp"]
    for place in places:
        if place and os.access(place, os.W_OK | os.X_OK):
            return Path(place).resolve()
    raise EnvironmentLacksError("There is no folder for temporary files. To fix this, set TMPDIR to a writable folder.")


def _word(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name) or "process"


def _cause(lines: Sequence[str]) -> str:
    """Return the last error message in a log, for the end of a sentence; "" if the log has none."""
    found = [line.strip() for line in lines if _ERROR.search(line)]
    return f": {found[-1].rstrip('.')}" if found else ""


def _ending(code: int | None) -> str:
    if code is None:
        return "still running"
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
