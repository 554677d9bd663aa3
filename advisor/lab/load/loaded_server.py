"""The servers of a load measurement: how each server is started with a flag pair, and the tool that clients call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.knowledge import load
from advisor.knowledge.types import Era
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.process.run import Launch
from advisor.lab.process.sdk_under_test import FlagPair, serving


@dataclass(frozen=True, slots=True)
class LoadedServer:
    """A server of a load measurement.

    Attributes:
        name: the beginning of the names of its processes.
        launch: takes the flags (stateless_http, json_response). Returns a function that takes a port and returns the
            command.
        eras: the protocol eras that the server serves.
        tool: a tool that does no work.
        arguments: the arguments of the tool.
        expected: a text that the answer of the tool contains.
    """

    name: str
    launch: Callable[[FlagPair], Callable[[int], Launch]]
    eras: tuple[Era, ...]
    tool: str
    arguments: Mapping[str, Any]
    expected: str


def bare(python: Path, line: str) -> LoadedServer:
    """A test server with the tools of exercise 1.

    Args:
        python: an interpreter that has the SDK.
        line: the line of releases of this SDK, such as `mcp-2`.
    """
    return LoadedServer(
        line,
        lambda flags: serving(python, line, flags, "exercise"),
        load().lines[line].eras,
        "add",
        {"a": 2, "b": 3},
        "5",
    )


def of_kit(fleet: Fleet) -> LoadedServer:
    """One server process of a kit, from the tier with sessions. If no tier has sessions, from the first tier.

    Args:
        fleet: the fleet of the kit. If the servers need Redis, Redis is running.
    """
    kit = fleet.plan.kit
    tier = next((tier for tier in kit.tiers if not tier.stateless_http), kit.tiers[0])

    def launch(flags: FlagPair) -> Callable[[int], Launch]:
        names = ("MCP_STATELESS", "MCP_JSON_RESPONSE")
        switches = {name: str(flag).lower() for name, flag in zip(names, flags, strict=True)}
        return lambda port: fleet.launch(tier, port, {**switches, "MCP_WORKERS": "1"})

    return LoadedServer(f"{tier.name}-load", launch, kit.served_eras, "lab_plain", {}, "ok")
