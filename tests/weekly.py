"""The mark `weekly`: long tests, and further values of tests that run with some values in every run of `.ci/run`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def some_weekly(values: Iterable[Any], always: Collection[Any]) -> list[Any]:
    """Return parameters of a test: the values of `always`, and the other values with the mark `weekly`.

    A value is one parameter of the test, or a tuple of all its parameters.
    """
    known = list(values)
    assert set(always) < set(known), "every run has some of the values"
    return [value if value in always else _weekly(value) for value in known]


def _weekly(value: Any) -> Any:
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.weekly)
