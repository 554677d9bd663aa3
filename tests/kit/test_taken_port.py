"""The tests of a kit start their server on another port if another program has taken the first one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from advisor.kit.render import render_kit

pytestmark = pytest.mark.programs

TAKEN = """
import socket

taken = socket.socket()
taken.bind(("127.0.0.1", 0))
first = [taken.getsockname()[1]]


def once_taken(free_port):
    return lambda: first.pop() if first else free_port()
"""
FULL = """
import conftest
from taken import first, once_taken


def test_the_server_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(conftest, "free_port", once_taken(conftest.free_port))
    with conftest.running(tmp_path, "stateless+json") as server:
        assert server.get("/health")[0] == 200
    assert not first
"""
PLAIN = """
import test_server
from taken import first, once_taken

test_server.free_port = once_taken(test_server.free_port)
url = test_server.url


def test_the_server_starts(url):
    test_server.check(url, test_server.ERAS[0])
    assert not first
"""


@pytest.mark.parametrize(("platform", "test"), [("systemd", FULL), ("local", PLAIN)])
def test_a_taken_port_is_replaced(decide: Callable[..., Any], platform: str, test: str, tmp_path: Path) -> None:
    facts = {"service": "demo", "sdk": "mcp-2", "environment.platform": platform}
    for file in render_kit(decide(facts), "version: 1\nservice: demo\n"):
        path = tmp_path / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    (tmp_path / "tests/taken.py").write_text(TAKEN)
    (tmp_path / "tests/test_taken.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/test_taken.py"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
