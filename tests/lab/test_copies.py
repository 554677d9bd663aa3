"""The copies of a server in one process: an error of one copy does not affect the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from advisor.lab.testserver.serve import ServerCopies

retried = pytest.mark.retried("The copies start and fail within 20 s.")


class Small:
    """An application in a task group, like an application of an SDK; `fail` ends the group with an error."""

    def __init__(self, *, at_start: bool = False) -> None:
        self.router = self
        self.fail = asyncio.Event()
        self.lives = False
        if at_start:
            self.fail.set()

    @asynccontextmanager
    async def lifespan_context(self, _: Any) -> AsyncIterator[None]:
        if self.fail.is_set():
            raise RuntimeError("cannot begin")
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch)
                self.lives = True
                yield
                group.cancel_scope.cancel()
        finally:
            self.lives = False

    async def _watch(self) -> None:
        await self.fail.wait()
        raise RuntimeError("a request broke it")


@retried
def test_a_broken_copy_does_not_affect_the_others() -> None:
    async def main() -> list[list[bool]]:
        first, broken, last = copies = [Small(), Small(), Small()]
        asked: asyncio.Queue[str] = asyncio.Queue()
        said: asyncio.Queue[str] = asyncio.Queue()

        async def send(message: dict[str, str]) -> None:
            await said.put(message["type"])

        served = ServerCopies({str(place): copy for place, copy in enumerate(copies)})
        life = asyncio.create_task(served({"type": "lifespan"}, asked.get, send))
        await asked.put("lifespan.startup")
        assert await said.get() == "lifespan.startup.complete"
        seen = [[copy.lives for copy in copies]]
        broken.fail.set()
        while broken.lives:
            await asyncio.sleep(0)
        seen.append([first.lives, broken.lives, last.lives])
        await asked.put("lifespan.shutdown")
        assert await said.get() == "lifespan.shutdown.complete"
        await life
        return [*seen, [copy.lives for copy in copies]]

    seen = asyncio.run(asyncio.wait_for(main(), 20))
    assert seen == [[True] * 3, [True, False, True], [False] * 3]


@retried
def test_a_copy_that_does_not_start_ends_the_process() -> None:
    async def main() -> None:
        async def receive() -> None:
            return None

        async def send(_: Any) -> None:
            raise AssertionError("nothing is complete")

        await ServerCopies({"a": Small(), "b": Small(at_start=True)})({"type": "lifespan"}, receive, send)

    with pytest.raises(RuntimeError, match="cannot begin"):
        asyncio.run(asyncio.wait_for(main(), 20))
