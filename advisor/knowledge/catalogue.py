"""The types of entries that rules refer to: sources, client applications, proxies, flags and wording."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

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
    falls_back: bool | Literal["unknown"] = "unknown"
    call_limit_s: float | None = None
    also: tuple[str, ...] = ()


KeyedOn = Literal["session-id", "cookie", "client-address"]
"""What session affinity can depend on."""

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
    cloud: str = ""
    retired: bool = False
    affinity_settings: dict[KeyedOn, str] = {}  # noqa: RUF012
    one_instance: str = ""
    not_in_kit: str = ""
    runs_servers: bool = False
    reuse: Literal["default", "fixed", "idle-timeout", "none", "unknown"] = "unknown"
    reuse_s: float | None = None
    reuse_since: str = ""
    reuse_setting: str = ""
    reuse_note: str = ""
    tls: Literal["ends", "unknown"] = "unknown"
    keep_alive: Literal["", "idle-timeout"] = ""
    keep_alive_s: float | None = None
    keep_alive_setting: str = ""
    layer: Literal["http", "tcp"] = "http"
    buffers: bool = False
    streams: Literal["passes", "unknown"] = "unknown"
    trap: str = ""
    trap_fix: str = ""
    streaming_setting: str = ""
    passes_setting: str = ""
    connections: Literal["passed", "own"] = "passed"
    http_route: bool = False
    mcp_sessions: Literal["", "in-session-id", "in-memory", "for-each-request", "ignored"] = ""
    sessions_setting: str = ""
    stop: Literal["", "signal"] = ""
    stop_note: str = ""
    loads_app: bool = False
    port: Literal["", "environment"] = ""
    functions: bool = False
    also: tuple[str, ...] = ()
    function_timeout: bool = False
    refuses: Literal["", "legacy", "modern"] = ""
    refuses_setting: str = ""
    needs_session_id: bool = False
    drops_messages: str = ""
    fixed: list[Literal["idle", "total"]] = []  # noqa: RUF012
    unset: list[Literal["idle", "total"]] = []  # noqa: RUF012
    unset_setting: str = ""
    stream_total_timeout_s: float | None = None
    idle_max_s: float | None = None
    total_max_s: float | None = None
    function_max_s: float | None = None

    def longest(self, about: Literal["idle", "total"]) -> float | None:
        """Return the longest `idle` or `total` timeout in seconds that the platform allows; None if it is not known.

        A fixed timeout without a maximum of its own has its default.
        """
        most = self.idle_max_s if about == "idle" else self.total_max_s
        if most is None and about in self.fixed:
            return self.idle_timeout_s if about == "idle" else self.total_timeout_s
        return most

    def possible_on(self, platform: str) -> bool:
        """Return whether the proxy can be in front of servers on `platform`, a value of `environment.platform`."""
        if self.operated == "cluster":
            return platform == "kubernetes"
        if self.runs_servers:
            return platform == "serverless"
        return self.operated == "own" or platform != "local"

    @property
    def cookie_affinity(self) -> str:
        """The setting for session affinity by cookie; "" if the proxy has none."""
        return self.affinity_settings.get("cookie", "")


class Companion(NamedTuple):
    """The newest release of another package with which old releases of an SDK work.

    Attributes:
        before: the first release of the SDK that works with newer releases of the package.
        requirement: the requirement for pip.
        because: what happens otherwise.
    """

    before: str
    requirement: str
    because: str


class SdkCode(NamedTuple):
    """The server code for an SDK line. The head of rules/sdks.yaml explains the keys."""

    line: str
    flags: Literal["constructor", "run"]
    code: str
    app: str
    function: str
    path: str
    module: str
    types: str
    host_check: Literal["constructor", "run", "none"]
    http: str
    python: str
    template: str
    calls: dict[str, dict[Era, str]]
    sources: list[str]
    companions: list[Companion] = []  # noqa: RUF012
    hosts_where: str = ""
    hosts_note: str = ""
    hosts: str = ""
    hosts_import: str = ""
    hosts_argument: str = ""
    hosts_off: bool = False
    checks_tokens_from: str = ""
    loads_keys_without_limit: bool = False
    apis: list[str] = []  # noqa: RUF012
    no_flags_in: list[Literal["constructor", "run", "app", "settings", "environment"]] = []  # noqa: RUF012


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


class Figure(NamedTuple):
    """A figure that the program calculates with. The head of rules/figures.yaml explains the keys."""

    id: str
    value: int
    because: str
    sources: list[str]


class Symptom(NamedTuple):
    """What breaks in a deployment that is in use. The head of rules/questionnaire.yaml explains the keys."""

    id: str
    text: str
    likely: str
    suggests: dict[str, Raw] = {}  # noqa: RUF012


class ProxyNetwork(NamedTuple):
    """A network from which the proxy of a platform can connect. The head of rules/kit_proxies.yaml explains it."""

    id: str
    platforms: list[str]
    because: str
    sources: list[str]


class Phrase(NamedTuple):
    """A text for a result that the program computes."""

    id: str
    text: str


class Term(NamedTuple):
    """A word of an answer with its meaning; `also` lists other forms of the word."""

    id: str
    text: str
    also: tuple[str, ...] = ()
