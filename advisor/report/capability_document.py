"""What SDK releases do with each feature, as the document that `capabilities` and `capabilities measure` print."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from advisor.documents import OPTIONAL, Day
from advisor.knowledge.capabilities import Behaviour, CapabilityCell
from advisor.knowledge.types import Era
from advisor.knowledge.vocabulary import FeatureId, Package, Seen

ReleasesRecord = TypedDict("ReleasesRecord", {"from": str, "before": str})
"""A half-open range of releases."""


class CellRecord(TypedDict):
    """One cell of the matrix.

    Attributes:
        version: the newest observed release of the range that behaves alike.
        call: the way of asking, as written in server code.
        measured: when it was last observed.
        status: reported: from documentation; measured: by the lab of mcp-advisor.
        releases: the releases that the cell holds for.
        observed_on: the releases on which it was observed.
        sources: ids that `rules show` explains.
        agrees: in a measurement, whether the data says the same.
        expected: in a measurement, what the data says; null where it says nothing.
        seconds: in a measurement, how long the call took.
        at_first: in a measurement, the first outcome of a call that was repeated.
    """

    sdk: Package
    version: str
    stateless_http: bool
    json_response: bool
    era: Era
    feature: FeatureId
    call: str
    outcome: Seen
    evidence: str
    measured: Day
    status: Literal["reported", "measured"]
    releases: ReleasesRecord
    observed_on: list[str]
    sources: list[str]
    agrees: Annotated[bool, OPTIONAL]
    expected: Annotated[Seen | None, OPTIONAL]
    seconds: Annotated[float, OPTIONAL]
    at_first: Annotated[Seen | None, OPTIONAL]


class BehaviourRecord(TypedDict):
    """A behaviour that is no cell of the matrix, such as cancellation.

    Attributes:
        version: the newest observed release of the range that behaves alike.
        name: what was tried, for example `GET without a session`.
        seen: in words; null only in a measurement that did not try it.
        measured: when it was last observed.
        releases: the releases that it holds for.
        observed_on: the releases on which it was observed.
        agrees: in a measurement, whether the data says the same.
        expected: in a measurement, what the data says; null where it says nothing.
        at_first: in a measurement, what was observed before it was repeated.
    """

    sdk: Package
    version: str
    stateless_http: bool
    json_response: bool
    era: Era
    name: str
    seen: str | None
    measured: Day
    releases: ReleasesRecord
    observed_on: list[str]
    agrees: Annotated[bool, OPTIONAL]
    expected: Annotated[str | None, OPTIONAL]
    at_first: Annotated[str | None, OPTIONAL]


class CapabilitiesDocument(TypedDict):
    """What SDK releases do with each feature, version 1.

    Attributes:
        behaviours: what servers do that is not in the matrix: cancellation, broken connections, bare HTTP.
        agrees: in a measurement, whether all of it is as the data says.
        seconds: in a measurement, how long each release took.
    """

    schema: Literal["mcp-advisor/capabilities/1"]
    cells: list[CellRecord]
    behaviours: list[BehaviourRecord]
    agrees: Annotated[bool, OPTIONAL]
    seconds: Annotated[dict[str, float], OPTIONAL]


def place(sdk: str, version: str, pair: tuple[bool, bool], era: Era) -> dict[str, Any]:
    """Where something was observed, as every record begins."""
    return {"sdk": sdk, "version": version, "stateless_http": pair[0], "json_response": pair[1], "era": era}


def range_of(entry: CapabilityCell | Behaviour) -> ReleasesRecord:
    """The releases that an entry of the capability data holds for."""
    return {"from": entry.start, "before": entry.before}
