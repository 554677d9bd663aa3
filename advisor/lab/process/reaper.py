"""End the processes of a run and remove its folder, even if the run itself was killed.

Every run starts this file as a program in its own session: `python -I -S reaper.py MARK FOLDER`. The program imports
only the standard library. The run holds the write end of the standard input, and sends these lines:

- `pid N`: N leads a new process group that belongs to the run.
- `gone N`: the process group N has ended, and the system can reuse N.
- `keep WHAT`: the part of the folder that stays: nothing, logs or everything.
- `end`: the run ends in order.

At the end of the input, the reaper ends every process of the run. The input also ends after a SIGKILL of the run, so no
process is left behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK_VARIABLE = "ADVISOR_LAB_RUN"
"""The environment variable with the marks of the runs of a process, separated by spaces. Runs can be nested."""

GRACE_S = 1.0
"""Seconds from SIGTERM to SIGKILL."""
DEADLINE_S = 10.0
"""Seconds after the first signal until the reaper stops trying. Such a process hangs in the kernel."""
_POLL_S = 0.02
_QUIET_SCANS = 10
"""Scans without a process after a killed run. A child between fork and exec does not have the mark yet."""

_PROC = Path("/proc")
# Some interpreters need these variables to start. The mark of an outer run must not be in the environment.
_NEEDED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """One process in the list of the kernel. `started` (clock ticks) distinguishes processes with an equal `pid`."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    dead: bool


def _entry(pid: int) -> ProcessEntry | None:
    """Read the entry of a process; None if the process has ended."""
    text = _read(pid, "stat")
    if not text:
        return None
    # The name is in parentheses and can contain any character, also parentheses.
    fields = text[text.rindex(b")") + 2 :].split(None, 20)
    return ProcessEntry(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]), fields[0] in b"ZXx")


