"""Log messages that a modern client has not asked for."""

from __future__ import annotations

from dataclasses import replace

from advisor.lab.probes import logs
from advisor.lab.probes.cell import Probe, ProbeTarget
from advisor.lab.probes.observation import BehaviourRow


async def observe(probe: Probe) -> list[BehaviourRow]:
    """Call the lab's tool `lab_log` without a log level; legacy clients have none to name."""
    if probe.era == "legacy":
        return []
    asked = replace(probe, target=ProbeTarget("lab_log", {}, "ctx.info"))
    return [BehaviourRow("log messages without a log level", await logs.observe(asked, log_level=None))]
