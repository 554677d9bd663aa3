"""Runs two programs alternately (A B A B …) and compares each pair, so that a slow machine affects both equally."""

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable


def processes(a: list[str], b: list[str], runs: int = 15) -> str:
    """Two commands as processes: the median wall time of each in seconds, and the median ratio of the pairs."""
    return pairs(lambda: _process(a), lambda: _process(b), runs)


def _process(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        sys.exit(f"{command[0]} is missing. To install it: {sys.executable} -m pip install -e '.[bench]'")
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"{command} failed: {done.stderr.decode()}")


def pairs(a: Callable[[], object], b: Callable[[], object], runs: int) -> str:
    """Two functions: the median wall time of each, and the median ratio of the pairs."""
    a(), b()  # one warm-up each
    times = [(_time(a), _time(b)) for _ in range(runs)]
    ratios = sorted(first / second for first, second in times)
    mine, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    return f"{_show(mine)} against {_show(theirs)}: ratio {statistics.median(ratios):.2f} ({spread})"


def _time(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _show(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds >= 0.01 else f"{seconds * 1e6:.2f} µs"
