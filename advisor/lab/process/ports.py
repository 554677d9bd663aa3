"""Find free ports on loopback, and find out which process listens on a port."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from advisor.errors import EnvironmentLacksError, LabError

_LOWEST = 20_000
_ATTEMPTS = 200
_REMEMBERED = 500
_ANSWER_S = 2.0
_LISTEN = "0A"
_TAKEN_S = 5.0
_SILENT_S = 0.3
_QUEUED = 16

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
    drawn = (_choice.randint(_LOWEST, highest) for _ in range(_ATTEMPTS))
    # If nearly all ports are in use, the draws miss the few free ports, so each port gets a look.
    for port in itertools.chain(drawn, range(_LOWEST, highest + 1)):
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


@asynccontextmanager
async def swallowing(port: int) -> AsyncIterator[None]:
    """Let connection attempts to a free port of 127.0.0.1 get no answer, as if the packets were lost on the way.

    The port has a listener that accepts nothing, and its queue is full. Linux then drops the packets of new clients.

    Raises:
        LabError: the port is in use, or the system still answers connection attempts.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        await _bound(listener, port)
        listener.listen(0)
        for _ in range(_QUEUED):
            queued = stack.enter_context(socket.socket())
            queued.setblocking(False)
            connecting = asyncio.get_running_loop().sock_connect(queued, ("127.0.0.1", port))
            try:
                await asyncio.wait_for(connecting, _SILENT_S)
            except asyncio.TimeoutError:
                yield
                return
        raise LabError(f"This system answers connection attempts to port {port} although the queue is full.")


async def _bound(listener: socket.socket, port: int) -> None:
    """Bind a socket to a port. A process that has just been killed can still hold it."""
    for _ in range(int(_TAKEN_S / _SILENT_S)):
        with suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return
        await asyncio.sleep(_SILENT_S)
    raise LabError(f"Port {port} is still in use.")


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
    return 0 < await status(url) < 500


async def succeeds(url: str) -> bool:
    """Whether a GET request of the http URL gets status 200 within two seconds."""
    return await status(url) == 200


async def status(url: str) -> int:
    """The HTTP status of the answer to a GET request of the http URL; 0 without an HTTP answer within two seconds."""
    return (await _answer(url))[0]


async def header(url: str, name: str) -> str:
    """A header of the answer to a GET request of the http URL; "" without this header, or without an answer in time."""
    return (await _answer(url))[1].get(name.lower(), "")


async def _answer(url: str) -> tuple[int, dict[str, str]]:
    """The HTTP status and the headers of the answer; status 0 without an HTTP answer within two seconds."""
    try:
        return await asyncio.wait_for(_asked(url), _ANSWER_S)
    except (OSError, asyncio.TimeoutError):
        return 0, {}


async def _asked(url: str) -> tuple[int, dict[str, str]]:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    reader, writer = await asyncio.open_connection(parts.hostname or "127.0.0.1", parts.port or 80)
    try:
        request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        line = (await reader.readline()).split()
        headers = {}
        while text := (await reader.readline()).decode(errors="replace").strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
    except ValueError:  # a line without end
        return 0, {}
    finally:
        await _close(writer)
    status = int(line[1]) if len(line) > 1 and line[0].startswith(b"HTTP/") and line[1].isdigit() else 0
    return status, headers


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
