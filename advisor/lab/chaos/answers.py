"""What clients of chaos read from the answers that they get, and from those that never come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from advisor.lab.chaos.evidence import BROKEN, CallAttempt
from advisor.lab.clients.protocol import result_of

if TYPE_CHECKING:
    import httpx2

Reader = Callable[[CallAttempt, str, bool], CallAttempt]


def counted(attempt: CallAttempt, said: str, is_error: bool) -> CallAttempt:
    """What the counting tool answered: the id that it was told, and who it is."""
    got, _, instance = said.partition(" ")
    if is_error or not instance:
        wrong = f"no result: {said[-80:]}"
        return CallAttempt(attempt.id, attempt.started, attempt.ended, BROKEN, said=wrong)
    wrong = "" if got == attempt.id else f"the answer of another call: {got}"
    return CallAttempt(attempt.id, attempt.started, attempt.ended, attempt.status, instance, said=wrong)


def attempt_of(id: str, started: float, answer: httpx2.Response, read: Reader) -> CallAttempt:
    """The answer to a request.

    Args:
        id: of the request.
        started: when it was sent, on the monotonic clock.
        answer: complete.
        read: fills in what a result means, from its text and whether the tool calls it an error.
    """
    status, ended = int(answer.status_code), time.monotonic()
    if status != 200:
        return CallAttempt(id, started, ended, status, retry_after=_seconds(answer.headers), said=f"HTTP {status}")
    result = result_of(answer.text)
    if result is None:
        # A stream that ends without its result was cut; anything else is an error of the server.
        return CallAttempt(id, started, ended, BROKEN, said=f"no result: {' '.join(answer.text.split())[-80:]}")
    content = result.get("content") or [{}]
    plain = CallAttempt(id, started, ended, status)
    return read(plain, str(content[0].get("text", "")), bool(result.get("isError")))


def broken() -> tuple[type[BaseException], ...]:
    """What a request raises that gets no answer, or not all of it."""
    import httpx2

    return (httpx2.TransportError, asyncio.TimeoutError, OSError)


def kind_of(error: BaseException) -> str:
    """One of `broken`, in words."""
    return "no answer in time" if isinstance(error, asyncio.TimeoutError) else type(error).__name__


def _seconds(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None
