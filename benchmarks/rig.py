"""Servers and clients for benchmarks: processes that end with the benchmark, free ports, HTTP connections."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

START_S = 60

HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "0"}}


def connect(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=30)


def send(
    connection: http.client.HTTPConnection, method: str, params: Any, key: str = "", token: str = ""
) -> tuple[int, Any]:
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        message |= {"id": 1, "params": params}
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if key:
        headers |= {"Mcp-Session-Id": key, "MCP-Protocol-Version": "2025-06-18"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request("POST", "/mcp", json.dumps(message), headers)
    with connection.getresponse() as answer:
        text = answer.read()
        if answer.status >= 400 and method != "initialize":
            sys.exit(f"{method} at port {connection.port} was answered with {answer.status}: {text.decode()}")
        return answer.status, answer.headers


def start(
    stack: contextlib.ExitStack, log: Path, command: list[str], values: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    out = stack.enter_context(log.open("wb"))
    process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **(values or {})})
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def until(check: Callable[[], bool]) -> None:
    end = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException, redis_error()):
            if check():
                return
        if time.monotonic() > end:
            sys.exit("the fleet does not start")
        time.sleep(0.05)


def redis_error() -> type[Exception]:
    from redis.exceptions import RedisError

    return RedisError