def _read(pid: int, what: str) -> bytes:
    """Read a file of a process in /proc; b"" if the process has ended or is not readable. This must be fast."""
    try:
        handle = os.open(f"/proc/{pid}/{what}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        parts = []
        while part := os.read(handle, 65_536):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(handle)


def _marked(pid: int, mark: str) -> bool:
    wanted = MARK_VARIABLE.encode() + b"="
    text = _read(pid, "environ")
    if mark.encode() not in text:
        return False
    own = [variable for variable in text.split(b"\0") if variable.startswith(wanted)]
    return any(mark.encode() in variable[len(wanted) :].split(b" ") for variable in own)


def family(leaders: Collection[int], mark: str = "") -> list[ProcessEntry]:
    """Return every running process of a run, the youngest first.

    A process belongs to the run in three cases. It is in a process group or session of `leaders`, or it has `mark` in
    its environment, or it descends from such a process. Without /proc, only leaders of existing groups are found.
    """
    if not _PROC.joinpath("self", "stat").exists():
        return [ProcessEntry(pid, 0, pid, pid, 0, dead=False) for pid in leaders if _group_exists(pid)]
    entries = {
        entry.pid: entry
        for entry in map(_entry, [int(name) for name in os.listdir(_PROC) if name.isdigit()])  # noqa: PTH208 (cheap)
        if entry is not None and entry.pid != os.getpid()
    }
    found = {
        pid
        for pid, entry in entries.items()
        if entry.session in leaders or entry.group in leaders or (mark and _marked(pid, mark))
    }
    _add_descendants(found, entries.values())
    living = [entries[pid] for pid in found if not entries[pid].dead]
    return sorted(living, key=lambda entry: (-entry.started, -entry.pid))


def _add_descendants(found: set[int], entries: Collection[ProcessEntry]) -> None:
    grown = -1
    while grown != len(found):
        grown = len(found)
        found.update(entry.pid for entry in entries if entry.parent in found)


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    return True


def _send(entry: ProcessEntry, number: int) -> None:
    try:
        if entry.started:
            os.kill(entry.pid, number)
        else:
            os.killpg(entry.group, number)
    except OSError:
        pass  # the process has already ended


def end(leaders: Collection[int], mark: str, *, grace_s: float = GRACE_S, quiet_scans: int = 1) -> list[int]:
    """End every process of a run: SIGTERM, the youngest first, and SIGKILL after `grace_s` seconds.

    Args:
        leaders: the IDs of the run's process groups.
        mark: the run's mark; "" to find processes only by their groups.
        grace_s: seconds from SIGTERM to SIGKILL.
        quiet_scans: number of consecutive scans that must find no process.

    Returns:
        The IDs of the processes that did not end; [] unless a process hangs in the kernel.
    """
    began = time.monotonic()
    known: dict[tuple[int, int], ProcessEntry] = {}
    quiet = 0
    while True:
        living = {(entry.pid, entry.started): entry for entry in family(leaders, mark)}
        # A process that was found once is ended, even if its parent ended first and the process is no descendant now.
        living.update({key: entry for key, entry in known.items() if key not in living and _still(entry)})
        quiet = 0 if living else quiet + 1
        if quiet >= quiet_scans:
            return []
        if time.monotonic() - began > DEADLINE_S:
            return sorted(pid for pid, _ in living)
        _signal(living, known, kill=time.monotonic() - began >= grace_s)
        known.update(living)
        time.sleep(_POLL_S)


def _signal(living: dict[tuple[int, int], ProcessEntry], known: Collection[tuple[int, int]], *, kill: bool) -> None:
    for key, entry in living.items():
        if kill:
            _send(entry, signal.SIGKILL)
        elif key not in known:
            _send(entry, signal.SIGTERM)
            _send(entry, signal.SIGCONT)  # a stopped process does not handle SIGTERM


def _still(entry: ProcessEntry) -> bool:
    now = _entry(entry.pid)
    return now is not None and now.started == entry.started and not now.dead


def tidy(folder: Path, keep: str) -> None:
    """Remove the folder of a run, except the part to keep: nothing, logs or everything."""
    if keep == "everything":
        return
    # A process can write files at its last moment, so the removal is repeated.
    for _ in range(3):
        kept = folder / "logs" if keep == "logs" else folder
        for path in [folder] if kept is folder else [path for path in _inside(folder) if path != kept]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        if not folder.exists() or all(path == kept for path in _inside(folder)):
            return
        time.sleep(_POLL_S)


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def main(mark: str, folder: Path, lines: Iterable[str]) -> int:
    """Read lines until the run ends, then end its processes.

    Returns:
        The exit code: 0, or 1 if a process did not end.
    """
    leaders: set[int] = set()
    keep, in_order = "nothing", False
    for line in lines:
        word, _, value = line.strip().partition(" ")
        match word:
            case "pid":
                leaders.add(int(value))
            case "gone":
                leaders.discard(int(value))
            case "keep":
                keep = value
            case "end":
                in_order = True
    left = end(leaders, mark, quiet_scans=1 if in_order else _QUIET_SCANS)
    tidy(folder, keep)
    return 1 if left else 0


class Reaper:
    """The reaper process of a run, and the pipe to this process. The reaper process outlives the run."""

    def __init__(self, mark: str, folder: Path) -> None:
        arguments = [sys.executable, "-I", "-S", __file__, mark, str(folder)]
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
        """Send a line. The run notices a dead reaper at its end."""
        assert self._popen.stdin is not None
        with suppress(OSError, ValueError):
            self._popen.stdin.write(f"{line}\n".encode())

    def close(self) -> None:
        """Close the pipe, so that the reaper ends the processes."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()

    def running(self) -> bool:
        """Whether the reaper process runs."""
        return self._popen.poll() is None

    def succeeded(self) -> bool:
        """Whether the reaper has ended all processes. A reaper that still runs is killed."""
        if self.running():
            self._popen.kill()
            self._popen.wait()
        return self._popen.returncode == 0


if __name__ == "__main__":
    for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(_number, signal.SIG_IGN)
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.stdin))
