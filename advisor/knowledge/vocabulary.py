"""Types of JSON documents whose values come from the rules, such as the ids of features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from advisor.documents import OneOf
from advisor.knowledge.failures import keepings
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import Outcome

FeatureId: TypeAlias = Annotated[str, OneOf("feature")]
Package: TypeAlias = Annotated[str, OneOf("package")]
Pattern: TypeAlias = Annotated[str, OneOf("pattern")]
MechanismId: TypeAlias = Annotated[str, OneOf("affinity.mechanism")]
Keeping: TypeAlias = Annotated[str, OneOf("keeping")]
Substitute: TypeAlias = Annotated[str, OneOf("substitute")]
FeatureOutcome: TypeAlias = Annotated[
    Outcome,
    "dropped: lost without an error; unreachable: the request reaches an instance without the session or the state; "
    "unsupported: no such call, or no client application supports it",
]


def vocabulary(space: FactSpace) -> Mapping[str, Sequence[Any]]:
    """Return the values of each set by the name of the set."""
    packages = list(dict.fromkeys(release.package for release in space.measured.values()))
    kept = keepings(space.knowledge.mechanisms)
    known = space.knowledge
    named = {"feature": list(known.features), "package": packages, "keeping": kept, "finding": list(known.findings)}
    return {**space.domains, **named}
