"""The addresses of a host. The look-up never outlives its time limit: a slow resolver cannot delay the end of a run."""

from __future__ import annotations

import asyncio
import socket
from threading import Thread

from advisor.endpoint.answer import RequestFailedError
from advisor.endpoint.budget import within


async def addresses(host: str, port: int, seconds: float) -> list[str]:
    """Look up the IP addresses of a host, in the order of the resolver and without duplicates.

    Raises:
        RequestFailedError: the name has no address, or the resolver did not answer in time.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def settle(result: list[str] | Exception) -> None:
        if found.done():
            return
        if isinstance(result, Exception):
            found.set_exception(result)
        else:
            found.set_result(result)

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            result: list[str] | Exception = list(dict.fromkeys(str(row[4][0]) for row in rows))
        except (OSError, UnicodeError) as error:
            result = RequestFailedError("unresolved", f"the host name has no address ({_reason(error)})")
        try:
            loop.call_soon_threadsafe(settle, result)
        except RuntimeError:
            return  # the run has ended

    # The threads of the event loop would delay its end until the resolver answers. A daemon thread does not.
    Thread(target=look_up, daemon=True).start()
    return await within(seconds, found, "the host name was not looked up")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "the name is not valid"
