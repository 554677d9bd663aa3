"""The keys of a requirements file that a change edits. A fact can have several places, such as `needs` and tools."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.knowledge.facts import Fact
from advisor.knowledge.types import NEEDS, Raw
from advisor.requirements.hops import HOPS, PROXY
from advisor.requirements.model import Requirements


def edits(requirements: Requirements, change: Mapping[str, Raw], facts: Mapping[str, Fact]) -> dict[str, Raw]:
    """Return the edits of the file that make a change true.

    Args:
        requirements: the requirements of the file.
        change: from the id of a fact to its new value.
        facts: the facts of rules/facts.yaml, by id.

    Returns:
        From a key (`needs.sampling`, `tools[0].needs.sampling`, `environment.hops[1].kind`) to its new value.
        None means that the key is removed.
    """
    found: dict[str, Raw] = {}
    for name, value in change.items():
        if name == HOPS and isinstance(value, list):
            found |= {f"{HOPS}[{index}]": None for index, hop in enumerate(requirements[HOPS]) if hop not in value}
            continue
        if name.startswith(PROXY) and requirements[HOPS]:
            found |= _in_hops(requirements, name.removeprefix(PROXY), value)
            continue
        found[name] = value
        if name == f"{PROXY}kind" and requirements[f"{PROXY}version"] is not None:
            found[f"{PROXY}version"] = None  # a version of another proxy
        found |= _in_tools(requirements, name, value)
    return found | _without_meaning(requirements, change, facts)


def _without_meaning(
    requirements: Requirements, change: Mapping[str, Raw], facts: Mapping[str, Fact]
) -> dict[str, Raw]:
    """Return the removal of each stated key that the file must not state after the change."""
    bound = ((name, facts[name].only_with) for name in sorted(requirements.given) if name in facts)
    return {name: None for name, only in bound if only and only.fact in change and change[only.fact] not in only.any_of}


def _in_hops(requirements: Requirements, key: str, value: Raw) -> dict[str, Raw]:
    """Return the edits of the hops: every hop has to pass streams, and all else is a setting of the last hop."""
    hops = requirements[HOPS]
    last = len(hops) - 1
    every = key == "sse" and value is True
    found = {f"{HOPS}[{index}].{key}": value for index in (range(len(hops)) if every else [last])}
    if key == "kind" and "version" in hops[last]:
        found[f"{HOPS}[{last}].version"] = None
    return {where: new for where, new in found.items() if not every or hops[_index(where)].get(key) is not True}


def _index(key: str) -> int:
    return int(key.partition("[")[2].partition("]")[0])


def _in_tools(requirements: Requirements, name: str, value: Raw) -> dict[str, Raw]:
    """Return the edits of the tools: no tool needs a feature more than the file, and no tool has another duration."""
    feature = name.removeprefix("needs.")
    found: dict[str, Raw] = {}
    for index, tool in enumerate(requirements.tools):
        if name.startswith("needs.") and NEEDS.index(tool.needs.get(feature, "none")) > NEEDS.index(value):
            found[f"tools[{index}].needs.{feature}"] = value
        elif name == "workload.longest_call_s" and tool.duration_s is not None:
            found[f"tools[{index}].duration_s"] = None
    return found
