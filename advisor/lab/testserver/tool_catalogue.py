"""The lab's tools: which tool of a server object stands for which way of asking, on which SDK lines.

Imported by both sides: the product, to know what to call, and the servers that are measured, to know what to add.
Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LINES = ("mcp-1", "mcp-2", "fastmcp-2", "fastmcp-3", "fastmcp-4")
"""Every line of SDK releases that the lab knows how to write a server for."""

_FASTMCP = ("fastmcp-2", "fastmcp-3", "fastmcp-4")
_MODERN = ("mcp-2", "fastmcp-4")
_WAITING = ("fastmcp-2", "fastmcp-3")


@dataclass(frozen=True)
class LabTool:
    """One way of asking for a feature, and the lab's tool that asks so.

    Attributes:
        feature: a key of `needs`, or `plain`.
        call: the way of asking, as written in server code.
        tool: the name of the lab's tool.
        lines: the lines of releases that know this way.
        bus: whether the tool needs a subscription bus that `register` is given.
        broadcast: whether a call reaches every client of the server, so that such cells must not overlap.
    """

    feature: str
    call: str
    tool: str
    lines: tuple[str, ...] = LINES
    bus: bool = field(default=False, kw_only=True)
    broadcast: bool = field(default=False, kw_only=True)


CATALOGUE = (
    LabTool("plain", "tools/call", "lab_plain"),
    LabTool("sampling", "ctx.session.create_message", "lab_sample"),
    LabTool("sampling", "ctx.session.create_message(related_request_id)", "lab_sample_related"),
    LabTool("sampling", "ctx.sample", "lab_context_sample", _WAITING),
    LabTool("sampling", "Resolve(Sample)", "lab_resolve_sample", ("mcp-2",)),
    LabTool("sampling", "InputRequiredResult", "lab_require_sample", _MODERN),
    LabTool("elicitation", "ctx.elicit", "lab_elicit"),
    LabTool("elicitation", "Resolve(Elicit)", "lab_resolve_elicit", ("mcp-2",)),
    LabTool("elicitation", "InputRequiredResult", "lab_require_elicit", _MODERN),
    LabTool("roots", "ctx.session.list_roots", "lab_roots"),
    LabTool("roots", "ctx.list_roots", "lab_context_roots", _WAITING),
    LabTool("roots", "Resolve(ListRoots)", "lab_resolve_roots", ("mcp-2",)),
    LabTool("roots", "InputRequiredResult", "lab_require_roots", _MODERN),
    LabTool("progress", "ctx.report_progress", "lab_progress"),
    LabTool("logging", "ctx.info", "lab_log"),
    LabTool("subscriptions", "session.send_resource_updated", "lab_resource_updated"),
    LabTool("subscriptions", "ctx.notify_resource_updated", "lab_notify_resource", ("mcp-2",)),
    LabTool("subscriptions", "SubscriptionBus.publish", "lab_publish_resource", ("fastmcp-4",), bus=True),
    LabTool("list_changed", "session.send_tool_list_changed", "lab_tools_changed"),
    LabTool("list_changed", "ctx.notify_tools_changed", "lab_notify_tools", ("mcp-2",), broadcast=True),
    LabTool("list_changed", "SubscriptionBus.publish", "lab_publish_tools", ("fastmcp-4",), bus=True, broadcast=True),
    LabTool("list_changed", "ctx.send_tool_list_changed", "lab_context_tools_changed", ("fastmcp-2",)),
    LabTool(
        "list_changed",
        "ctx.send_notification(ToolListChangedNotification())",
        "lab_send_notification",
        ("fastmcp-3", "fastmcp-4"),
    ),
    LabTool("session_state", "handle argument", "lab_handle"),
    LabTool("session_state", "session object", "lab_session_object"),
    LabTool("session_state", "Mcp-Session-Id", "lab_session_header"),
    LabTool("session_state", "ctx.session_id", "lab_session_id", _FASTMCP),
    LabTool("session_state", "ctx.set_state", "lab_context_state", _FASTMCP),
    LabTool("resumability", "EventStore", "lab_slow"),
)
"""In the order of the capability files."""


def entries(line: str) -> list[LabTool]:
    """The ways of asking that a line of releases knows."""
    return [entry for entry in CATALOGUE if line in entry.lines]


def find(line: str, feature: str, call: str) -> LabTool | None:
    """The lab's tool for a way of asking, or None where the line does not know it."""
    return next((entry for entry in entries(line) if (entry.feature, entry.call) == (feature, call)), None)
