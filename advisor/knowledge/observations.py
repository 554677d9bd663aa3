"""The types of rules/observations.yaml: what readers of configuration files state about the parts of a deployment."""

from __future__ import annotations

from typing import Literal, NamedTuple

PartKind = Literal["proxy", "upstream", "target", "route", "workload", "service"]


class ObservationKind(NamedTuple):
    """A name that readers of configuration files use. The head of rules/observations.yaml explains the keys."""

    id: str
    of: tuple[PartKind, ...]
    type: Literal["yes-no", "seconds", "bytes", "number", "word", "words"]
    meaning: str
    values: tuple[str, ...] = ()
