"""Feature support of SDK releases, as the JSON document of `capabilities` and `capabilities measure`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from advisor.documents import OPTIONAL, Day
from advisor.knowledge.capabilities import Behaviour, CapabilityCell
from advisor.knowledge.types import Era
from advisor.knowledge.vocabulary import FeatureId, FeatureOutcome, Package

ReleasesRecord = TypedDict("ReleasesRecord", {"from": str, "before": str})
"""A half-open range of releases."""


class CellRecord(TypedDict):
    """One cell of the matrix.

    Attributes:
        version: The newest measured release of the range with the same behaviour.
        call: The API that server code uses for the feature.
        measured: The date of the last measurement.
        status: `measured` by the lab of mcp-advisor, `reported` in documentation, or `assumed` if --sdk names a release
            that has not been measured.
        releases: The releases that the cell is about.
        observed_on: The measured releases.
        sources: Ids that `rules show` explains.
        agrees: In a measurement, whether the outcome agrees with the stored data.
        expected: In a measurement, the outcome in the stored data; null if the data has no outcome.
        seconds: In a measurement, the duration of the call in seconds.
        at_first: In a measurement, the first outcome of a call that was repeated.
    """

    sdk: Package
    version: str
    stateless_http: bool
    json_response: bool
    era: Era
    feature: FeatureId
    call: str
    outcome: FeatureOutcome
    evidence: str
    measured: Day
    status: Literal["reported", "measured", "assumed"]
    releases: ReleasesRecord
    observed_on: list[str]
    sources: list[str]
    agrees: Annotated[bool, OPTIONAL]
    expected: Annotated[FeatureOutcome | None, OPTIONAL]
    seconds: Annotated[float, OPTIONAL]
    at_first: Annotated[FeatureOutcome | None, OPTIONAL]


class BehaviourRecord(TypedDict):
    """A result that is not about a feature, such as the result of a cancellation.

    Attributes:
        version: The newest measured release of the range with the same behaviour.
        name: The test, for example `GET without a session`.
        seen: The result in words; null only in a measurement without this test.
        measured: The date of the last measurement.
        releases: The releases that the result is about.
        observed_on: The measured releases.
        agrees: In a measurement, whether the result agrees with the stored data.
        expected: In a measurement, the result in the stored data; null if the data has no result.
        at_first: In a measurement, the first result of a test that was repeated.
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
    """Feature support of SDK releases, version 1.

    Attributes:
        behaviours: Results that are not about a feature: cancellation, broken connections, plain HTTP requests.
        agrees: In a measurement, whether all results agree with the stored data.
        seconds: In a measurement, the duration for each release, in seconds.
    """

    schema: Literal["mcp-advisor/capabilities/1"]
    cells: list[CellRecord]
    behaviours: list[BehaviourRecord]
    agrees: Annotated[bool, OPTIONAL]
    seconds: Annotated[dict[str, float], OPTIONAL]


def place(sdk: str, version: str, pair: tuple[bool, bool], era: Era) -> dict[str, Any]:
    """The first keys of every record: SDK, version, flag pair and protocol era."""
    return {"sdk": sdk, "version": version, "stateless_http": pair[0], "json_response": pair[1], "era": era}


def range_of(entry: CapabilityCell | Behaviour) -> ReleasesRecord:
    """The releases that an entry of the capability data is about."""
    return {"from": entry.start, "before": entry.before}
