"""Runs the trials of rules/trials.yaml, or those whose findings are the arguments, and prints their figures."""

from __future__ import annotations

import asyncio
import sys

from advisor.knowledge import load
from advisor.lab.trials.measure import measure


async def main(wanted: list[str]) -> None:
    """Run the trials of these findings; [] means all."""
    knowledge = load()
    for trial in knowledge.trials.values():
        if not wanted or trial.id in wanted:
            found = await measure(trial, knowledge)
            print(f"{found.id}: faulty: {found.faulty:g}, fixed: {found.fixed:g}, on {found.releases}", flush=True)


asyncio.run(main(sys.argv[1:]))
