"""An address that swallows packets: a process that does not run, with a full queue of new connections."""

from __future__ import annotations

import errno
import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_STEP = 256
_MOST = 5_000
_ESTABLISHED = "01"


@contextmanager
def swallowing(port: int) -> Iterator[None]:
    """Fill the queue of new connections of a stopped process on `port`. Linux then drops the packets of new clients."""
    with ExitStack() as stack:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        opened = 0
        while opened < _MOST:
            some = [stack.enter_context(socket.socket()) for _ in range(_STEP)]
            for connection in some:
                connection.setblocking(False)
                assert connection.connect_ex(("127.0.0.1", port)) in (0, errno.EINPROGRESS)
            opened += len(some)
            time.sleep(0.05)
            poll = select.poll()
            for connection in some:
                poll.register(connection, select.POLLOUT)
            if len(poll.poll(200)) < len(some):
                yield
                return
        raise AssertionError(f"port {port} still accepts connections after {opened}")


def connected(port: int) -> bool:
    """Whether a client has a connection to `port` on this machine."""
    wanted = f":{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[2].endswith(wanted) and line.split()[3] == _ESTABLISHED for line in lines)
