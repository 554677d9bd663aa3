"""Tests outside of the core are not measured."""

from __future__ import annotations

import sys

from coverage import Coverage


def test_the_measurement_is_off_in_tests_that_do_not_count() -> None:
    assert Coverage.current() is None
    if sys.version_info >= (3, 12):
        assert sys.monitoring.get_tool(sys.monitoring.COVERAGE_ID) is None
    assert "coverage" not in type(sys.gettrace()).__module__
