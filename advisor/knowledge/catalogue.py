"""The shapes of what rules refer to: sources, clients, proxies, wording."""

from __future__ import annotations

from typing import Literal, NamedTuple

from advisor.knowledge.types import Era, Raw


class Source(NamedTuple):
    """Where a statement comes from."""

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
    features: dict[str, bool]
    as_of: str
    notes: str
    sources: list[str]


class ProxyKind(NamedTuple):
    """A value of `environment.proxy.kind`."""

    id: str
    name: str
    idle_timeout_s: float | None
    total_timeout_s: float | None
    operated: Literal["own", "managed", "cluster"]
    affinity: str
    streaming: str
    sources: list[str]


class SdkCode(NamedTuple):
    """How servers of an SDK line are written; rules/sdks.yaml says what is what."""

    line: str
    flags: Literal["constructor", "run"]
    code: str
    module: str
    types: str
    host_check: Literal["constructor", "run", "none"]
    http: str
    template: str
    calls: dict[str, dict[Era, str]]
    sources: list[str]


class FlagUse(NamedTuple):
    """What a pair of flags is for.

    Attributes:
        id: the pair, as `flag_key` writes it.
        use: what to use it for, in a sentence.
        because: why.
        sources: ids of sources.
        example: requirements that are decided so.
    """

    id: Literal["stateful+sse", "stateless+sse", "stateful+json", "stateless+json"]
    use: str
    because: str
    sources: list[str]
    example: dict[str, Raw]


class Phrase(NamedTuple):
    """Wording for something that the program computes."""

    id: str
    text: str
