"""Servers whose load is measured: how each is started under a flag pair, and which of its tools is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.knowledge.types import Era
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.paths import TESTSERVER
from advisor.lab.process.run import Launch

_SERVER = TESTSERVER / "small_server.py"


@dataclass(frozen=True, slots=True)
class Subject:
    """A server whose load is measured.

    Attributes:
        name: of its processes.
        launch: from port and flags (stateless_http, json_response) to how it is started; one process.
        eras: which clients it serves.
        tool: a tool of it that answers at once.
        arguments: of the tool.
        expected: text that its answer contains.
        path: of the endpoint.
    """

    name: str
    launch: Callable[[int, bool, bool], Launch]
    eras: tuple[Era, ...]
    tool: str
    arguments: Mapping[str, Any]
    expected: str
    path: str = "/mcp"


def bare(python: Path, line: str) -> Subject:
    """The lab's small server, run by an interpreter that has the SDK.

    Args:
        python: the interpreter.
        line: the line of releases of its SDK, such as `mcp-2`.
    """

    def launch(port: int, stateless_http: bool, json_response: bool) -> Launch:
        return Launch([python, _SERVER, line, str(port), str(int(stateless_http)), str(int(json_response))])

    return Subject(line, launch, _eras(line), "add", {"a": 2, "b": 3}, "5")


def of_kit(fleet: Fleet) -> Subject:
    """The server of a kit, in one process of the tier that keeps sessions (the first one, if none does).

    Args:
        fleet: of the kit; what its servers need beside themselves (Redis) runs.
    """
    kit = fleet.plan.kit
    tier = next((one for one in kit.tiers if not one.stateless_http), kit.tiers[0])

    def launch(port: int, stateless_http: bool, json_response: bool) -> Launch:
        flags = {"MCP_STATELESS": str(stateless_http).lower(), "MCP_JSON_RESPONSE": str(json_response).lower()}
        return fleet.launch(tier, port, {**flags, "MCP_WORKERS": "1"})

    return Subject(f"{tier.name}-load", launch, _eras(kit.line), "lab_plain", {}, "ok")


def _eras(line: str) -> tuple[Era, ...]:
    return ("legacy", "modern") if line in ("mcp-2", "fastmcp-4") else ("legacy",)
