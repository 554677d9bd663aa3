"""The types of rules/scan_typescript.yaml: names in the code of TypeScript servers."""

from __future__ import annotations

from typing import Literal, NamedTuple

from advisor.knowledge.types import Outcome


class TypescriptLine(NamedTuple):
    """A major version of the SDK. The head of rules/scan_typescript.yaml explains the keys."""

    id: str
    packages: tuple[str, ...]
    serves_modern: bool
    pings_from: str
    ping_s: int
    sources: tuple[str, ...]


class TypescriptName(NamedTuple):
    """A class, function or type of the SDK. The head of `typescript_names` explains the kinds."""

    id: str
    kind: Literal[
        "server",
        "low-level-server",
        "http",
        "sse",
        "stdio",
        "http-handler",
        "stdio-handler",
        "context",
        "event-store",
        "bus",
        "codec",
    ]


class TypescriptCall(NamedTuple):
    """A call that uses a feature. The head of `typescript_calls` explains the keys."""

    id: str
    feature: str
    like: str
    roles: tuple[str, ...]
    lines: tuple[str, ...]
    method: str = ""
    option: str = ""
    outcomes: str = ""


class TypescriptOutcomes(NamedTuple):
    """What legacy clients get for each flag pair, such as `stateless+sse`."""

    id: str
    cells: dict[str, Outcome]
