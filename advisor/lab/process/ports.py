"""Find free ports on loopback, and find out which process listens on a port."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from advisor.errors import EnvironmentLacksError

_LOWEST = 20_000
_ATTEMPTS = 200
_REMEMBERED = 500
_ANSWER_S = 2.0
_LISTEN = "0A"

_given: list[int] = []
_choice = random.SystemRandom()  # parallel runs must not draw the same numbers


def free_port() -> int:
    """Return a port without a listener that this process has not returned before.

    The port is below the range for outgoing connections, because the system can take a port of that range at any
    moment. The port is not reserved: see `Run.start_on_port`.

    Raises:
        EnvironmentLacksError: there is no free port.
    """
    highest = _lowest_outgoing() - 1
    for _ in range(_ATTEMPTS):
        port = _choice.randint(_LOWEST, highest)
        if port not in _given and is_free(port):
            _given.append(port)
            del _given[:-_REMEMBERED]
            return port
    raise EnvironmentLacksError(
        f"No free port between {_LOWEST} and {highest}. To fix this, end programs that use these ports and run again."
    )


def _lowest_outgoing() -> int:
    try:
        lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        lowest = 32_768
    return lowest if lowest > _LOWEST + 1_000 else 65_536


def is_free(port: int) -> bool:
    """Whether a server can use the port on every address."""
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


async def listening(port: int) -> bool:
    """Whether a process accepts connections on this port of 127.0.0.1."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), _ANSWER_S)
    except (OSError, asyncio.TimeoutError):
        return False
    await _close(writer)
    return True


async def answers(url: str) -> bool:
    """Whether a GET request of the http URL gets a status below 500 within two seconds."""
    try:
        return 0 < await asyncio.wait_for(_status(url), _ANSWER_S) < 500
    except (OSError, asyncio.TimeoutError):
        return False


async def _status(url: str) -> int:
    """The HTTP status of the answer; 0 if the answer is not HTTP."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    reader, writer = await asyncio.open_connection(parts.hostname or "127.0.0.1", parts.port or 80)
    try:
        request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        line = (await reader.readline()).split()
    except ValueError:  # a line without end
        return 0
    finally:
        await _close(writer)
    return int(line[1]) if len(line) > 1 and line[0].startswith(b"HTTP/") and line[1].isdigit() else 0


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def held_by(port: int, pids: Iterable[int]) -> bool | None:
    """Whether any of the processes listens on the port; None if the system does not show this.

    The system does not show this without /proc, or if a process hides its files. The check is necessary because
    another program can take the port shortly before the expected process.
    """
    sockets = _listeners(port)
    if sockets is None:
        return None
    hidden = False
    for pid in pids:
        try:
            if sockets.intersection(_held(pid)):
                return True
        except PermissionError:
            hidden = True
        except OSError:
            pass  # it has ended
    return None if hidden else False


def _listeners(port: int) -> set[str] | None:
    """The listening sockets of a port, in the form of the links in /proc/PID/fd."""
    found: set[str] = set()
    readable = False
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            lines = Path(table).read_text().splitlines()[1:]
            readable = True
            for line in lines:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{fields[9]}]")
    return found if readable else None


def _held(pid: int) -> list[str]:
    folder = f"/proc/{pid}/fd"
    found: list[str] = []
    for name in os.listdir(folder):  # noqa: PTH208 (some hundred links, read often)
        with suppress(FileNotFoundError):
            found.append(os.readlink(f"{folder}/{name}"))  # noqa: PTH115
    return found
