"""Whatever happens to a run, no process, port or folder of it is left."""

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
    """What the parent prints, up to a line."""
    lines: list[str] = []
    for line in output_of(parent):
        lines.append(line.strip())
        if lines[-1] == last:
            return lines
    raise AssertionError(f"ended before {last!r}: {parent.stderr and parent.stderr.read()}")


def ports_in(lines: list[str]) -> list[int]:
    return [int(line) for line in lines if line.strip().isdigit()]


def assert_nothing_is_left(temporary: Path, ports: list[int], but: int = 0) -> None:
    """No folder and no process but those of `but` runs, and nobody at the ports."""
    until("folders are gone", lambda: len(list(temporary.iterdir())) == but)
    if not but:
        until("processes are gone", lambda: not users_of(temporary))
    assert all(map(refused, ports))


def killed_at(parent: subprocess.Popen[str], children: int, wait_s: float, group: bool) -> list[int]:
    """The ports of a parent that is killed (alone or with its process group) so long after it started some children."""
    lines = lines_until(parent, "opening") + [output_of(parent).readline() for _ in range(children)]
    time.sleep(wait_s)  # a moment of the start, not something to wait for
    os.killpg(parent.pid, signal.SIGKILL) if group else parent.kill()
    return ports_in(lines + output_of(parent).read().splitlines())


def test_kill_9_of_the_parent_leaves_nothing(temporary: Path, parents: Callable[..., subprocess.Popen[str]]) -> None:
    """At random moments while it starts five processes; a run beside it is not disturbed."""
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
def test_a_signal_ends_the_run_in_order(
    temporary: Path, parents: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """The children, who are not of the terminal's group, are told by SIGTERM."""
    note = tmp_path / "note"
    parent = parents("--note", str(note))
    ports = ports_in(lines_until(parent, "up"))
    os.killpg(parent.pid, number)
    _, errors = parent.communicate(timeout=30)
    assert parent.returncode == code
    assert errors == "Interrupted. All started programs have ended.\n"
    assert note.read_text().split() == ["SIGTERM"] * 5
    assert len(ports) == 5
    # Not `until`: when the parent has ended, all is done.
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
    for number in (signal.SIGINT, signal.SIGTERM):  # in the middle of it: deaf children take it a second
        os.killpg(parent.pid, number)
    _, errors = parent.communicate(timeout=30)
    assert (parent.returncode, errors) == (130, "Interrupted. All started programs have ended.\n")
    assert not list(temporary.iterdir())
    assert not users_of(temporary)


def test_a_signal_while_it_starts(temporary: Path, parents: Callable[..., subprocess.Popen[str]]) -> None:
    parent = parents("--children", "1000")
    lines = lines_until(parent, "opening")
    lines += [output_of(parent).readline() for _ in range(2)]
    parent.send_signal(signal.SIGINT)
    output, _ = parent.communicate(timeout=30)
    assert parent.returncode == 130
    assert not users_of(temporary)
    assert_nothing_is_left(temporary, ports_in(lines + output.splitlines()))


def test_a_program_whose_event_loop_is_stuck_ends_all_the_same(
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
    """Starts a child outside of any run."""
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


def test_a_process_that_nobody_announced_is_found_by_its_mark(started: Start) -> None:
    child = started(env={reaper.MARK_VARIABLE: "outer m1"})
    other = started(env={reaper.MARK_VARIABLE: "m11", "ELSE": "m1"})
    assert [entry.pid for entry in reaper.family((), "m1")] == [child.pid]
    assert reaper.end((), "m1") == []
    assert child.poll() == 0
    assert other.poll() is None


def test_a_number_that_was_given_back_is_nobodys(started: Start, tmp_path: Path) -> None:
    mine, others = started(), started()
    lines = [f"pid {mine.pid}", f"pid {others.pid}", f"gone {others.pid}", "end"]
    assert reaper.main("no-such-mark", tmp_path / "none", lines) == 0
    assert mine.poll() == 0
    assert others.poll() is None


def test_the_deaf_are_killed_and_the_stopped_too(started: Start, tmp_path: Path) -> None:
    note = tmp_path / "note"
    deaf, stopped = started("--deaf", "--note", str(note)), started("--deaf")
    stopped.send_signal(signal.SIGSTOP)
    assert reaper.end({deaf.pid, stopped.pid}, "", grace_s=0.2) == []
    assert (deaf.poll(), stopped.poll()) == (-signal.SIGKILL, -signal.SIGKILL)
    assert note.read_text() == "SIGTERM\n"


def test_a_stopped_process_may_end_in_order(started: Start) -> None:
    stopped = started()
    stopped.send_signal(signal.SIGSTOP)
    assert reaper.end({stopped.pid}, "", grace_s=9) == []
    assert stopped.poll() == 0


@pytest.mark.parametrize(
    ("keep", "left"),
    [("nothing", None), ("logs", {"logs", "logs/a.log"}), ("everything", {"logs", "logs/a.log", "venv", "venv/b"})],
)
def test_what_is_kept_of_the_folder(tmp_path: Path, keep: Keep, left: set[str] | None) -> None:
    folder = tmp_path / "run"
    for file in ("logs/a.log", "venv/b"):
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text("")
    reaper.tidy(folder, keep)
    found = {str(path.relative_to(folder)) for path in folder.rglob("*")} if folder.exists() else None
    assert found == left
