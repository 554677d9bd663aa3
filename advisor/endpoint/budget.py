"""The bounds of a run: seconds, requests, requests per second, and bytes of an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from advisor.endpoint.answer import RequestFailedError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a request.

    Attributes:
        connect_s: seconds for address, connection and TLS.
        answer_s: seconds for a complete answer.
        head_bytes: bytes of the status line and the headers.
        body_bytes: bytes of the body, before and after a content coding.
        interim: number of 1xx answers before the answer.
    """

    connect_s: float = 5.0
    answer_s: float = 10.0
    head_bytes: int = 64 * 1024
    body_bytes: int = 2 * 1024 * 1024
    interim: int = 8


@dataclass(slots=True)
class Budget:
    """The resources of a run. Each request takes from it before it is sent.

    Attributes:
        seconds: duration of the run.
        requests: number of requests.
        rate: requests per second, on average since the start. A short burst is possible.
        sent: number of requests so far.
    """

    seconds: float
    requests: int
    rate: float
    sent: int = 0
    _burst: int = 10
    _was_refused: bool = False
    _started: float = field(default_factory=time.monotonic)

    @property
    def passed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def left_s(self) -> float:
        """Seconds until the end, not below 0."""
        return max(0.0, self.seconds - self.passed_s)

    @property
    def is_spent(self) -> bool:
        """Whether no further request is possible. The failure of a request then says nothing about the endpoint."""
        return self._was_refused or self.left_s <= 0

    async def take(self) -> None:
        """Wait for the turn of the next request.

        Raises:
            RequestFailedError: no request or no time is left.
        """
        if self.sent >= self.requests:
            self._was_refused = True
            raise RequestFailedError("too-many", f"the limit of {self.requests} requests is reached")
        self.sent += 1
        wait = (self.sent - self._burst) / self.rate - self.passed_s
        if wait >= self.left_s:
            self._was_refused = True
            raise RequestFailedError("timeout", "the time of the run is over")
        if wait > 0:
            await asyncio.sleep(wait)


async def within(seconds: float, work: Awaitable[T], what: str) -> T:
    """Await work that has a time limit.

    Raises:
        RequestFailedError: the limit is over. `what` says in words what did not happen.
    """
    try:
        return await asyncio.wait_for(work, max(seconds, 0.001))
    except asyncio.TimeoutError:
        raise RequestFailedError("timeout", f"{what} within {seconds:.3g} s") from None
