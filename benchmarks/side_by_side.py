"""Runs two programs alternately (A B A B …) and compares each pair, so that a slow machine affects both equally."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable


def processes(a: list[str], b: list[str], runs: int = 15) -> str:
    """Two commands as processes: the median wall time of each in seconds, and the median ratio of the pairs."""
    return pairs(lambda: _process(a), lambda: _process(b), runs)


def _process(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"{command} failed: {done.stderr.decode()}")


def pairs(a: Callable[[], object], b: Callable[[], object], runs: int) -> str:
    """Two functions: the median wall time of each, and the median ratio of the pairs."""
    a(), b()  # one warm-up each
    times = [(_time(a), _time(b)) for _ in range(runs)]
    ratios = sorted(one / other for one, other in times)
    first, second = (statistics.median(column) for column in zip(*times, strict=True))
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    return f"{_show(first)} against {_show(second)}: ratio {statistics.median(ratios):.2f} ({spread})"


def _time(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _show(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds >= 0.01 else f"{seconds * 1e6:.2f} µs"
