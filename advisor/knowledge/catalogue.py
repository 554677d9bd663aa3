"""The shapes of what rules refer to: sources, clients, proxies, wording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from advisor.engine.rules import STRICT
from advisor.knowledge.types import Era, Raw


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement comes from."""

    __pydantic_config__ = STRICT
    id: str
    title: str
    kind: str
    ref: str
    date: str
    says: str


@dataclass(frozen=True, slots=True)
class ClientApp:
    """A known client application."""

    __pydantic_config__ = STRICT
    id: str
    name: str
    protocol: Literal["legacy", "modern", "mixed", "unknown"]
    keep_cookies: bool | Literal["unknown"]
    features: dict[str, bool]
    as_of: str
    notes: str
    sources: list[str]


@dataclass(frozen=True, slots=True)
class ProxyKind:
    """A value of `environment.proxy.kind`."""

    __pydantic_config__ = STRICT
    id: str
    name: str
    idle_timeout_s: float | None
    total_timeout_s: float | None
    operated: Literal["own", "managed", "cluster"]
    affinity: str
    streaming: str
    sources: list[str]


@dataclass(frozen=True, slots=True)
class SdkCode:
    """How servers of an SDK line are written; rules/sdks.yaml says what is what."""

    __pydantic_config__ = STRICT
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


@dataclass(frozen=True, slots=True)
class FlagUse:
    """What a pair of flags is for.

    Attributes:
        id: the pair, as `flag_key` writes it.
        use: what to use it for, in a sentence.
        because: why.
        sources: ids of sources.
        example: requirements that are decided so.
    """

    __pydantic_config__ = STRICT
    id: Literal["stateful+sse", "stateless+sse", "stateful+json", "stateless+json"]
    use: str
    because: str
    sources: list[str]
    example: dict[str, Raw]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Wording for something that the program computes."""

    __pydantic_config__ = STRICT
    id: str
    text: str
