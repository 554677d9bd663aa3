"""Tiers: the tools divided into those that need a session and those that do not, each a deployment of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from advisor.decision.core import Core, core_of
from advisor.knowledge.types import NEEDS, Need
from advisor.requirements.model import Requirements

SEPARABLE = "tools.separable"
"""The derived fact that says whether tiers can divide the tools."""

ToolNeeds: TypeAlias = "tuple[tuple[str, Need], ...]"
"""The needs of a tool: pairs of a feature and how much the tool needs the feature."""


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
        """The decision for the tier."""
        return core_of(self.facts)

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of its tools."""
        return tuple(tool.name for tool in self.requirements.tools)


STATEFUL = {"scale.instances": 1, "scale.workers": 1, "preference": "full-features"}
"""What the requirements of every stateful tier state: one process, which keeps its sessions."""


def stateless_values(substitute: bool) -> dict[str, Any]:
    """What the requirements of every stateless tier state: no preference for sessions.

    Args:
        substitute: whether something replaces a feature of the tier that needs a session. The tier then has no session
            affinity either, or the tables would keep the feature in sessions.
    """
    return {"preference": "simplest", **({"scale.affinity": "unavailable"} if substitute else {})}


def needs_of_tools(requirements: Requirements) -> tuple[ToolNeeds, ...]:
    """The needs of each tool, in the order of the file."""
    return tuple(tuple(tool.needs.items()) for tool in requirements.tools)


def stateful_tools(
    tools: Sequence[ToolNeeds], required: Collection[str], preferred: Collection[str], storeless: Collection[str] = ()
) -> tuple[bool, ...] | None:
    """Which tools go to the stateful tier; None where the tools cannot be divided.

    A required feature that no listed tool requires belongs to a tool that the file does not list: that tool goes to
    the stateful tier too, so such a need never prevents the division. A preferred need never prevents it either: the
    tools that only prefer a session follow into the stateful tier if a tool is left for the stateless tier.

    If every tool prefers or requires a session, the tools divide as without a shared store. The store then never moves
    a tool out of the stateful tier, where the tool has the features that it prefers.

    Args:
        tools: the needs of each tool.
        required: the required features that need a session.
        preferred: the preferred features that need a session.
        storeless: the features that need a session if no store is shared.
    """
    wanting = tuple(any(feature in required or feature in preferred for feature, _ in tool) for tool in tools)
    if not all(wanting):
        return wanting if required or any(wanting) else None
    bound, steady = (
        tuple(any(feature in features and need == "required" for feature, need in tool) for tool in tools)
        for features in (required, {*required, *storeless})
    )
    for stateful in (steady, bound):
        if not all(stateful) and (required or any(stateful)):
            return stateful
    return None


def stateless_part(
    requirements: Requirements, names: Collection[str], lost: Collection[str], *, substitute: bool = False
) -> Requirements:
    """The requirements of the stateless tier.

    Args:
        requirements: the requirements of the deployment.
        names: the tools of the tier.
        lost: the features that need a session. The tier needs none of them: its tools do not require them.
        substitute: whether something replaces a feature that needs a session (see `stateless_values`).
    """
    values = {**{f"needs.{feature}": "none" for feature in lost}, **stateless_values(substitute)}
    return _part(requirements, names, values)


def stateful_part(requirements: Requirements, names: Collection[str], lost: Collection[str]) -> Requirements:
    """The requirements of the stateful tier, a single process, which needs no affinity.

    Args:
        requirements: the requirements of the deployment.
        names: the tools of the tier.
        lost: the features that need a session. Those that the file only prefers are for the tools that prefer them.
    """
    here = {feature for tool in requirements.tools if tool.name in names for feature in tool.needs}
    dropped = [f"needs.{name}" for name in lost if requirements[f"needs.{name}"] == "preferred" and name not in here]
    return _part(requirements, names, {**dict.fromkeys(dropped, "none"), **STATEFUL})


def _part(requirements: Requirements, names: Collection[str], values: Mapping[str, Any]) -> Requirements:
    """The same requirements with the tools called `names`, their needs and their longest call, and with other `values`.

    A need of the file for which no tool accounts is the need of a tool that the file does not list, so it stays. The
    longest call changes only where all of these tools state one.
    """
    tools = tuple(tool for tool in requirements.tools if tool.name in names)
    own = dict(requirements.values)
    for feature in {feature for tool in requirements.tools for feature in tool.needs}:
        need = f"needs.{feature}"
        if any(tool.needs.get(feature) == requirements[need] for tool in requirements.tools):
            own[need] = max((tool.needs.get(feature, "none") for tool in tools), key=NEEDS.index, default="none")
    durations = [tool.duration_s for tool in tools]
    if durations and None not in durations:
        own["workload.longest_call_s"] = max(duration for duration in durations if duration is not None)
    return replace(requirements, values={**own, **values}, tools=tools)
