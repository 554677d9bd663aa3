"""The core of a decision: what the decision tables conclude."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Flags(NamedTuple):
    """The flag pair."""

    stateless_http: bool
    json_response: bool


class Core(NamedTuple):
    """The result of the decision tables. Requirements with the same core get the same deployment.

    Attributes:
        pattern: the name of the deployment pattern, or `contradiction`.
        flags: the flag pair. It has no meaning for a contradiction.
        mechanism: how a request of a legacy session reaches the instance that owns the session.
        substitute: `direct-llm` if the server calls the model directly, else `none`.
    """

    pattern: str
    flags: Flags
    mechanism: str
    substitute: str

    @property
    def feasible(self) -> bool:
        """Whether the decision keeps every required feature."""
        return self.pattern != "contradiction"

    @property
    def phrase(self) -> str:
        """The id of the phrase in rules/wording.yaml that says what the pattern is."""
        stateless = self.pattern == "single-instance" and self.flags.stateless_http
        return f"pattern.{self.pattern}{'.stateless' if stateless else ''}"


CORE_FACTS = ("pattern", "stateless_http", "json_response", "affinity.mechanism", "substitute")
"""The facts that make up a core."""


def core_of(facts: Mapping[str, Any]) -> Core:
    """Return the core from evaluated facts."""
    flags = Flags(facts["stateless_http"], facts["json_response"])
    return Core(facts["pattern"], flags, facts["affinity.mechanism"], facts["substitute"])


def difference(then: Core, now: Core) -> dict[str, Any]:
    """Return the parts of `then` that differ from `now`: pattern, feasible, flags, affinity, substitute."""
    differs: dict[str, Any] = {}
    if then.pattern != now.pattern:
        differs["pattern"] = then.pattern
    if then.feasible != now.feasible:
        differs["feasible"] = then.feasible
    if not then.feasible:
        return differs
    # A contradiction has no flags and no affinity to compare. In a tiered deployment each tier has its own flags, so
    # the flags of two tiered deployments are not compared here.
    if not now.feasible or (then.flags != now.flags and not then.pattern == now.pattern == "tiered"):
        differs["flags"] = then.flags._asdict()
    if not now.feasible or then.mechanism != now.mechanism:
        differs["affinity"] = {"mechanism": then.mechanism}
    if then.substitute != now.substitute:
        differs["substitute"] = then.substitute
    return differs
