"""The answer to a request, and the ways in which a request fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

FailureKind: TypeAlias = Literal[
    "unresolved", "refused", "unreachable", "tls", "timeout", "closed", "malformed", "too-large", "too-many"
]
"""Why there is no complete answer.

`unresolved`: the host name has no address. `refused`: nothing listens at the port. `unreachable`: no network path, or
another error of the operating system. `tls`: no trusted TLS connection. `timeout`: no complete answer in time.
`closed`: the connection ended before the end of the answer. `malformed`: the answer is not HTTP/1.1. `too-large`: the
answer exceeds a limit. `too-many`: the budget of requests is spent.
"""


class RequestFailedError(Exception):
    """A request has no complete answer.

    Attributes:
        kind: why.
        detail: the reason in words of this program or of the operating system. It never contains text of the answer.
    """

    def __init__(self, kind: FailureKind, detail: str) -> None:
        """Args: kind, detail: see the attributes."""
        self.kind: FailureKind = kind
        self.detail = detail
        super().__init__(f"{kind}: {detail}")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer.

    Attributes:
        status: the HTTP status.
        version: the HTTP version, such as 1.1.
        headers: names in lower case with their values, in order. Values are decoded as Latin-1.
        seconds: time from the request to the head.
    """

    status: int
    version: str
    headers: tuple[tuple[str, str], ...]
    seconds: float

    def header(self, name: str) -> str:
        """Return the first value of a header (its name in lower case), or ""."""
        return next((value for key, value in self.headers if key == name), "")

    def every(self, name: str) -> list[str]:
        """Return all values of a header (its name in lower case)."""
        return [value for key, value in self.headers if key == name]

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case; "" if there is none."""
        return self.header("content-type").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer, or the part of a stream that was read.

    Attributes:
        head: status and headers.
        body: the body, without a content coding.
        seconds: time from the request to the end of `body`.
        is_whole: whether the answer ended. A reader of a stream can stop earlier.
    """

    head: Head
    body: bytes
    seconds: float
    is_whole: bool = True

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.head.status

    @property
    def text(self) -> str:
        """The body as text. Bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")
