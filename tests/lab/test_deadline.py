"""The time limit of a run: it ends only the work that takes too long, and says so."""

from __future__ import annotations

import asyncio

import pytest

from advisor.errors import LabError
from advisor.lab.process.deadline import deadline


def test_work_that_takes_too_long_ends_with_a_message() -> None:
    async def work() -> None:
        with deadline(0.05, "The work"):
            await asyncio.Event().wait()

    with pytest.raises(LabError, match=r"^The work did not end within 0\.05 s"):
        asyncio.run(work())


@pytest.mark.parametrize("seconds", [0, 60])
def test_work_within_the_limit_is_not_affected(seconds: float) -> None:
    async def work() -> str:
        with deadline(seconds, "The work"):
            await asyncio.sleep(0)
        return "done"

    assert asyncio.run(work()) == "done"


def test_the_limit_can_end_before_the_work() -> None:
    async def work() -> str:
        with deadline(0.05, "The work") as end:
            end()
            await asyncio.sleep(0.1)
        return "done"

    assert asyncio.run(work()) == "done"


def test_another_cancellation_stays_a_cancellation() -> None:
    async def work() -> None:
        with deadline(60, "The work"):
            await asyncio.Event().wait()

    async def cancelled() -> None:
        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
