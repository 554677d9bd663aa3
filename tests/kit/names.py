"""A small DNS server for names of Kubernetes: A records that a test changes while a proxy runs."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

_A, _TTL_S = 1, 5


@dataclass
class Names:
    """The records: name → addresses. A name that is missing does not exist.

    Attributes:
        port: the UDP port of the server on 127.0.0.1.
        records: the A records.
        asked: every name that a client asked for.
    """

    port: int
    records: dict[str, Sequence[str]]
    asked: set[str] = field(default_factory=set)


@contextmanager
def served(records: Mapping[str, Sequence[str]]) -> Iterator[Names]:
    """Serve these records until the block ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        names = Names(server.getsockname()[1], dict(records))
        threading.Thread(target=_serve, args=(server, names), daemon=True).start()
        yield names


def _serve(server: socket.socket, names: Names) -> None:
    while True:
        try:
            query, client = server.recvfrom(4096)
            server.sendto(_answer(query, names), client)
        except OSError:
            return


def _answer(query: bytes, names: Names) -> bytes:
    labels, at = [], 12
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode())
        at += 1 + size
    question = query[12 : at + 5]
    (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
    name = ".".join(labels).lower()
    names.asked.add(name)
    found = names.records.get(name)
    addresses = found if found and kind == _A else ()
    code = 0 if found is not None else 3
    head = query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, len(addresses), 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", _A, 1, _TTL_S, 4)
    return head + question + b"".join(record + socket.inet_aton(address) for address in addresses)
