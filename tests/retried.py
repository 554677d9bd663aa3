"""The mark `retried("cause")`: a test with a declared cause gets one second try, and the summary lists each second try.

The outcome of a test of real processes with deadlines can depend on how busy the machine is. Such a test declares the
cause. A test without the mark fails at its first failure.
"""

from __future__ import annotations

import pytest

_MARK = "retried"
_FAULT = pytest.StashKey[str]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test with the mark one second try. The slowest tests come first, so that no worker ends long after."""
    items.sort(key=lambda item: item.get_closest_marker("thorough") is None)
    for item in items:
        mark = item.get_closest_marker(_MARK)
        if item.get_closest_marker("flaky"):
            item.stash[_FAULT] = f"Use the mark {_MARK} instead of flaky."
        elif mark is not None and not _has_cause(mark):
            item.stash[_FAULT] = f'The mark {_MARK} needs a cause, as in @pytest.mark.{_MARK}("cause").'
        elif mark is not None:
            # Reports carry user properties from the workers of xdist to the summary.
            item.user_properties.append((_MARK, mark.args[0]))
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test whose mark is wrong. An error at collection has no message with xdist."""
    fault = item.stash.get(_FAULT, "")
    if fault:
        pytest.fail(fault, pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List each test that needed its second try, with its declared cause and its first failure."""
    reports = terminalreporter.stats.get("rerun", [])
    if reports:
        terminalreporter.section("tests that needed a second try")
    for report in reports:
        cause = dict(report.user_properties).get(_MARK, "no declared cause")
        terminalreporter.write_line(f"{report.nodeid}: {cause}", yellow=True)
        terminalreporter.write_line(report.longreprtext)


def _has_cause(mark: pytest.Mark) -> bool:
    return len(mark.args) == 1 and not mark.kwargs and isinstance(mark.args[0], str) and bool(mark.args[0].strip())
