"""The parts of a result of `mcp-advisor verify` that a document shows."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

import json
from typing import Any, NamedTuple

from advisor.errors import UsageError

_SCHEMA = "mcp-advisor/verification/1"


class VerifiedCell(NamedTuple):
    """A cell of the feature table, as clients observed it.

    Attributes:
        tier: the name of the tier; "" in a deployment without tiers.
        era: the protocol era of the clients.
        feature: the id of the feature.
        predicted: the expected outcome.
        observed: the observed outcome.
    """

    tier: str
    era: str
    feature: str
    predicted: str
    observed: str

    @property
    def agrees(self) -> bool:
        """Whether the observed outcome is the expected outcome."""
        return self.observed == self.predicted


class VerificationResult(NamedTuple):
    """A result of `mcp-advisor verify --format json`.

    Attributes:
        ok: whether everything was as expected.
        service: the name of the service.
        date: the day of the run; "" if the result does not have it.
        sdk: the SDK release; "" if the result does not have it.
        proxy: the proxy with its version.
        instances: the number of instances.
        cells: the cells of the feature table.
        problems: other problems, in words.
    """

    ok: bool
    service: str
    date: str
    sdk: str
    proxy: str
    instances: int
    cells: tuple[VerifiedCell, ...]
    problems: tuple[str, ...]


def read_verification(raw: bytes, name: str, service: str) -> VerificationResult:
    """Return the result in a file.

    Args:
        raw: the content of the file.
        name: the name of the file, for messages.
        service: the service of the decision.

    Raises:
        UsageError: the file is not a result of `verify`, or it is the result for another service.
    """
    how = f"Write it with: mcp-advisor verify DIR --format json > {name}"
    try:
        data = json.loads(raw)
        if data["schema"] != _SCHEMA:
            raise UsageError(f"{name}: its schema is {data['schema']!r:.80}, and {_SCHEMA} is needed. {how}")
        found = _result(data)
    except (KeyError, TypeError, ValueError, RecursionError):
        raise UsageError(f"{name} is not a result of `mcp-advisor verify`. {how}") from None
    if found.service != service:
        raise UsageError(f"{name} is about the service {found.service!r:.80}, and the decision is about {service!r}.")
    return found


def _result(data: Any) -> VerificationResult:
    keys = ("era", "feature", "predicted", "observed")
    return VerificationResult(
        ok=data["ok"] is True,
        service=str(data["service"]),
        date=str(data.get("date", "")),
        sdk=str(data.get("sdk", "")),
        proxy=str(data["proxy"]),
        instances=int(data["instances"]),
        cells=tuple(VerifiedCell(str(cell["tier"] or ""), *(str(cell[key]) for key in keys)) for cell in data["cells"]),
        problems=tuple(map(str, data["problems"])),
    )
