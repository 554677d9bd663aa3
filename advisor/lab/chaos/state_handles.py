"""The tool that stores state during fault injection: a tool of the kit, or else the lab's own tool."""

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
# The result texts of the stubs in templates/kit/server.
GIVEN = re.compile(r"^handle: (\S+)$", re.MULTILINE)
REMEMBERED = re.compile(r"^remembered: [1-9]\d*$", re.MULTILINE)
_UNKNOWN = re.compile(r"handle is unknown")


@dataclass(frozen=True, slots=True)
class StateHandles:
    """A tool that stores state and returns a state handle.

    Attributes:
        tool: name of the tool.
    """

    tool: str

    def arguments(self, id: str, handle: str) -> dict[str, Any]:
        """Return the arguments of a call.

        Args:
            id: a text that is unique for each call.
            handle: the state handle of existing state; "" to store new state.
        """
        if self.tool == LAB_TOOL:
            return {"step": "recall", "handle": handle} if handle else {"step": "keep"}
        return {"text": id, "handle": handle} if handle else {"text": id}

    def given(self, said: str) -> str:
        """The new state handle in the answer `said`; "" if there is none."""
        if self.tool == LAB_TOOL:
            return said if re.fullmatch(r"[0-9a-f]+", said) else ""
        found = GIVEN.search(said)
        return found[1] if found else ""

    def found(self, said: str, *, is_error: bool) -> Handle:
        """The result for the state handle in the answer `said`."""
        if self.tool == LAB_TOOL and not is_error:
            return "found" if said == _KEPT else "gone" if said == _NOTHING else "refused"
        if is_error:
            return "gone" if _UNKNOWN.search(said) else "refused"
        return "found" if REMEMBERED.search(said) else "refused"


def state_handles_of(kit: KitContext, tier: TierContext, extras: Extras) -> StateHandles | None:
    """Return the tool with which clients of a tier store shared state; None without a shared store.

    Args:
        kit: the kit.
        tier: the tier.
        extras: the additions of the lab to the kit's own tools.
    """
    if shares_handles(kit):
        here = next(server_tier.tools for server_tier in server_tiers(kit) if server_tier.name == tier.name)
        for tool in server_tools(kit):
            # These clients cannot reply to requests of a server, and a call of a language model causes costs.
            if tool.state and tool.name in here and not tool.asks and not tool.uses_direct_llm:
                return StateHandles(tool.name)
    return StateHandles(LAB_TOOL) if extras.redis else None
