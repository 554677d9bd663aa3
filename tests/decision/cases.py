"""Random requirements files, and how a change is applied to a file."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from advisor.decision.checks.proof import nested
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.requirements import Requirements
from advisor.requirements.hops import HOPS, PROXY
from advisor.requirements.reader import SourceDocument
from advisor.requirements.validate import validate

_LEVELS = ("none", "preferred", "required")
_DURATIONS = (0.4, 2, 4, 40)


def read(flat: Mapping[str, Any], space: FactSpace) -> Requirements:
    """Requirements from dotted keys."""
    return validate(SourceDocument("case", nested({"service": "case", **flat}), {}), space)


def cases(space: FactSpace) -> st.SearchStrategy[dict[str, Any]]:
    """Files with dotted keys: mostly several instances and some needs, and random values for all other keys."""
    features = [name.removeprefix("needs.") for name in space.facts if name.startswith("needs.")]
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, fact in space.facts.items():
        if fact.only_with:
            continue
        match fact.type:
            case "name" | "tools" | "need":
                continue
            case "hops":
                optional[name] = _paths(space)
            case "hosts":
                optional[name] = st.lists(st.sampled_from(["a.example", "b.example"]), max_size=1)
            case "origins":
                optional[name] = st.lists(st.sampled_from(["https://app.example"]), max_size=1)
            case "apps":
                optional[name] = st.lists(st.sampled_from(sorted(space.knowledge.clients)), max_size=2, unique=True)
            case "seconds" if not fact.bins:
                optional[name] = st.sampled_from([1, 30, 600])
            case _:
                values = [space.typical(name, value) for value in space.domains[name]]
                optional[name] = st.sampled_from([value for value in values if value is not None])
    always = {
        "scale.instances": st.sampled_from([3, 3, 1, {"min": 1, "max": 4}]),
        "sdk": st.sampled_from([release.exact for release in space.measured.values()] + [OTHER]),
        "clients.protocol": st.sampled_from(["legacy", "modern", "mixed", UNKNOWN]),
    }
    needs = st.dictionaries(st.sampled_from(features), st.sampled_from(_LEVELS), max_size=3)
    tool_needs = st.dictionaries(st.sampled_from(features), st.sampled_from(_LEVELS[1:]), max_size=2)
    tool = st.fixed_dictionaries({"needs": tool_needs}, optional={"duration_s": st.sampled_from(_DURATIONS)})

    def put_together(parts: tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]) -> dict[str, Any]:
        flat, wanted, tools = parts
        claimed = {feature for tool in tools for feature in tool["needs"]}
        flat = {
            **flat,
            **{f"needs.{name}": level for name, level in wanted.items() if level != "none" or name not in claimed},
        }
        if flat.get(HOPS):  # otherwise the short form for the last hop
            flat = {name: value for name, value in flat.items() if not name.startswith(PROXY)}
        return flat | ({"tools": [{"name": f"t{i}", **tool} for i, tool in enumerate(tools)]} if tools else {})

    for name in always:
        optional.pop(name, None)
    flat = st.fixed_dictionaries(always, optional=optional)
    return st.tuples(flat, needs, st.lists(tool, max_size=3)).map(put_together)


def _paths(space: FactSpace) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Lists of hops. Managed platforms and several hops are as frequent as a single proxy."""
    stated = {
        "sse": st.sampled_from([True, False, UNKNOWN]),
        "idle_timeout_s": st.sampled_from([1, 30, 600]),
        "total_timeout_s": st.sampled_from([1, 30, 600]),
        "replicas": st.sampled_from([1, 2]),
    }
    kinds = [kind for kind in space.knowledge.proxies if kind != "none"]
    return st.lists(st.fixed_dictionaries({"kind": st.sampled_from(kinds)}, optional=stated), max_size=3)


def _change_hops(hops: list[dict[str, Any]], key: str, value: Any) -> None:
    """Apply a change of `environment.proxy` to the hops: all hops pass streams, and the last hop has all else."""
    if key == "kind":
        hops[-1].pop("version", None)
    for hop in hops if key == "sse" and value is True else hops[-1:]:
        hop[key] = value


def changed(flat: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The file after a change that the advice states.

    The change also applies to the needs and the duration of each tool. With another kind of proxy, the version of the
    proxy is removed.
    """
    after = copy.deepcopy({**flat, **change})
    if after.get(HOPS):
        for name in [name for name in change if name.startswith(PROXY)]:
            _change_hops(after[HOPS], name.removeprefix(PROXY), after.pop(name))
    for name, value in change.items():
        if name == "environment.proxy.kind":
            after.pop("environment.proxy.version", None)
        for tool in after.get("tools", ()):
            feature = name.removeprefix("needs.")
            if feature in tool.get("needs", {}) and name.startswith("needs."):
                tool["needs"][feature] = min(tool["needs"][feature], value, key=_LEVELS.index)
            if name == "workload.longest_call_s":
                tool.pop("duration_s", None)
    return after
