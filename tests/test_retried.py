"""The mark `retried`: one second try, a cause that is demanded, and a list in the summary, also with xdist."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = """
import pathlib, pytest

def fails(times):
    count = pathlib.Path(__file__).with_name(f"count-{times}")
    tries = int(count.read_text()) if count.exists() else 0
    count.write_text(str(tries + 1))
    assert tries >= times, f"try {tries + 1} fails"

@pytest.mark.retried("A deadline of 1 s.")
@pytest.mark.parametrize("times", [0, 1, 2])
def test_marked(times):
    fails(times)

def test_plain():
    fails(9)
"""


# Each test starts another pytest.
pytestmark = pytest.mark.thorough


def run(folder: Path, tests: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p retried\nmarkers = retried\n")
    # The options of this run, such as those that measure coverage, are not for the inner run.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV"))}
    command = [sys.executable, "-m", "pytest", "-q", *options]
    env = {**kept, "PYTHONPATH": str(HERE)}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=env)


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_marked_test_has_one_second_try_and_the_summary_lists_it(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run(tmp_path, TESTS, *options)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "2 failed, 2 passed, 2 rerun" in done.stdout
    listed = [line for line in done.stdout.splitlines() if line.endswith(": A deadline of 1 s.")]
    assert sorted(listed) == [f"test_it.py::test_marked[{times}]: A deadline of 1 s." for times in (1, 2)]
    _, _, summary = done.stdout.partition("tests that needed a second try")
    assert "AssertionError: try 1 fails" in summary
    assert {path.name: path.read_text() for path in tmp_path.glob("count-*")} == {
        "count-0": "1",
        "count-1": "2",
        "count-2": "2",
        "count-9": "1",
    }


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("retried", "The mark retried needs a cause"),
        ("retried()", "The mark retried needs a cause"),
        ('retried(" ")', "The mark retried needs a cause"),
        ("flaky(reruns=3)", "Use the mark retried instead of flaky"),
    ],
)
def test_the_mark_retried_needs_a_cause(tmp_path: Path, mark: str, said: str) -> None:
    done = run(tmp_path, f"import pytest\n@pytest.mark.{mark}\ndef test_one(): pass\n", "-n", "1")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert f"ERROR test_it.py::test_one - Failed: {said}" in done.stdout
