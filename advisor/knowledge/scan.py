"""The types of rules/scan.yaml: names in the code of servers."""

from __future__ import annotations

from typing import Literal, NamedTuple

CodeKind = Literal[
    "server",
    "low-level-server",
    "http-app",
    "context",
    "context-function",
    "session",
    "stdio",
    "sse",
    "oauth-proxy",
    "event-store",
    "bus",
    "sealing",
]
Transport = Literal["stdio", "streamable-http", "sse"]
FlagName = Literal["stateless_http", "json_response"]
CodeLanguage = Literal["python", "typescript"]
FLAGS: tuple[FlagName, ...] = ("stateless_http", "json_response")
"""The names of the two flags."""


class CodeName(NamedTuple):
    """A class or function of an SDK. The head of rules/scan.yaml explains the keys."""

    id: str
    kind: CodeKind
    lines: tuple[str, ...]
    also: tuple[str, ...] = ()
    arguments: dict[FlagName, str] = {}  # noqa: RUF012
    memory: bool = False
    safe_with: tuple[str, ...] = ()


class ServerMethod(NamedTuple):
    """A method of a server object that starts it or makes its app. The head of rules/scan.yaml explains the keys."""

    id: str
    transport: Literal["stdio", "streamable-http", "sse", "argument"]
    default: Transport = "stdio"


class CallSpelling(NamedTuple):
    """Other names of a call of rules/features.yaml."""

    call: str
    also: tuple[str, ...]


class InputRequest(NamedTuple):
    """The types of the requests in an InputRequiredResult; `id` is the feature."""

    id: str
    names: tuple[str, ...]


class SentNotification(NamedTuple):
    """The types of a notification; `id` is the call with the same effect."""

    id: str
    names: tuple[str, ...]


class FlagVariable(NamedTuple):
    """An environment variable that sets a flag."""

    id: str
    flag: FlagName


class OutsideValue(NamedTuple):
    """A function or class with which code gets a value from outside. The head of rules/scan.yaml explains the kinds."""

    id: str
    kind: Literal["environment", "option", "settings"]


class SupportCheck(NamedTuple):
    """A name in the tests with which code asks whether a client supports a feature."""

    id: str


class NameWords(NamedTuple):
    """Words in names of values that a server keeps. The head of `name_words` in rules/scan.yaml explains the ids."""

    id: Literal["cache", "diagnosis", "logger"]
    words: tuple[str, ...]


class ServerProgram(NamedTuple):
    """A program that starts a server. The head of `server_programs` in rules/scan.yaml explains the keys."""

    id: str
    options: dict[str, tuple[str, ...]] = {}  # noqa: RUF012
    switches: dict[str, tuple[str, ...]] = {}  # noqa: RUF012


class OtherProgram(NamedTuple):
    """A program that is no MCP server, by its name in commands and images."""

    id: str


class ScanSkip(NamedTuple):
    """Folders or files that are not code of the server."""

    id: str
    kind: Literal["folder", "file"]
    pattern: str
