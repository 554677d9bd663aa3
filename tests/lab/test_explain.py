"""The log lines that explain a difference."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.lab.fleet.log_excerpts import Marks


@dataclass
class Writer:
    """A process that only has a log."""

    name: str
    log: Path

    def write(self, *lines: str) -> None:
        with self.log.open("a") as log:
            log.writelines(f"{line}\n" for line in lines)


@dataclass
class Member:
    name: str
    port: int


@dataclass
class Group:
    processes: list[Writer]
    instances: list[Member]


def request(status: int, session: str, upstream: str = "127.0.0.1:20001", **more: object) -> str:
    return json.dumps({"status": status, "session": session, "upstream": upstream, **more})


def group(tmp_path: Path) -> Any:
    """A fleet with the attributes that `Marks` reads."""
    proxy, server = Writer("proxy", tmp_path / "proxy.log"), Writer("main-1", tmp_path / "main-1.log")
    proxy.write(request(404, "before"))
    server.write("ERROR before")
    return Group([proxy, server], [Member("main-1", 20001), Member("main-2", 20002)])


def test_the_log_lines_of_the_failed_request_and_of_its_initialize_are_shown(tmp_path: Path) -> None:
    fleet = group(tmp_path)
    marks = Marks(fleet)
    fleet.processes[0].write(
        request(200, "other"), request(202, "mine"), request(404, "mine", "127.0.0.1:20002"), request(200, "third")
    )
    assert [(name, json.loads(line)["status"], json.loads(line)["upstream"]) for name, line in marks.lines()] == [
        ("proxy", 202, "main-1"),
        ("proxy", 404, "main-2"),
    ]


def test_without_failed_requests_warnings_and_errors_are_shown(tmp_path: Path) -> None:
    fleet = group(tmp_path)
    marks = Marks(fleet)
    fleet.processes[0].write(request(200, "mine"))
    fleet.processes[1].write(
        "INFO: fine", "requestState rejected on tools/call: unknown key", "x.py:1: MCPDeprecationWarning: no error"
    )
    assert marks.lines() == (("main-1", "requestState rejected on tools/call: unknown key"),)


def test_without_new_lines_the_explanation_is_empty(tmp_path: Path) -> None:
    assert Marks(group(tmp_path)).lines() == ()
