"""Log messages that a modern client has not asked for."""

from __future__ import annotations

from dataclasses import replace

from advisor.lab.observation import Row
from advisor.lab.probes import logs
from advisor.lab.probes.cell import Probe, Target


async def observe(probe: Probe) -> list[Row]:
    """Call the lab's tool `lab_log` without a log level; legacy clients have none to name."""
    if probe.era == "legacy":
        return []
    asked = replace(probe, target=Target("lab_log", {}, "ctx.info"))
    return [Row("log messages without a log level", await logs.observe(asked, log_level=None))]
