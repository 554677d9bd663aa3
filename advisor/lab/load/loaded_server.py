"""Servers whose load is measured: how each is started under a flag pair, and which of its tools is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.knowledge import load
from advisor.knowledge.types import Era
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.process.run import Launch
from advisor.lab.process.sdk_under_test import Flags, serving


@dataclass(frozen=True, slots=True)
class LoadedServer:
    """A server whose load is measured.

    Attributes:
        name: of its processes.
        launch: from flags (stateless_http, json_response) to how a process is started on a port.
        eras: which clients it serves.
        tool: a tool of it that answers at once.
        arguments: of the tool.
        expected: text that its answer contains.
    """

    name: str
    launch: Callable[[Flags], Callable[[int], Launch]]
    eras: tuple[Era, ...]
    tool: str
    arguments: Mapping[str, Any]
    expected: str


def bare(python: Path, line: str) -> LoadedServer:
    """A test server with the tools of exercise 1, run by an interpreter that has the SDK.

    Args:
        python: the interpreter.
        line: the line of releases of its SDK, such as `mcp-2`.
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
    """The server of a kit, in a process of the tier that keeps sessions (the first tier, if none does).

    Args:
        fleet: of the kit; what its servers need besides themselves (Redis) runs.
    """
    kit = fleet.plan.kit
    tier = next((tier for tier in kit.tiers if not tier.stateless_http), kit.tiers[0])

    def launch(flags: Flags) -> Callable[[int], Launch]:
        names = ("MCP_STATELESS", "MCP_JSON_RESPONSE")
        switches = {name: str(flag).lower() for name, flag in zip(names, flags, strict=True)}
        return lambda port: fleet.launch(tier, port, {**switches, "MCP_WORKERS": "1"})

    return LoadedServer(f"{tier.name}-load", launch, kit.served_eras, "lab_plain", {}, "ok")
