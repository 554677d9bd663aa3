"""A tool that writes down each of its executions, so that what ran twice, or never, is counted and not believed.

Each process appends to a file of its own; a line that was written survives the death of its process.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

TOOL = "lab_count"
FOLDER = "LAB_LEDGER"
"""Environment variable with the folder of the files; without it the tool is not added."""
INSTANCE = "MCP_PORT"
"""Environment variable by which instances are told apart."""


class Ledger:
    """The file of this process; its lines are JSON objects with call, step and at (seconds, monotonic)."""

    def __init__(self, folder: Path, instance: str) -> None:
        """Append to a file in `folder`."""
        self.instance = instance
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._file = os.open(folder / f"{instance}.{os.getpid()}.jsonl", flags, 0o600)

    def note(self, call: str, step: str) -> None:
        """Append a line, in one piece."""
        line = json.dumps({"call": call, "instance": self.instance, "step": step, "at": time.monotonic()})
        os.write(self._file, f"{line}\n".encode())


def add_ledger(server: Any, standalone: bool) -> None:
    """Add the tool to a server object, if the environment names a folder.

    Args:
        server: the server object of the SDK.
        standalone: whether it is of the package fastmcp and not of the official SDK.
    """
    if not os.environ.get(FOLDER):
        return
    opened: list[Ledger] = []  # by the process that serves: workers are started after this

    async def lab_count(call: str, seconds: float = 0.0) -> str:
        """Note this execution, take some seconds, and say who did it."""
        if not opened:
            opened.append(Ledger(Path(os.environ[FOLDER]), os.environ.get(INSTANCE, "")))
        ledger = opened[0]
        ledger.note(call, "start")
        await asyncio.sleep(seconds)
        ledger.note(call, "end")
        return f"{call} {ledger.instance}"

    (server.tool if standalone else server.tool())(lab_count)
