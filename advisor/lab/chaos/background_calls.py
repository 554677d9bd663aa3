"""Calls of several clients in the background during fault injection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from advisor.knowledge.types import Era
from advisor.lab.chaos.clients import Caller, StateKeeper
from advisor.lab.chaos.evidence import CallAttempt, ClientCall

PAUSE_S = 0.15
"""Pause in seconds between two rounds of a client."""


class NotServedError(Exception):
    """Some clients were not served in time.

    Attributes:
        when: `again` or `before the event`.
        trouble: for each era, the problem of the first client in words.
    """

    def __init__(self, when: str, trouble: Mapping[Era, str]) -> None:
        """Args: when, trouble: as the attributes."""
        super().__init__(when)
        self.when = when
        self.trouble = trouble


class ChaosTraffic:
    """Clients that call repeatedly from `start` to `stop`."""

    def __init__(self, clients: Sequence[Caller]) -> None:
        """Args: clients: with open sessions."""
        self.clients = clients
        self._on = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the repeated calls of every client."""
        self._on = True
        self.forget()
        # The clients start one after another, evenly distributed over the pause.
        gaps = [PAUSE_S * number / len(self.clients) for number in range(len(self.clients))]
        self._tasks = [asyncio.ensure_future(self._go(*pair)) for pair in zip(self.clients, gaps, strict=True)]

    def forget(self) -> None:
        """Delete the recorded calls of all clients."""
        for client in self.clients:
            client.forget()

    async def stop(self) -> None:
        """Stop the clients after their running calls."""
        self._on = False
        await asyncio.gather(*self._tasks)

    async def cancel(self) -> None:
        """Stop immediately, without waiting for answers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def calls(self) -> list[ClientCall]:
        """All recorded calls of the counting tool, in the order of their start."""
        return sorted((call for client in self.clients for call in client.calls), key=lambda call: call.began)

    @property
    def recalls(self) -> list[ClientCall]:
        """All recorded calls with a state handle, in the order of their start."""
        keepers = [client for client in self.clients if isinstance(client, StateKeeper)]
        return sorted((call for keeper in keepers for call in keeper.recalls), key=lambda call: call.began)

    def refusals(self, era: Era) -> list[CallAttempt]:
        """All failed requests of an era for a new session."""
        return [refusal for client in self.clients if client.era == era for refusal in client.refusals]

    def trouble(self, since: float) -> dict[Era, str]:
        """For each era, the problem of the first client that was not served at the first request since then."""
        found: dict[Era, str] = {}
        for client in self.clients:
            if not client.calm(since):
                found.setdefault(client.era, f"{client.name}: {client.trouble()}")
        return found

    async def _go(self, client: Caller, gap: float) -> None:
        await asyncio.sleep(gap)
        while self._on:
            await client.round()
            await asyncio.sleep(PAUSE_S)
