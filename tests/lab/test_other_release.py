"""`verify` says when it runs another SDK release than the requirements ask for."""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import version
from pathlib import Path

from advisor.lab.fleet.server_start import other_release
from advisor.lab.process.run import Run

FOUND = version("mcp")


def said(asked: str, package: str = "mcp") -> str:
    async def work() -> str:
        async with Run.open("test") as run:
            return await other_release(run, Path(sys.executable), package, asked)

    return asyncio.run(work())


def test_the_asked_release_is_no_problem() -> None:
    assert said(f"mcp=={FOUND}") == ""
    assert said("mcp>=2.0.0,<3") == ""


def test_another_release_is_named_with_the_release_that_ran() -> None:
    for asked in ("mcp==1.19.0", "mcp>=99.0.0,<99.1"):
        assert said(asked).startswith(f"This run used mcp {FOUND}, but the requirements ask for {asked}.")
    assert "(not installed)" in said("fastmcp==9.9.9", "no-such-distribution")
