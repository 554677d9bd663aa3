"""What raw clients of MCP send over HTTP and how they read an answer. Standard library only.

Every raw client uses it, whatever it sends requests with; that of a load measurement runs without installed packages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LEGACY = "2025-06-18"
"""The protocol version that raw legacy clients offer; a server that does not know it answers with its own."""

MODERN = "2026-07-28"
"""The protocol version of modern clients."""

CLIENT = {"name": "mcp-advisor", "version": "1"}
"""The name by which raw clients introduce themselves."""

INITIALIZE: Mapping[str, Any] = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT}
"""The parameters of the request `initialize`."""

META: Mapping[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": CLIENT,
}
"""The `_meta` of a modern request: what the handshake used to say."""


def message(method: str, params: Mapping[str, Any] | None, number: int | None = None) -> dict[str, Any]:
    """A JSON-RPC request; without a number a notification.

    Args:
        method: the method.
        params: its parameters, or None.
        number: the id of the request.
    """
    found: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if number is not None:
        found["id"] = number
    if params is not None:
        found["params"] = dict(params)
    return found


def headers(method: str, name: str = "", *, modern: bool, session: str = "", version: str = LEGACY) -> dict[str, str]:
    """The headers of a request.

    Args:
        method: the JSON-RPC method, "" for a request without a method.
        name: of the tool or resource, which modern requests name in a header.
        modern: the era of the client.
        session: the session of a legacy client, "" for none.
        version: the protocol version that a legacy client agreed on.
    """
    found = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    if modern:
        found |= {"mcp-protocol-version": MODERN, "mcp-method": method, "mcp-name": name}
    elif method != "initialize":
        found |= {"mcp-protocol-version": version, "mcp-session-id": session}
    return {key: value for key, value in found.items() if value}


def messages(body: str) -> list[dict[str, Any]]:
    """The JSON-RPC messages of an answer, as far as it arrived: a JSON document, or the events of a stream."""
    lines = [line.partition(":")[2] for line in body.splitlines() if line.startswith("data:")]
    found = []
    for text in lines or [body]:
        try:
            parsed = json.loads(text)
        except ValueError:
            continue
        if isinstance(parsed, dict):
            found.append(parsed)
    return found


def result_of(body: str) -> dict[str, Any] | None:
    """The first result in an answer; None where there is none."""
    results = (parsed.get("result") for parsed in messages(body))
    return next((result for result in results if isinstance(result, dict)), None)


def reply_to(number: int | None, body: str) -> dict[str, Any] | None:
    """The result or error that answers a request; None as long as it has not arrived.

    Args:
        number: the id of the request; an error about the request as a whole has the id None.
        body: of the answer, as far as it arrived.
    """
    for parsed in messages(body):
        if ("result" in parsed and parsed.get("id") == number) or (
            "error" in parsed and parsed.get("id") in (number, None)
        ):
            return parsed
    return None
