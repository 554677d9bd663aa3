"""The result of a scan as a JSON document."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from advisor.documents import OPTIONAL, document
from advisor.findings import Location
from advisor.knowledge.scan import FLAGS
from advisor.knowledge.vocabulary import FeatureId
from advisor.report.findings_document import FindingRecord, NotExaminedRecord, PlaceRecord, finding_records
from advisor.sources.code_model import CodeValue, ScannedTree, ServerCode
from advisor.triage import Triaged


class ValueRecord(TypedDict):
    """A value in the code.

    Attributes:
        kind: literal: the code states the value; dynamic: something outside the code decides; unset: no code sets it.
        value: The value, or the default of a dynamic value; null if it is not known.
        origin: What decides a dynamic value.
    """

    kind: Literal["literal", "dynamic", "unset"]
    value: bool | int | str | None
    origin: Annotated[str, OPTIONAL]
    location: PlaceRecord | None


class FlagRecord(TypedDict):
    """A flag, with its value from all places that set it."""

    flag: Literal["stateless_http", "json_response"]
    value: ValueRecord
    set_in: list[str]


class TransportRecord(TypedDict):
    """A call that starts the server or makes its app."""

    method: str
    transport: ValueRecord
    location: PlaceRecord


class PartRecord(TypedDict):
    """A part that keeps or protects state, such as an OAuth proxy."""

    kind: str
    name: str
    location: PlaceRecord
    in_memory: bool


class UseRecord(TypedDict):
    """A call of a feature.

    Attributes:
        guard: none; capability: after a check of the client's capabilities; caught: in a `try` that catches some
            errors; open: in a `try` that catches every error and then continues.
    """

    feature: FeatureId
    call: str
    location: PlaceRecord
    guard: Literal["none", "capability", "caught", "open"]


class ToolRecord(TypedDict):
    """A tool. The name is empty for the handler of a low-level server, if the tool of a call is not known."""

    name: str
    location: PlaceRecord
    uses: list[UseRecord]


class HandlerRecord(TypedDict):
    """A resource or a prompt that uses features. The name of a resource is its address."""

    kind: Literal["resource", "prompt"]
    name: str
    location: PlaceRecord
    uses: list[UseRecord]


class ServerRecord(TypedDict):
    """A server object in the code.

    Attributes:
        lines: The SDK lines that the code can be written for.
        release: The exact release of the SDK, if manifests state it.
    """

    name: str
    title: str
    class_name: str
    lines: list[str]
    release: Annotated[str, OPTIONAL]
    location: PlaceRecord
    flags: list[FlagRecord]
    transports: list[TransportRecord]
    parts: list[PartRecord]
    tools: list[ToolRecord]
    other_handlers: Annotated[list[HandlerRecord], OPTIONAL]


class StateRecord(TypedDict):
    """A value that stays in the process between two calls."""

    name: str
    kind: Literal["state", "cache"]
    holder: Literal["module", "lifespan", "session"]
    by_session: bool
    location: PlaceRecord
    changed: PlaceRecord
    tools: list[str]


class ScanDocument(TypedDict):
    """What the code of a server needs, how it is configured, and findings, version 1.

    Attributes:
        examined: The files that were read.
        suppressed: The number of findings that are left out because of a comment, the configuration file or the
            baseline.
    """

    schema: Literal["mcp-advisor/scan/1"]
    path: str
    examined: list[str]
    not_examined: list[NotExaminedRecord]
    servers: list[ServerRecord]
    workers: ValueRecord
    state: list[StateRecord]
    findings: list[FindingRecord]
    suppressed: Annotated[int, {"minimum": 0}]


def scan_document(tree: ScannedTree, triaged: Triaged) -> ScanDocument:
    """Return the result of a scan as JSON types."""
    return document(
        ScanDocument,
        tree,
        servers=[_server(server) for server in tree.servers],
        workers=_value(tree.workers),
        findings=finding_records(triaged.findings),
        suppressed=len(triaged.suppressed),
    )


def _server(server: ServerCode) -> ServerRecord:
    flags = []
    for flag in FLAGS:
        places = [setting.place for setting in server.settings if setting.flag == flag]
        flags.append({"flag": flag, "value": _value(server.flag(flag)), "set_in": list(dict.fromkeys(places))})
    transports = [
        {"method": use.method, "transport": _value(use.transport), "location": _place(use.location)}
        for use in server.transports
    ]
    return document(ServerRecord, server, flags=flags, transports=transports)


def _value(value: CodeValue) -> ValueRecord:
    plain = value.value if isinstance(value.value, (bool, int, str)) else None
    place = _place(value.location) if value.location is not None else None
    return document(ValueRecord, value, value=plain, location=place)


def _place(location: Location) -> Any:
    return {"path": location.path, "line": location.line}
