"""Rates of loss and numbers of instances."""

from __future__ import annotations

import math

import pytest

from advisor.endpoint.statistics import instances, sessions_to_see, wilson


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(10, 30, 0.16, 0.57), (33, 100, 0.22, 0.46), (100, 300, 0.27, 0.41), (0, 44, 0.0, 0.131), (44, 44, 0.869, 1.0)],
)
def test_the_interval_is_that_of_wilson(hits: int, trials: int, low: float, high: float) -> None:
    found = wilson(hits, trials)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)


@pytest.mark.parametrize(("rate", "count"), [(1 / 3, 12), (1 / 10, 44), (1 / 100, 459)])
def test_a_loss_shows_at_least_once_in_so_many_sessions(rate: float, count: int) -> None:
    assert sessions_to_see(rate) == count
    assert (1 - rate) ** count <= 0.01 < (1 - rate) ** (count - 1)


def test_the_number_of_instances_follows_from_the_loss() -> None:
    assert instances(wilson(200, 300)).estimate == pytest.approx(3)
    assert instances(wilson(150, 300)).estimate == pytest.approx(2)
    assert math.isinf(instances(wilson(30, 30)).high)
    assert instances(wilson(1, 300)).estimate == 2
