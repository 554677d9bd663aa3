"""The connections and file descriptors of a kit, from the number of clients in the requirements."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.knowledge import Knowledge

_STEP = 1024


@dataclass(frozen=True, slots=True)
class Sizing:
    """The sizes of a server process and of a proxy. Each has room for all clients, because the others can be down.

    Attributes:
        clients: the number of clients in the requirements.
        per_client: connections of one client.
        margin: how many times the planned clients fit.
        least_files: the smallest limit of file descriptors.
        least_connections: the smallest limit of connections of an nginx worker.
        least_requests: the smallest limit of open requests of one client address.
    """

    clients: int
    per_client: int
    margin: int
    least_files: int
    least_connections: int
    least_requests: int

    @property
    def connections(self) -> int:
        """The number of connections of clients."""
        return self.clients * self.per_client * self.margin

    @property
    def address_requests(self) -> int:
        """The largest number of open requests without a session id of one client address: that of all clients."""
        return max(self.least_requests, self.connections)

    @property
    def worker_connections(self) -> int:
        """The limit of an nginx worker. Each connection of a client needs another one to a server."""
        return max(self.least_connections, _rounded(2 * self.connections))

    @property
    def worker_files(self) -> int:
        """The file descriptors of an nginx worker: its connections, and as many again for files and listeners.

        nginx raises nothing if the system allows fewer, so the number is not larger than necessary.
        """
        return 2 * self.worker_connections

    @property
    def proxy_files(self) -> int:
        """The file descriptors of a proxy."""
        return max(self.least_files, self.worker_files)

    @property
    def open_requests(self) -> int:
        """The largest number of open requests to the servers of a pool.

        Each open request uses two descriptors of the proxy. With this limit, requests use at most half of the
        descriptors, so the proxy can always accept a connection and answer it.
        """
        return self.proxy_files // 4

    @property
    def server_files(self) -> int:
        """The file descriptors of a server process: its connections, and as many again for the files of tools."""
        return max(self.least_files, _rounded(2 * self.connections))


def sizing_for(clients: int, knowledge: Knowledge) -> Sizing:
    """Return the sizes for this number of clients, from rules/figures.yaml."""
    names = (
        "client.connections",
        "clients.margin_clients",
        "descriptors.least_files",
        "nginx.least_connections",
        "address.least_requests",
    )
    return Sizing(clients, *(knowledge.figure(name) for name in names))


def _rounded(number: int) -> int:
    return -(-number // _STEP) * _STEP
