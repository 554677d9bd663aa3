"""The catalogue of the tools of the test server: for each tool, its API and whether every SDK line has this API.

The probes use the catalogue to select the tool, and the test server uses it to add the tools. The APIs that only some
SDK lines have are in `apis` of rules/sdks.yaml. This module imports only the standard library.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LabTool:
    """A tool of the test server and the API that it uses.

    Attributes:
        feature: a key of `needs`, or `plain`.
        call: the API that server code uses for the feature.
        tool: the name of the tool.
        everywhere: whether every SDK line has the API.
        bus: whether the tool needs the argument `bus` of `register`.
        broadcast: whether the notification of a call reaches every client, so that such calls must not run in parallel.
    """

    feature: str
    call: str
    tool: str
    everywhere: bool = True
    bus: bool = field(default=False, kw_only=True)
    broadcast: bool = field(default=False, kw_only=True)


CATALOGUE = (
    LabTool("plain", "tools/call", "lab_plain"),
    LabTool("sampling", "ctx.session.create_message", "lab_sample"),
    LabTool("sampling", "ctx.session.create_message(related_request_id)", "lab_sample_related"),
    LabTool("sampling", "ctx.sample", "lab_context_sample", False),
    LabTool("sampling", "Resolve(Sample)", "lab_resolve_sample", False),
    LabTool("sampling", "InputRequiredResult", "lab_require_sample", False),
    LabTool("elicitation", "ctx.elicit", "lab_elicit"),
    LabTool("elicitation", "Resolve(Elicit)", "lab_resolve_elicit", False),
    LabTool("elicitation", "InputRequiredResult", "lab_require_elicit", False),
    LabTool("roots", "ctx.session.list_roots", "lab_roots"),
    LabTool("roots", "ctx.list_roots", "lab_context_roots", False),
    LabTool("roots", "Resolve(ListRoots)", "lab_resolve_roots", False),
    LabTool("roots", "InputRequiredResult", "lab_require_roots", False),
    LabTool("progress", "ctx.report_progress", "lab_progress"),
    LabTool("logging", "ctx.info", "lab_log"),
    LabTool("subscriptions", "session.send_resource_updated", "lab_resource_updated"),
    LabTool("subscriptions", "ctx.notify_resource_updated", "lab_notify_resource", False),
    LabTool("subscriptions", "SubscriptionBus.publish", "lab_publish_resource", False, bus=True),
    LabTool("list_changed", "session.send_tool_list_changed", "lab_tools_changed"),
    LabTool("list_changed", "ctx.notify_tools_changed", "lab_notify_tools", False, broadcast=True),
    LabTool("list_changed", "SubscriptionBus.publish", "lab_publish_tools", False, bus=True, broadcast=True),
    LabTool("list_changed", "ctx.send_tool_list_changed", "lab_context_tools_changed", False),
    LabTool(
        "list_changed",
        "ctx.send_notification(ToolListChangedNotification())",
        "lab_send_notification",
        everywhere=False,
    ),
    LabTool("session_state", "handle argument", "lab_handle"),
    LabTool("session_state", "session object", "lab_session_object"),
    LabTool("session_state", "Mcp-Session-Id", "lab_session_header"),
    LabTool("session_state", "ctx.session_id", "lab_session_id", False),
    LabTool("session_state", "ctx.set_state", "lab_context_state", False),
    LabTool("resumability", "EventStore", "lab_slow"),
)
"""In the order of the capability files."""


PLAIN = CATALOGUE[0]
"""The tool that every client can call."""


def entries(apis: Collection[str]) -> list[LabTool]:
    """The tools that an SDK line supports. `apis` are the APIs that only some SDK lines have, and this line has."""
    return [entry for entry in CATALOGUE if entry.everywhere or entry.call in apis]


def find(apis: Collection[str], feature: str, call: str) -> LabTool | None:
    """The tool for an API, or None if the SDK line does not have the API. `apis` is as in `entries`."""
    return next((entry for entry in entries(apis) if (entry.feature, entry.call) == (feature, call)), None)
