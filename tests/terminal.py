"""A real pseudo-terminal with a program in it, and the screen that a user would see."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pexpect
import pyte

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 30  # Seconds until a test fails because a text did not appear.

ENTER = "\r"
ESCAPE = "\x1b"
CTRL_B = "\x02"
CTRL_C = "\x03"
CTRL_D = "\x04"
SPACE = " "
LEFT = "\x1b[D"
UP = "\x1b[A"
DOWN = "\x1b[B"
QUESTIONS = 60
"""A test gives up after so many questions. No interview has half as many."""


class Terminal:
    """`mcp-advisor …` in a pseudo-terminal of some size."""

    def __init__(self, *arguments: str, cwd: Path, rows: int = 70, columns: int = 80, **environment: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "MCP_ADVISOR_CACHE") if name in os.environ}
        given = {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **environment}
        command = [sys.executable, "-m", "advisor", *arguments]
        self.child = pexpect.spawn(
            command[0], command[1:], cwd=str(cwd), env=given, dimensions=(rows, columns), encoding="utf-8", echo=False
        )
        self.child.delaybeforesend = None  # a test sends a key when the program waits for it
        self.screen = pyte.Screen(columns, rows)
        # Answers to questions about the cursor; pyte wants this method replaced.
        self.screen.write_process_input = self.child.send  # type: ignore[method-assign, assignment]
        self.stream = pyte.Stream(self.screen)
        self._lines: dict[int, str] = {}
        self.raw = ""

    @property
    def text(self) -> str:
        """What is on the screen, without trailing blanks."""
        # `Screen.display` draws all lines again, which takes longer than all other work of a test.
        columns = range(self.screen.columns)
        for number in self.screen.dirty:
            line = self.screen.buffer[number]
            self._lines[number] = "".join(line[column].data for column in columns).rstrip()
        self.screen.dirty.clear()
        return "\n".join(self._lines[number] for number in range(self.screen.lines)).rstrip()

    @property
    def flat(self) -> str:
        """The text of the screen as one line of words, to find wrapped sentences."""
        return " ".join(self.text.split())

    def send(self, *keys: str) -> None:
        for key in keys:
            self.child.send(key)

    def see(self, *wanted: str, gone: str = "") -> str:
        """Wait until every text is on the screen (and another one is not)."""
        deadline = time.monotonic() + PATIENCE
        while not self._shows(wanted, gone):
            if time.monotonic() > deadline or not self._read():
                raise AssertionError(f"{wanted} (without {gone!r}) is not on the screen:\n{self.text}")
        return self.text

    def answer(self, title: str, *keys: str) -> None:
        """Wait for the question `title`, and answer it."""
        self.see(f"? {title}")
        self.send(*keys)
        # After an answer, the question is drawn again without its mark.
        self.see(gone=f"? {title}")

    def send_for_more(self, keys: str, text: str) -> None:
        """Send keys, and wait until the program has written `text` once more."""
        before = self.raw.count(text)
        self.send(keys)
        deadline = time.monotonic() + PATIENCE
        while self.raw.count(text) == before:
            if time.monotonic() > deadline or not self._read():
                raise AssertionError(f"{text!r} does not appear again:\n{self.text}")

    def end(self) -> int:
        """Read until the program ends; returns its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            if time.monotonic() > deadline:
                raise AssertionError(f"the program does not end:\n{self.text}")
        self.child.close()
        if self.child.exitstatus is not None:
            return self.child.exitstatus
        assert self.child.signalstatus is not None
        return -self.child.signalstatus

    def hang_up(self) -> int:
        """Close the terminal, as the window of a terminal program does; returns the exit code of the program."""
        self.child.ptyproc.fileobj.close()  # type: ignore[attr-defined]  # its stubs lack the process
        deadline = time.monotonic() + PATIENCE
        while self.child.isalive():
            if time.monotonic() > deadline:
                raise AssertionError("the program runs without its terminal")
            time.sleep(0.05)
        assert self.child.exitstatus is not None
        return self.child.exitstatus

    def kill(self, number: signal.Signals) -> None:
        self.child.kill(number)

    def _shows(self, wanted: tuple[str, ...], gone: str) -> bool:
        flat = self.flat
        return all(text in flat for text in wanted) and not (gone and gone in flat)

    def _read(self) -> bool:
        """Read the next output; returns False at the end of the program."""
        try:
            data = self.child.read_nonblocking(65536, timeout=1)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self.stream.feed(data)
        return True
