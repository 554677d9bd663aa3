"""The types of entries that rules refer to: sources, client applications, proxies, flags and wording."""

from __future__ import annotations

from typing import Literal, NamedTuple

from advisor.knowledge.types import Era, Raw


class Source(NamedTuple):
    """A source of a statement."""

    id: str
    title: str
    kind: str
    ref: str
    date: str
    says: str


class ClientApp(NamedTuple):
    """A known client application."""

    id: str
    name: str
    protocol: Literal["legacy", "modern", "mixed", "unknown"]
    keep_cookies: bool | Literal["unknown"]
    recovers: bool | Literal["unknown"]
    features: dict[str, bool]
    as_of: str
    notes: str
    sources: list[str]


LimitStatus = Literal["default", "not-confirmed", "none", "unknown"]


class ProxyKind(NamedTuple):
    """A value of `environment.proxy.kind`; rules/proxies.yaml explains the keys."""

    id: str
    name: str
    idle_timeout_s: float | None
    idle_status: LimitStatus
    total_timeout_s: float | None
    total_status: LimitStatus
    look_up: str
    operated: Literal["own", "managed", "cluster"]
    affinity: str
    streaming: str
    sources: list[str]
    affinity_setting: str = ""
    one_instance: str = ""
    runs_servers: bool = False
    reuse: Literal["default", "fixed", "idle-timeout", "none", "unknown"] = "unknown"
    reuse_s: float | None = None
    tls: Literal["ends", "unknown"] = "unknown"
    buffers: bool = False
    connections: Literal["passed", "own"] = "passed"
    mcp_sessions: Literal["", "in-session-id", "in-memory", "for-each-request", "refused"] = ""
    sessions_setting: str = ""


class SdkCode(NamedTuple):
    """The server code for an SDK line. The head of rules/sdks.yaml explains the keys."""

    line: str
    flags: Literal["constructor", "run"]
    code: str
    module: str
    types: str
    host_check: Literal["constructor", "run", "none"]
    http: str
    python: str
    template: str
    calls: dict[str, dict[Era, str]]
    sources: list[str]


class FlagUse(NamedTuple):
    """The recommended use of a flag pair.

    Attributes:
        id: the flag pair, as in `flag_key`.
        use: the recommended use, as a sentence.
        because: the reason.
        sources: the ids of the sources.
        example: requirements for which the decision has this flag pair.
    """

    id: Literal["stateful+sse", "stateless+sse", "stateful+json", "stateless+json"]
    use: str
    because: str
    sources: list[str]
    example: dict[str, Raw]


class Phrase(NamedTuple):
    """A text for a result that the program computes."""

    id: str
    text: str
