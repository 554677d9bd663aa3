"""The tool that keeps state for clients of chaos: a tool of the kit, or the lab's own where the kit has none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from advisor.kit.expected_failures import shares_handles
from advisor.kit.model import KitContext, TierContext
from advisor.kit.parts.server import server_tiers, server_tools
from advisor.lab.chaos.evidence import Handle
from advisor.lab.fleet.plan import Extras

LAB_TOOL = "lab_handle"
_KEPT = "kept"
_NOTHING = "nothing"
# What the stubs of templates/kit/server say.
GIVEN = re.compile(r"^handle: (\S+)$", re.MULTILINE)
REMEMBERED = re.compile(r"^remembered: [1-9]\d*$", re.MULTILINE)
_UNKNOWN = re.compile(r"handle is unknown")


@dataclass(frozen=True, slots=True)
class StateHandles:
    """A tool that keeps something and gives a handle for it.

    Attributes:
        tool: its name.
    """

    tool: str

    def arguments(self, id: str, handle: str) -> dict[str, Any]:
        """Of a call.

        Args:
            id: something that differs from call to call.
            handle: of what is to be found; "" to keep something new.
        """
        if self.tool == LAB_TOOL:
            return {"step": "recall", "handle": handle} if handle else {"step": "keep"}
        return {"text": id, "handle": handle} if handle else {"text": id}

    def given(self, said: str) -> str:
        """The new handle in the answer to a call without a handle; "" if there is none."""
        if self.tool == LAB_TOOL:
            return said if re.fullmatch(r"[0-9a-f]+", said) else ""
        found = GIVEN.search(said)
        return found[1] if found else ""

    def found(self, said: str, *, is_error: bool) -> Handle:
        """What the answer to a call with a handle says of it."""
        if self.tool == LAB_TOOL and not is_error:
            return "found" if said == _KEPT else "gone" if said == _NOTHING else "refused"
        if is_error:
            return "gone" if _UNKNOWN.search(said) else "refused"
        return "found" if REMEMBERED.search(said) else "refused"


def state_handles_of(kit: KitContext, tier: TierContext, extras: Extras) -> StateHandles | None:
    """Where clients of a tier keep something that all instances find; None where nothing is shared.

    Args:
        kit: the kit.
        tier: the tier.
        extras: what the lab adds to the kit's own tools.
    """
    if shares_handles(kit):
        here = next(server_tier.tools for server_tier in server_tiers(kit) if server_tier.name == tier.name)
        for tool in server_tools(kit):
            # Our clients answer no questions, and the lab pays for no model.
            if tool.state and tool.name in here and not tool.asks and not tool.uses_direct_llm:
                return StateHandles(tool.name)
    return StateHandles(LAB_TOOL) if extras.redis else None
