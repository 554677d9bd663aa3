"""Elicitation: by request or by a second round; the tool decides."""

from __future__ import annotations

from advisor.lab.probes.asking import asked
from advisor.lab.probes.cell import Probe
from advisor.lab.probes.observation import Observation


async def observe(probe: Probe) -> Observation:
    """Call a tool that asks for it."""
    return await asked(probe, "elicitation")
