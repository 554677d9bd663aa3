"""What the lab's tools write down, so that what ran twice, never, or to its end is known and not believed.

Each process appends to a file of its own; a line that was written survives the death of its process. How a call ended
is a file of its own, so that whichever instance is asked knows it.
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
"""Environment variable with the folder of the files, which all instances share; without it the tool is not added."""
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
        """Append a line, in a single piece."""
        line = json.dumps({"call": call, "instance": self.instance, "step": step, "at": time.monotonic()})
        os.write(self._file, f"{line}\n".encode())


class Endings:
    """How calls go, by the token that their client chose: in files that all instances see, else in this process."""

    def __init__(self, folder: str = "") -> None:
        """Args: folder: of the files; "" keeps the words in memory."""
        self._folder = Path(folder) if folder else None
        self._words: dict[str, str] = {}

    def note(self, token: str, word: str) -> None:
        """Note a word for a token, instead of the word before."""
        self._words[token] = word
        if (path := self._path(token)) is not None:
            part = path.with_suffix(f".{os.getpid()}")
            part.write_text(word)
            part.replace(path)  # in a single piece: who reads meanwhile finds the word before

    def read(self, token: str) -> str:
        """The last word for a token; `unknown` where there is none."""
        if (path := self._path(token)) is None:
            return self._words.get(token, "unknown")
        try:
            return path.read_text()
        except OSError:
            return "unknown"

    def _path(self, token: str) -> Path | None:
        """The file of a token; the token comes from outside, so only letters and digits make a name."""
        if self._folder is None or not (token.isascii() and token.isalnum()):
            return None
        return self._folder / f"ended-{token[:64]}.txt"


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
