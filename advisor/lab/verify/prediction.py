"""The cells that a verification checks, with their predicted outcome and the tool to call. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.decision.core import core_of
from advisor.decision.derived_facts import UNABLE
from advisor.decision.losses import LossTable
from advisor.decision.model import Decision, EraCell, FeatureRow
from advisor.kit.model import KitContext
from advisor.kit.parts.server import ServerTool, server_tiers, server_tools
from advisor.knowledge.features import Carriage, Feature, Scope
from advisor.knowledge.types import Era, Need, Outcome
from advisor.knowledge.unable import NONE

_SPREAD: frozenset[Scope] = frozenset({"keys", "bus", "store"})
"""Scopes in which the result depends on the instance that a second request of the client reaches."""


@dataclass(frozen=True, slots=True)
class PredictedCell:
    """One cell of the feature table, and the tool that shows its outcome.

    Attributes:
        tier: name of the tier; None in a single-tier deployment.
        era: protocol era of the client.
        feature: feature id, or plain.
        call: the SDK call of the feature, as in rules/capabilities; "" if there is no such call.
        predicted: the outcome that the decision predicts.
        need: need of the tier for the feature.
        scope: shared data that the result depends on: keys, bus or store; session or any if there is no such data.
        tool: the tool of the kit that shows the outcome; "" if a test tool of the lab shows it.
        refuses: a tool of the kit that needs the lost feature and therefore should return an error; "" for none.
        why_lab: why a needed feature is observed on a test tool although the feature works; "" in all other cases.
    """

    tier: str | None
    era: Era
    feature: str
    call: str
    predicted: Outcome
    need: Need
    scope: Scope
    tool: str = ""
    refuses: str = ""
    why_lab: str = ""

    @property
    def spreads(self) -> bool:
        """Whether the observation depends on chance, because requests of another client can reach other instances."""
        return self.scope in _SPREAD or self.predicted == "unreachable"

    @property
    def broadcasts(self) -> bool:
        """Whether the observation and other clients disturb each other.

        The lab's own tools usually notify a single client. For modern clients, a changed list of tools is an exception:
        every client gets the notification. Tools of the kit notify all subscribed clients.
        """
        if self.tool:
            return self.feature in ("subscriptions", "list_changed")
        return self.feature == "list_changed" and self.era == "modern"


@dataclass(frozen=True, slots=True)
class PredictedTable:
    """The predictions for a tier.

    Attributes:
        tier: name of the tier; None in a single-tier deployment.
        many: whether requests of the tier reach several processes.
        rows: the feature table with the needs of the tier.
    """

    tier: str | None
    many: bool
    rows: tuple[FeatureRow, ...]


def cells(kit: KitContext, predicted: Sequence[PredictedTable], advisor: Advisor) -> tuple[PredictedCell, ...]:
    """Return the cells of all tiers and of the eras that the SDK serves.

    An era that the requirements do not name has cells for the needed features only.

    Args:
        kit: the kit of the decision.
        predicted: the tables of the tiers, in the order of the kit.
        advisor: makes the decision.

    Returns:
        The cells in the order of the feature table.
    """
    tools = {server_tool.name: server_tool for server_tool in server_tools(kit)}
    features = advisor.knowledge.features
    found = []
    for tier, table in zip(server_tiers(kit), predicted, strict=True):
        name, rows = table.tier, table.rows
        own = [tools[tool] for tool in tier.tools]
        for era in kit.served_eras:
            lost = frozenset(row.feature for row in rows if _cell(row, era).outcome != "works")
            shown = rows if era in kit.eras else [row for row in rows if row.need != "none"]
            found += [_checked(name, era, row, own, lost, features[row.feature]) for row in shown]
    return tuple(found)


def tables(decision: Decision, advisor: Advisor, *, alone: bool = False) -> tuple[PredictedTable, ...]:
    """Return the feature table of each tier, or one table for a single-tier deployment.

    Args:
        decision: a feasible decision.
        advisor: makes the decision.
        alone: whether each client reaches a single process. Then the tables are those of a single process, and the
            number of instances in the requirements does not matter.
    """
    facts: list[tuple[str | None, dict[str, Any]]] = []
    if decision.tiers:
        facts += [(tier.name, dict(tier.facts)) for tier in advisor.tiers(decision.requirements, decision.facts)]
    losses = LossTable(advisor.space, advisor.cells)
    found = []
    for name, here in facts or [(None, dict(decision.facts))]:
        here[UNABLE] = NONE  # The clients of the lab support every feature.
        if alone:
            here |= {"processes": "one", "owner": "any" if here["stateless_http"] else "single"}
        found.append(PredictedTable(name, here["processes"] == "many", losses.rows(here, core_of(here))))
    return tuple(found)


def _cell(row: FeatureRow, era: Era) -> EraCell:
    return row.legacy if era == "legacy" else row.modern


def _checked(
    tier: str | None, era: Era, row: FeatureRow, tools: list[ServerTool], lost: frozenset[str], feature: Feature
) -> PredictedCell:
    seen = _cell(row, era)
    wanting = [tool for tool in tools if row.feature == "plain" or row.feature in tool.needs]
    # Two kinds of tools cannot show a feature: tools that also need a lost feature, and tools that call a language
    # model with an account. A stub cannot show resumability, because its call is too short.
    usable = [tool for tool in wanting if not lost.intersection(tool.asks) and not tool.uses_direct_llm]
    works = seen.outcome == "works" and not row.substituted and row.feature != "resumability"
    showing = min(usable, key=lambda tool: len(tool.needs), default=None) if works else None
    refusing = [tool for tool in wanting if row.feature in tool.asks] if not works and row.need != "none" else []
    return PredictedCell(
        tier=tier,
        era=era,
        feature=row.feature,
        call=seen.call,
        predicted=seen.outcome,
        need=row.need,
        scope=_scope(feature, seen.call, era),
        tool=showing.name if showing else "",
        refuses=refusing[0].name if refusing else "",
        why_lab=_why_lab(wanting, lost) if works and showing is None and row.need != "none" else "",
    )


def _why_lab(wanting: list[ServerTool], lost: frozenset[str]) -> str:
    blocked = sorted({feature for tool in wanting for feature in tool.asks if feature in lost})
    if not blocked:
        return ""
    names = ", ".join(tool.name for tool in wanting)
    return f"the kit's tools for this feature ({names}) also need lost features: {', '.join(blocked)}"


def _scope(feature: Feature, call: str, era: Era) -> Scope:
    found = next((known for known in feature.calls if known.call == call), None)
    carriage: Carriage | None = getattr(found, era) if found else None
    return carriage.scope if carriage else "any"
