"""The types of the content of a folder with server code."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from advisor.findings import Location
from advisor.knowledge.scan import CodeLanguage, FlagName


class CodeValue(NamedTuple):
    """A value in the code.

    Attributes:
        kind: literal: the code states the value; dynamic: something outside the code decides; unset: not stated.
        value: the literal value, or the default of a dynamic value; None if it is not known.
        origin: for a dynamic value, what decides it, such as `the environment variable STATELESS`.
        location: the place in the code that decides the value.
    """

    kind: Literal["literal", "dynamic", "unset"]
    value: Any = None
    origin: str = ""
    location: Location | None = None


UNSET = CodeValue("unset")

PythonPlace = Literal["constructor", "run", "app", "manager", "settings", "environment", "command"]
FlagPlace = PythonPlace | Literal["transport", "handler", "handler-options"]


class FlagSetting(NamedTuple):
    """A place that sets a flag.

    Attributes:
        flag: the flag.
        place: where the flag is set. The value run is a method that starts the server, and app is a method that makes
            an HTTP app. The value manager is a class or function of the SDK that serves a server. The value settings is
            an attribute of the settings object. The value environment is a variable of the SDK, and command is a
            command line. In TypeScript, transport is the constructor of a transport, and handler is `createMcpHandler`.
            The value handler-options is an option of this function that it does not have.
        value: the value.
        location: the argument or statement.
    """

    flag: FlagName
    place: FlagPlace
    value: CodeValue
    location: Location


class TransportUse(NamedTuple):
    """A call that starts the server or makes its app, with the transport (a text, if the code states it).

    Attributes:
        shared: the place where requests of all clients get this transport, which serves a single client; or None.
    """

    method: str
    transport: CodeValue
    location: Location
    shared: Location | None = None


class ServerPart(NamedTuple):
    """A part that keeps or protects state, such as an OAuth proxy.

    Attributes:
        kind: the kind in rules/scan.yaml.
        name: the name of the class in the code.
        location: the call that makes it.
        in_memory: whether it keeps its state in the memory of the process, as far as the code shows.
        shared: whether it has the arguments with which it works in several processes.
    """

    kind: str
    name: str
    location: Location
    in_memory: bool
    shared: bool


UseGuard = Literal["none", "capability", "caught", "open"]


class NeedUse(NamedTuple):
    """A call of a feature in a tool.

    Attributes:
        feature: the id of the feature.
        call: the call, as written in rules/features.yaml.
        location: the call.
        guard: none; capability: after a check of the client's capabilities; caught: in a `try` that catches some
            errors; open: in a `try` that catches every error and then continues.
    """

    feature: str
    call: str
    location: Location
    guard: UseGuard = "none"


HandlerKind = Literal["tool", "resource", "prompt"]


class ToolCode(NamedTuple):
    """A tool, a resource or a prompt with the features that it uses, also in functions that it calls."""

    name: str
    location: Location
    uses: tuple[NeedUse, ...]
    kind: HandlerKind = "tool"

    @property
    def features(self) -> tuple[str, ...]:
        """The ids of the features, each once."""
        return tuple(dict.fromkeys(use.feature for use in self.uses))


class KeptState(NamedTuple):
    """A value that stays in the process between two calls.

    Attributes:
        name: the name of the variable.
        kind: state; cache: the value can be computed again.
        holder: where the value is: a module, an object of the server's lifespan, or an object of a session.
        location: the definition.
        changed: the first statement that changes it.
        tools: the tools that change it.
        by_session: whether the key is the session or its id.
        stored_as: the name in the module that defines the value.
    """

    name: str
    kind: Literal["state", "cache"]
    holder: Literal["module", "lifespan", "session"]
    location: Location
    changed: Location
    tools: tuple[str, ...]
    by_session: bool = False
    stored_as: str = ""


class SdkPin(NamedTuple):
    """A requirement of an SDK package in a manifest. `release` is the exact release, or "" for a range."""

    package: str
    requirement: str
    release: str
    location: Location


class ServerCode(NamedTuple):
    """A server object in the code.

    Attributes:
        name: the variable with the server object.
        title: the name that the code gives the server, or "".
        class_name: the class as written in the code.
        is_high_level: whether the class has decorators for tools.
        lines: the SDK lines that the code can be written for.
        release: the exact release of the SDK, such as `mcp==1.28.1`, or "".
        location: the call of the constructor.
        settings: the places that set a flag.
        transports: the calls that start the server.
        parts: parts that keep or protect state.
        arguments: the names of the arguments of the constructor.
        tools: the tools.
        language: the programming language.
        reused: the place where each request connects the same server object to a new transport, or None.
        other_handlers: the resources and prompts that use features.
    """

    name: str
    title: str
    class_name: str
    is_high_level: bool
    lines: tuple[str, ...]
    release: str
    location: Location
    settings: tuple[FlagSetting, ...] = ()
    transports: tuple[TransportUse, ...] = ()
    parts: tuple[ServerPart, ...] = ()
    arguments: tuple[str, ...] = ()
    tools: tuple[ToolCode, ...] = ()
    language: CodeLanguage = "python"
    reused: Location | None = None
    other_handlers: tuple[ToolCode, ...] = ()

    def flag(self, name: FlagName) -> CodeValue:
        """Return the value of a flag from all places that set it. Two different values are dynamic."""
        values = [setting.value for setting in self.settings if setting.flag == name]
        found = list(dict.fromkeys(value for value in values if value.kind != "unset"))
        if not found:
            return UNSET
        if any(value.kind == "dynamic" for value in found):
            return next(value for value in found if value.kind == "dynamic")
        if len({value.value for value in found}) > 1:
            return CodeValue("dynamic", None, "the code has several values", found[0].location)
        return found[0]


class NotExamined(NamedTuple):
    """A file that was not read, with the reason as the end of a sentence."""

    path: str
    why: str


class ScannedTree(NamedTuple):
    """The content of a folder or a file.

    Attributes:
        path: the folder or file as the user named it.
        examined: the files that were read, relative to `path`.
        not_examined: the files that could not be read.
        servers: the servers.
        state: values that stay in the process between calls.
        pins: the SDK packages that manifests require.
        workers: the number of worker processes in a command line; unset without such a command.
    """

    path: str
    examined: tuple[str, ...]
    not_examined: tuple[NotExamined, ...]
    servers: tuple[ServerCode, ...] = ()
    state: tuple[KeptState, ...] = ()
    pins: tuple[SdkPin, ...] = ()
    workers: CodeValue = UNSET
