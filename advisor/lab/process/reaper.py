"""Ends the processes of a run and removes its folder, also when the run itself was killed.

Every run starts this file as a program (`python -I -S reaper.py MARK FOLDER`; it imports only the standard library) in
a session of its own and holds the write end of its standard input. Lines that come in:

    pid N      N leads a new process group that belongs to the run
    gone N     that group has ended; its number may belong to somebody else from now on
    keep WHAT  what of the folder stays: nothing | logs | everything
    end        the run ends in order

At the end of the input, every process of the run is ended. The input also ends when the run itself is killed, so that
not even SIGKILL leaves a process behind.
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
"""Holds the marks of the runs that a process belongs to (a run may be started inside a run), with a space between."""

GRACE_S = 1.0
"""From SIGTERM to SIGKILL."""
DEADLINE_S = 10.0
"""A process that is there so long after the first signal cannot be ended (it hangs in the kernel)."""
_POLL_S = 0.02
_QUIET_SCANS = 10
"""After a violent end a child may be between fork and exec: it is not to be recognised yet, so look again."""

_PROC = Path("/proc")
# What some interpreters need to start. The mark of an outer run must not be in the environment.
_NEEDED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """One process as the kernel lists it; `started` (in clock ticks) tells it from a later process of this number."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    dead: bool


def _entry(pid: int) -> ProcessEntry | None:
    """The process, or None when it is gone."""
    text = _read(pid, "stat")
    if not text:
        return None
    # The name stands in parentheses and may hold anything, parentheses too.
    fields = text[text.rindex(b")") + 2 :].split(None, 20)
    return ProcessEntry(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]), fields[0] in b"ZXx")


def _read(pid: int, what: str) -> bytes:
    """What the kernel says of a process, b"" when it is gone or not ours to see; all of /proc is read often."""
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
    """Every living process of a run, the youngest first.

    A process belongs to the run when it is in a group or session of `leaders`, carries `mark` in its environment
    (a child of a child, a process in a session of its own), or descends from such a process.
    Where there is no /proc, only the leaders of groups that are still there are found.
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
        pass  # it is gone, which is what we want


def end(leaders: Collection[int], mark: str, *, grace_s: float = GRACE_S, quiet_scans: int = 1) -> list[int]:
    """End every process of a run: SIGTERM, the youngest first, and SIGKILL to what is there after `grace_s` seconds.

    Args:
        leaders: the numbers of the run's process groups.
        mark: the run's mark, or "" to go by the groups alone.
        grace_s: seconds from SIGTERM to SIGKILL.
        quiet_scans: how many looks in a row must find nothing.

    Returns:
        The processes that could not be ended; [] unless the kernel holds a process.
    """
    began = time.monotonic()
    known: dict[tuple[int, int], ProcessEntry] = {}
    quiet = 0
    while True:
        living = {(entry.pid, entry.started): entry for entry in family(leaders, mark)}
        # One that was found stays found, also when it has left its family (its parent was ended first).
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
            _send(entry, signal.SIGCONT)  # a stopped process does not see SIGTERM


def _still(entry: ProcessEntry) -> bool:
    now = _entry(entry.pid)
    return now is not None and now.started == entry.started and not now.dead


def tidy(folder: Path, keep: str) -> None:
    """Remove the folder of a run, but for what is kept: nothing, logs or everything."""
    if keep == "everything":
        return
    # What a process wrote at its last moment may come in between.
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
    """Listen until the run ends, then end what is left of it.

    Returns:
        The exit code: 0, or 1 when a process could not be ended.
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
    """The reaper as its run sees it: a process that outlives the run, and the pipe to it."""

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
        """Whether it has ended everything. A reaper that still works is ended here."""
        if self.running():
            self._popen.kill()
            self._popen.wait()
        return self._popen.returncode == 0


if __name__ == "__main__":
    for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(_number, signal.SIG_IGN)
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.stdin))
