"""Random requirements files, and how a change is applied to a file."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from functools import lru_cache
from math import inf
from random import Random
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
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
_TIMEOUTS: tuple[Literal["idle", "total"], ...] = ("idle", "total")


def read(flat: Mapping[str, Any], space: FactSpace) -> Requirements:
    """Requirements from dotted keys."""
    return validate(SourceDocument("case", nested({"service": "case", **flat}), {}), space)


def cases(space: FactSpace) -> st.SearchStrategy[dict[str, Any]]:
    """Files with dotted keys: mostly several instances and some needs, and random values for all other keys."""
    features = [name.removeprefix("needs.") for name in space.facts if name.startswith("needs.")]
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, fact in space.facts.items():
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
                if known := [value for value in values if value is not None]:
                    optional[name] = st.sampled_from(known)
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
        _keep_to_maxima(flat, space)
        for name, _, only in space.bound:
            if flat.get(only.fact, space.facts[only.fact].default) not in only.any_of:
                flat.pop(name, None)
        return flat | ({"tools": [{"name": f"t{i}", **tool} for i, tool in enumerate(tools)]} if tools else {})

    for name in always:
        optional.pop(name, None)
    flat = st.fixed_dictionaries(always, optional=optional)
    return st.tuples(flat, needs, st.lists(tool, max_size=3)).map(put_together)


def _keep_to_maxima(flat: dict[str, Any], space: FactSpace) -> None:
    """Remove each timeout that the platform does not allow."""
    proxies = space.knowledge.proxies
    last = (flat.get(HOPS) or [{"kind": flat.get(f"{PROXY}kind", "nginx")}])[-1]["kind"]
    hops = [(hop, "", hop["kind"]) for hop in flat.get(HOPS) or []] or [(flat, PROXY, last)]
    for hop, prefix, kind in hops:
        for about in _TIMEOUTS:
            if hop.get(f"{prefix}{about}_timeout_s", 0) > (proxies[kind].longest(about) or inf):
                del hop[f"{prefix}{about}_timeout_s"]
    if flat.get("environment.function_timeout_s", 0) > (proxies[last].function_max_s or inf):
        del flat["environment.function_timeout_s"]


@lru_cache(maxsize=1)
def drawn(space: FactSpace) -> tuple[dict[str, Any], ...]:
    """400 of the files, the same in every run. To draw a file takes longer than to decide it, so tests share them."""
    found: list[dict[str, Any]] = []

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(cases(space))
    def draw(flat: dict[str, Any]) -> None:
        found.append(flat)

    draw()
    return tuple(found)


# The parts of the files that tests read, for the parameters of a fixture. The default tests read the first part.
PARTS = [
    pytest.param(slice(0, 120), id="first"),
    pytest.param(slice(120, None), id="others", marks=pytest.mark.thorough),
]


def unsure(flat: Mapping[str, Any], space: FactSpace, draw: Random, most: int = 3) -> dict[str, Any]:
    """The file with `unknown` for some needs that it does not state."""
    stated = {f"needs.{feature}" for tool in flat.get("tools", []) for feature in tool["needs"]} | set(flat)
    left = [name for name in space.facts if name.startswith("needs.") and name not in stated]
    return {**flat, **dict.fromkeys(draw.sample(left, min(len(left), most)), UNKNOWN)}


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


def edited(flat: Mapping[str, Any], edits: Mapping[str, Any]) -> dict[str, Any]:
    """The file after edits that a decision prints: keys such as `tools[0].needs.sampling`; None removes the key."""
    after = copy.deepcopy(dict(flat))
    removed = {int(match[1]) for key in edits if (match := re.fullmatch(r"environment\.hops\[(\d+)\]", key))}
    for key, value in edits.items():
        if key.endswith("]"):
            continue  # a hop is removed after the other edits, which have its index
        place: dict[str, Any] = after
        name = key
        if match := re.fullmatch(r"(tools|environment\.hops)\[(\d+)\]\.(.*)", key):
            place, name = after[match[1]][int(match[2])], match[3]
            if name.startswith("needs."):
                place, name = place["needs"], name.removeprefix("needs.")
        if value is None:
            del place[name]
        else:
            place[name] = value
    if removed:
        after["environment.hops"] = [hop for index, hop in enumerate(after["environment.hops"]) if index not in removed]
    return after
