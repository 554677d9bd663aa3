"""The HTTP requests of raw MCP clients, and the functions that read an answer.

This module needs only the standard library, because the client of a load measurement runs without installed packages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LEGACY = "2025-06-18"
"""The protocol version that raw legacy clients request. A server without this version answers with another version."""

MODERN = "2026-07-28"
"""The protocol version of modern clients."""

CLIENT = {"name": "mcp-advisor", "version": "1"}
"""The `clientInfo` of raw clients."""

INITIALIZE: Mapping[str, Any] = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT}
"""The parameters of the request `initialize`."""

META: Mapping[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": CLIENT,
}
"""The `_meta` of a modern request, which replaces the `initialize` handshake."""


def message(method: str, params: Mapping[str, Any] | None, number: int | None = None) -> dict[str, Any]:
    """Create a JSON-RPC request or notification.

    Args:
        method: the method.
        params: the parameters, or None.
        number: id of the request; None for a notification.
    """
    found: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if number is not None:
        found["id"] = number
    if params is not None:
        found["params"] = dict(params)
    return found


def headers(method: str, name: str = "", *, modern: bool, session: str = "", version: str = LEGACY) -> dict[str, str]:
    """Return the headers of a request.

    Args:
        method: the JSON-RPC method; "" for a request without a method.
        name: name of the tool or resource. Modern requests send this name in a header.
        modern: whether the client is modern.
        session: session ID of a legacy client; "" for none.
        version: the negotiated protocol version of a legacy client.
    """
    found = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    if modern:
        found |= {"mcp-protocol-version": MODERN, "mcp-method": method, "mcp-name": name}
    elif method != "initialize":
        found |= {"mcp-protocol-version": version, "mcp-session-id": session}
    return {key: value for key, value in found.items() if value}


def messages(body: str) -> list[dict[str, Any]]:
    """Read the JSON-RPC messages that have arrived in an answer: a JSON document, or the events of an SSE stream."""
    lines = [line.partition(":")[2] for line in body.splitlines() if line.startswith("data:")]
    found = []
    for text in lines or [body]:
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(parsed, dict):
            found.append(parsed)
    return found


def result_of(body: str) -> dict[str, Any] | None:
    """Return the first result in an answer; None if there is no result."""
    results = (parsed.get("result") for parsed in messages(body))
    return next((result for result in results if isinstance(result, dict)), None)


def reply_to(number: int | None, body: str) -> dict[str, Any] | None:
    """Return the result or error of a request; None if it has not arrived yet.

    Args:
        number: id of the request. An error with the id None also belongs to the request.
        body: the part of the answer's body that has arrived.
    """
    for parsed in messages(body):
        if ("result" in parsed and parsed.get("id") == number) or (
            "error" in parsed and parsed.get("id") in (number, None)
        ):
            return parsed
    return None
