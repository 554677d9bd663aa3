"""How a generated server closes its connections while it shuts down (drain.py)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from advisor.decision.advisor import Advisor
from advisor.kit.render import render_kit
from advisor.requirements import load_path

EXAMPLE = Path(__file__).parents[2] / "examples" / "exercise-1-research.yaml"
# A test cannot force a connection that uvicorn does not know at SIGTERM, but it can make the answers on one.
ANSWERS = """
import asyncio, json, signal
import uvicorn
from drain import Drain

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-one", b"1")]})
    await send({"type": "http.response.body", "body": b""})

async def headers():
    sent = []
    async def send(message):
        sent.append(message)
    await Drain(app)({"type": "http", "method": "POST", "headers": []}, None, send)
    return [[name.decode(), value.decode()] for name, value in sent[0]["headers"]]

server = uvicorn.Server(uvicorn.Config(app))
signal.signal(signal.SIGTERM, server.handle_exit)
before = asyncio.run(headers())
signal.raise_signal(signal.SIGTERM)
print(json.dumps([before, asyncio.run(headers())]))
"""


def test_a_connection_closes_after_its_first_answer_after_sigterm(advisor: Advisor, tmp_path: Path) -> None:
    decision = advisor.decide(load_path(EXAMPLE, advisor.space))
    for file in render_kit(decision, EXAMPLE.read_text()):
        if file.path.startswith("server/"):
            (tmp_path / Path(file.path).name).write_text(file.content)
    done = subprocess.run(
        [sys.executable, "-c", ANSWERS], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    assert before == [["x-one", "1"]]
    assert after == [["x-one", "1"], ["connection", "close"]]
