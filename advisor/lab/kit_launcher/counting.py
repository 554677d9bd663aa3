"""Answers /health and /metrics for a server in a single file, which has no such paths."""

from __future__ import annotations

from typing import Any

_METHODS = ("tools/call", "ping")


class Counting:
    """Counts the sessions and the calls of an ASGI application."""

    def __init__(self, inner: Any) -> None:
        """Args: inner: the application of the server."""
        self._inner = inner
        self._sessions: set[bytes] = set()
        self._messages = dict.fromkeys(_METHODS, 0)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
        elif scope["path"] in ("/health", "/metrics"):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": self._metrics().encode()})
        else:
            await self._counted(scope, receive, send)

    async def _counted(self, scope: Any, receive: Any, send: Any) -> None:
        session = dict(scope["headers"]).get(b"mcp-session-id")

        async def reading() -> Any:
            message = await receive()
            for method in _METHODS:
                self._messages[method] += f'"{method}"'.encode() in message.get("body", b"")
            return message

        async def watching(message: Any) -> None:
            if message["type"] == "http.response.start":
                if session is None:
                    headers = message.get("headers", [])
                    self._sessions.update(value for name, value in headers if name.lower() == b"mcp-session-id")
                elif scope["method"] == "DELETE" and message["status"] < 300:
                    self._sessions.discard(session)
            await send(message)

        await self._inner(scope, reading, watching)

    def _metrics(self) -> str:
        counts = "".join(f'mcp_requests_total{{route="{name}"}} {count}\n' for name, count in self._messages.items())
        return f"mcp_sessions_active {len(self._sessions)}\n{counts}"
