"""Tiers: the tools divided into those that need a session and those that do not, each a deployment of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from advisor.decision.model import Core, core_of
from advisor.requirements.model import Requirements


class TierRequirements(NamedTuple):
    """A tier on the way to its decision.

    Attributes:
        name: `stateless` or `stateful`.
        requirements: those of the tier.
        facts: the facts that the tables conclude from them.
    """

    name: str
    requirements: Requirements
    facts: Mapping[str, Any]

    @property
    def core(self) -> Core:
        """What is decided for the tier."""
        return core_of(self.facts)

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of its tools."""
        return tuple(tool.name for tool in self.requirements.tools)


def part(requirements: Requirements, names: frozenset[str], *, one_process: bool) -> Requirements:
    """The requirements of a tier.

    Args:
        requirements: those of the whole deployment.
        names: the tools of the tier.
        one_process: whether the tier is a single process, which needs no affinity.

    Returns:
        The same requirements with the needs that these tools have, or that no tool claims for itself, and with the
        longest call of these tools where all of them state its length.
    """
    tools = tuple(tool for tool in requirements.tools if tool.name in names)
    claimed = {f"needs.{feature}" for tool in requirements.tools for feature in tool.needs}
    here = {f"needs.{feature}" for tool in tools for feature in tool.needs}
    values = dict(requirements.values)
    values.update(dict.fromkeys(claimed - here, "none"))
    durations = [tool.duration_s for tool in tools]
    if durations and None not in durations:
        values["workload.longest_call_s"] = max(duration for duration in durations if duration is not None)
    if one_process:
        values.update({"scale.instances": 1, "scale.workers": 1})
    return replace(requirements, values=values, tools=tools)


def changed(requirements: Requirements, change: Mapping[str, Any]) -> Requirements:
    """The requirements with some facts changed: fact id → value as the file writes it.

    A change of the longest call applies to every tool, so the tools' own longest calls do not hold any more.
    """
    tools = requirements.tools
    if "workload.longest_call_s" in change:
        tools = tuple(tool._replace(duration_s=None) for tool in tools)
    return replace(requirements, values={**requirements.values, **change}, tools=tools)
