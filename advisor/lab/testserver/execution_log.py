"""Logs of tool executions. They prove which calls ran twice, never, or to their end.

Each process appends to its own file, so written lines stay if the process is killed. The state of each call is also a
file, so that every instance can read it.
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
"""Environment variable with the folder of the files. All instances share the folder. If the variable is not set, the
tool is not added."""
INSTANCE = "MCP_PORT"
"""Environment variable that identifies the instance."""


class ExecutionLog:
    """The log file of this process. Each line is a JSON object: call, instance, step, at (seconds, monotonic clock)."""

    def __init__(self, folder: Path, instance: str) -> None:
        """Append to a file in `folder`."""
        self.instance = instance
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._file = os.open(folder / f"{instance}.{os.getpid()}.jsonl", flags, 0o600)

    def note(self, call: str, step: str) -> None:
        """Append a line with one write."""
        line = json.dumps({"call": call, "instance": self.instance, "step": step, "at": time.monotonic()})
        os.write(self._file, f"{line}\n".encode())


class Endings:
    """The states of calls. The key is a token that the client chooses for the call.

    The states are in files that all instances share. Without a folder, they are in the memory of this process.
    """

    def __init__(self, folder: str = "") -> None:
        """Use the files in `folder`; "" uses the memory of this process."""
        self._folder = Path(folder) if folder else None
        self._words: dict[str, str] = {}

    def note(self, token: str, word: str) -> None:
        """Set the state of a call to a word."""
        self._words[token] = word
        if (path := self._path(token)) is not None:
            part = path.with_suffix(f".{os.getpid()}")
            part.write_text(word)
            part.replace(path)  # atomic: another instance reads the old word or the new word, never a part

    def read(self, token: str) -> str:
        """The state of a call; `unknown` if the call has no state."""
        if (path := self._path(token)) is None:
            return self._words.get(token, "unknown")
        try:
            return path.read_text()
        except OSError:
            return "unknown"

    def _path(self, token: str) -> Path | None:
        """The file of a token, or None. The token comes from a client, so only letters and digits are accepted."""
        if self._folder is None or not (token.isascii() and token.isalnum()):
            return None
        return self._folder / f"ended-{token[:64]}.txt"


def add_ledger(server: Any, standalone: bool) -> None:
    """Add the tool to a server object if the environment variable `FOLDER` is set.

    Args:
        server: the server object of the SDK.
        standalone: whether the SDK is the package fastmcp.
    """
    if not os.environ.get(FOLDER):
        return
    opened: list[ExecutionLog] = []  # each worker process opens its own file at its first call

    async def lab_count(call: str, seconds: float = 0.0) -> str:
        """Log this execution, wait some seconds, and return the name of the instance."""
        if not opened:
            opened.append(ExecutionLog(Path(os.environ[FOLDER]), os.environ.get(INSTANCE, "")))
        log = opened[0]
        log.note(call, "start")
        await asyncio.sleep(seconds)
        log.note(call, "end")
        return f"{call} {log.instance}"

    (server.tool if standalone else server.tool())(lab_count)
