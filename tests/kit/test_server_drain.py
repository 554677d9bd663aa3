"""How a generated server closes its connections while it shuts down (runtime/drain.py)."""

from __future__ import annotations

import json
from pathlib import Path

from server_code import run, written

from advisor.decision.advisor import Advisor

# A test cannot force a connection that uvicorn does not know at SIGTERM, but it can make the answers on one.
ANSWERS = """
import asyncio, json, signal
import uvicorn
from runtime.drain import Drain

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


# systemd would get these messages. The last line blocks the event loop, as a tool that hangs does.
MESSAGES = """
import asyncio, os, socket, sys, time
os.environ |= {"NOTIFY_SOCKET": sys.argv[1], "WATCHDOG_USEC": "400000"}
systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
systemd.bind(sys.argv[1])
systemd.settimeout(20)
from runtime.watchdog import Watchdog

async def app(scope, receive, send):
    for _ in range(3):
        assert await asyncio.to_thread(systemd.recv, 100) == b"WATCHDOG=1"
    time.sleep(0.3)
    systemd.setblocking(False)
    try:
        print("hung", systemd.recv(100))
    except BlockingIOError:
        print("hung and silent")

asyncio.run(Watchdog(app)({"type": "lifespan"}, None, None))
"""


def test_a_process_that_hangs_sends_no_messages_to_systemd(advisor: Advisor, tmp_path: Path) -> None:
    server = written(advisor, tmp_path, **{"environment.platform": "systemd"})
    assert run(server, MESSAGES, str(tmp_path / "notify")) == "hung and silent\n"


def test_a_connection_closes_after_its_first_answer_after_sigterm(advisor: Advisor, tmp_path: Path) -> None:
    before, after = json.loads(run(written(advisor, tmp_path), ANSWERS))
    assert before == [["x-one", "1"]]
    assert after == [["x-one", "1"], ["connection", "close"]]
