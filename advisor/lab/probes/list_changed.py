"""Changed lists: whether a client hears that the list of tools has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.lab.clients.sdk_client import Heard
from advisor.lab.probes.cell import Probe, call, in_session
from advisor.lab.probes.notices import listening, verdict
from advisor.lab.probes.observation import Observation, Verdict

if TYPE_CHECKING:
    from mcp import Client

CHANGED = "notifications/tools/list_changed"
MOMENTS = ("in the call", "after the call")
"""When a server that holds the session can send; a tool for this way takes them as its argument `moment`."""

BY_SESSION = "session.send_tool_list_changed"


async def observe(probe: Probe) -> Observation:
    """Listen as the era does, and have a tool say that the list changed.

    The notification names nothing, so two of these probes on the same server might hear each other.
    """
    moments = MOMENTS if probe.target.call == BY_SESSION else ("",)

    async def steps(client: Client, heard: Heard) -> Verdict:
        async with listening(probe, client, heard, tools_list_changed=True) as listener:

            def arrived() -> int:
                return len(listener.heard) + heard.notes.count((CHANGED, ""))

            got: list[str] = []
            for moment in moments:  # in sequence: the notification does not say which it is
                before, error = arrived(), (await call(client, probe.target, **_of(moment)))[1]
                if error:
                    break
                if await heard.until(lambda known=before: arrived() > known, probe.silence_s):  # type: ignore[misc]
                    got.append(moment)
        said = f"subscriptions/listen: {listener.refusal}" if listener.refusal else ""
        return verdict(got, moments, error, [said])

    return await in_session(probe, steps, silences=len(moments))


def _of(moment: str) -> dict[str, str]:
    return {"moment": moment} if moment else {}
