"""Which tests count for the coverage of the core, if coverage is measured.

The measurement doubles the time of a test. The tests of the other packages also run the core, but they do not test it.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from coverage import Coverage

_TESTS = Path(__file__).parent
_FOLDERS = ("cli", "decision", "engine", "findings", "knowledge", "report", "requirements")
_FILES = ("lab/test_chaos_data.py", "lab/test_conduct.py", "lab/test_topology.py")  # checks of rules, and a report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Pause the measurement during other tests and tests with the mark `no_cover`, with their fixtures."""
    coverage = _only_one()
    if coverage is None or _counts(item):
        return (yield)
    coverage.stop()
    try:
        return (yield)
    finally:
        if Coverage.current() is None:  # pytest-cov has started it after a test with the mark `no_cover`
            coverage.start()


def _only_one() -> Coverage | None:
    """Return the only measurement, or None.

    In a worker of xdist, pytest-cov starts two measurements. While one of them is stopped, the other one continues.
    """
    coverage = Coverage.current()
    if coverage is None:
        return None
    coverage.stop()
    while (outer := Coverage.current()) is not None:
        outer.stop()
    coverage.start()
    return coverage


def _counts(item: pytest.Item) -> bool:
    if item.get_closest_marker("no_cover"):
        return False
    return any(item.path.is_relative_to(_TESTS / counted) for counted in (*_FOLDERS, *_FILES))
