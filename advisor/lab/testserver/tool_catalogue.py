"""The catalogue of the tools of the test server: for each tool, its API and the SDK lines that have this API.

The probes use the catalogue to select the tool, and the test server uses it to add the tools. This module imports only
the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LINES = ("mcp-1", "mcp-2", "fastmcp-2", "fastmcp-3", "fastmcp-4")
"""The lines of SDK releases that the test server supports."""

_FASTMCP = ("fastmcp-2", "fastmcp-3", "fastmcp-4")
_MODERN = ("mcp-2", "fastmcp-4")
_WAITING = ("fastmcp-2", "fastmcp-3")


@dataclass(frozen=True)
class LabTool:
    """A tool of the test server and the API that it uses.

    Attributes:
        feature: a key of `needs`, or `plain`.
        call: the API that server code uses for the feature.
        tool: the name of the tool.
        lines: the lines of releases that have the API.
        bus: whether the tool needs the argument `bus` of `register`.
        broadcast: whether the notification of a call reaches every client, so that such calls must not run in parallel.
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
    """The tools that a line of releases supports."""
    return [entry for entry in CATALOGUE if line in entry.lines]


def find(line: str, feature: str, call: str) -> LabTool | None:
    """The tool for an API, or None if the line of releases does not have the API."""
    return next((entry for entry in entries(line) if (entry.feature, entry.call) == (feature, call)), None)
