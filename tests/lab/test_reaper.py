"""However a run ends, it leaves no process, port or folder."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from running import LAB, output_of, refused, until, users_of

from advisor.lab.process import reaper
from advisor.lab.process.run import Keep

pytestmark = pytest.mark.retried(
    "The processes of a run share the processors, and their start, their answers and their end have deadlines."
)

Start: TypeAlias = Callable[..., "subprocess.Popen[str]"]

CHILD = [sys.executable, "-I", "-S", str(LAB / "child.py")]


def lines_until(parent: subprocess.Popen[str], last: str) -> list[str]:
    """The lines that the parent prints, up to the line `last`."""
    lines: list[str] = []
    for line in output_of(parent):
        lines.append(line.strip())
        if lines[-1] == last:
            return lines
    raise AssertionError(f"ended before {last!r}: {parent.stderr and parent.stderr.read()}")


def ports_in(lines: list[str]) -> list[int]:
    return [int(line) for line in lines if line.strip().isdigit()]


def assert_nothing_is_left(temporary: Path, ports: list[int], but: int = 0) -> None:
    """Fail if folders or processes are left (except of `but` runs), or if a process listens on the ports."""
    until("folders are gone", lambda: len(list(temporary.iterdir())) == but)
    if not but:
        until("processes are gone", lambda: not users_of(temporary))
    assert all(map(refused, ports))


def killed_at(parent: subprocess.Popen[str], children: int, wait_s: float, group: bool) -> list[int]:
    """Kill a parent, or its process group, `wait_s` seconds after it started some children; returns its ports."""
    lines = lines_until(parent, "opening") + [output_of(parent).readline() for _ in range(children)]
    time.sleep(wait_s)  # this time selects a moment of the start
    os.killpg(parent.pid, signal.SIGKILL) if group else parent.kill()
    return ports_in(lines + output_of(parent).read().splitlines())


def test_kill_9_of_the_parent_leaves_nothing(temporary: Path, parents: Callable[..., subprocess.Popen[str]]) -> None:
    """SIGKILL comes at random moments while the parent starts five processes. Another run is not affected."""
    bystander = parents()
    its_ports = ports_in(lines_until(bystander, "up"))
    rng = random.Random(5)
    moments = [(children, rng.uniform(0, 0.1), group) for children in range(5) for group in (False, True)]
    with ThreadPoolExecutor(5) as pool:
        killed = list(pool.map(lambda moment: killed_at(parents(), *moment), moments))
    assert_nothing_is_left(temporary, list(chain(*killed)), but=1)
    assert not any(map(refused, its_ports))
    assert bystander.poll() is None
    bystander.kill()
    assert_nothing_is_left(temporary, its_ports)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["INT", "TERM", "HUP"]
)
def test_a_signal_ends_the_run_with_a_clean_up(
    temporary: Path, parents: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """The children are not in the process group of the terminal, so the parent sends them SIGTERM."""
    note = tmp_path / "note"
    parent = parents("--note", str(note))
    ports = ports_in(lines_until(parent, "up"))
    os.killpg(parent.pid, number)
    _, errors = parent.communicate(timeout=30)
    assert parent.returncode == code
    assert errors == "Interrupted. All started programs have ended.\n"
    assert note.read_text().split() == ["SIGTERM"] * 5
    assert len(ports) == 5
    # No `until` is needed: the clean-up is complete when the parent has ended.
    assert not list(temporary.iterdir())
    assert not users_of(temporary)
    assert all(map(refused, ports))


def test_signals_do_not_break_the_clean_up(
    temporary: Path, parents: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    note = tmp_path / "note"
    parent = parents("--note", str(note), "--deaf", "--children", "2")
    lines_until(parent, "up")
    os.killpg(parent.pid, signal.SIGINT)
    until("the children are told", note.exists)
    for number in (signal.SIGINT, signal.SIGTERM):  # during the clean-up: it waits one second for deaf children
        os.killpg(parent.pid, number)
    _, errors = parent.communicate(timeout=30)
    assert (parent.returncode, errors) == (130, "Interrupted. All started programs have ended.\n")
    assert not list(temporary.iterdir())
    assert not users_of(temporary)


def test_a_signal_during_the_start_leaves_nothing(
    temporary: Path, parents: Callable[..., subprocess.Popen[str]]
) -> None:
    parent = parents("--children", "1000")
    lines = lines_until(parent, "opening")
    lines += [output_of(parent).readline() for _ in range(2)]
    parent.send_signal(signal.SIGINT)
    output, _ = parent.communicate(timeout=30)
    assert parent.returncode == 130
    assert not users_of(temporary)
    assert_nothing_is_left(temporary, ports_in(lines + output.splitlines()))


def test_a_program_with_a_blocked_event_loop_ends(
    temporary: Path, parents: Callable[..., subprocess.Popen[str]]
) -> None:
    parent = parents("--stuck", "--children", "1")
    ports = ports_in(lines_until(parent, "up"))
    parent.send_signal(signal.SIGTERM)
    parent.communicate(timeout=30)
    assert parent.returncode == 143
    assert_nothing_is_left(temporary, ports)


@pytest.fixture
def started() -> Iterator[Start]:
    """A function that starts a child outside of any run."""
    children: list[subprocess.Popen[str]] = []

    def start(*options: str, **more: Any) -> subprocess.Popen[str]:
        command = [*CHILD, *options]
        child: subprocess.Popen[str] = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, start_new_session=True, **more
        )
        children.append(child)
        assert output_of(child).readline() == "ready\n"
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def test_an_unregistered_process_is_found_by_its_mark(started: Start) -> None:
    child = started(env={reaper.MARK_VARIABLE: "outer m1"})
    other = started(env={reaper.MARK_VARIABLE: "m11", "ELSE": "m1"})
    assert [entry.pid for entry in reaper.family((), "m1")] == [child.pid]
    assert reaper.end((), "m1") == []
    assert child.poll() == 0
    assert other.poll() is None


def test_a_process_that_the_run_released_is_not_killed(started: Start, tmp_path: Path) -> None:
    mine, others = started(), started()
    lines = [f"pid {mine.pid}", f"pid {others.pid}", f"gone {others.pid}", "end"]
    assert reaper.main("no-such-mark", tmp_path / "none", lines) == 0
    assert mine.poll() == 0
    assert others.poll() is None


def test_deaf_and_stopped_processes_are_killed(started: Start, tmp_path: Path) -> None:
    note = tmp_path / "note"
    deaf, stopped = started("--deaf", "--note", str(note)), started("--deaf")
    stopped.send_signal(signal.SIGSTOP)
    assert reaper.end({deaf.pid, stopped.pid}, "", grace_s=0.2) == []
    assert (deaf.poll(), stopped.poll()) == (-signal.SIGKILL, -signal.SIGKILL)
    assert note.read_text() == "SIGTERM\n"


def test_a_stopped_process_can_end_without_sigkill(started: Start) -> None:
    stopped = started()
    stopped.send_signal(signal.SIGSTOP)
    assert reaper.end({stopped.pid}, "", grace_s=9) == []
    assert stopped.poll() == 0


@pytest.mark.parametrize(
    ("keep", "left"),
    [("nothing", None), ("logs", {"logs", "logs/a.log"}), ("everything", {"logs", "logs/a.log", "venv", "venv/b"})],
)
def test_the_reaper_keeps_the_requested_part_of_the_folder(tmp_path: Path, keep: Keep, left: set[str] | None) -> None:
    folder = tmp_path / "run"
    for file in ("logs/a.log", "venv/b"):
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text("")
    reaper.tidy(folder, keep)
    found = {str(path.relative_to(folder)) for path in folder.rglob("*")} if folder.exists() else None
    assert found == left
