"""The cells that a verification checks: what the decision says of each feature, and on which tool it shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.decision.losses import LossTable
from advisor.decision.model import Decision, EraCell, FeatureRow, core_of
from advisor.decision.tiers import part
from advisor.kit.model import KitContext
from advisor.kit.parts.server import ServerTool, server_tiers, server_tools
from advisor.knowledge.features import Carriage, Feature, Scope
from advisor.knowledge.types import ERAS, Era, Need, Outcome

_SPREAD: frozenset[Scope] = frozenset({"keys", "bus", "store"})
"""What depends on which instance a second request of the same client reaches."""


@dataclass(frozen=True, slots=True)
class PredictedCell:
    """One cell of the feature table, and how it is to be observed.

    Attributes:
        tier: name of the tier; None where there are no tiers.
        era: of the client.
        feature: feature id, or plain.
        call: the way of asking that the decision counts on, as rules/capabilities writes it; "" where there is none.
        predicted: what the decision says that clients observe.
        need: how much the tier needs it.
        scope: what the answer depends on apart from the session: keys, bus, store; session or any where nothing else.
        tool: the tool of the kit whose calls show it, or "" where a tool of the lab with the bare call does.
        refuses: a tool of the kit that needs the lost feature and so should say so at once; "" for none.
        why_lab: why a needed feature that works is not observed on the kit's own tool; "" where it is.
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
        """Whether an observation might be luck: another client's requests would reach other instances."""
        return self.scope in _SPREAD or self.predicted == "unreachable"

    @property
    def broadcasts(self) -> bool:
        """Whether observing it disturbs other clients, and they it.

        The lab's own tools tell a session alone, or of a resource that only one client follows; a changed list of tools
        concerns every modern client, and the kit's tools change what everybody follows.
        """
        if self.tool:
            return self.feature in ("subscriptions", "list_changed")
        return self.feature == "list_changed" and self.era == "modern"


@dataclass(frozen=True, slots=True)
class PredictedTable:
    """What is predicted of a tier.

    Attributes:
        tier: its name; None where there are no tiers.
        many: whether its requests are spread over several processes.
        rows: the feature table with the tier's own needs.
    """

    tier: str | None
    many: bool
    rows: tuple[FeatureRow, ...]


def cells(kit: KitContext, predicted: Sequence[PredictedTable], advisor: Advisor) -> tuple[PredictedCell, ...]:
    """The cells of all tiers and of the eras that the requirements name, in the order of the feature table.

    Args:
        kit: the kit of the decision.
        predicted: the tables of its tiers, in the kit's order.
        advisor: who decided it.
    """
    tools = {server_tool.name: server_tool for server_tool in server_tools(kit)}
    features = advisor.knowledge.features
    found = []
    for tier, table in zip(server_tiers(kit), predicted, strict=True):
        name, rows = table.tier, table.rows
        own = [tools[tool] for tool in tier.tools]
        for era in kit.eras:
            named = next(known for known in ERAS if known == era)
            lost = frozenset(row.feature for row in rows if _cell(row, named).outcome != "works")
            found += [_checked(name, named, row, own, lost, features[row.feature]) for row in rows]
    return tuple(found)


def tables(decision: Decision, advisor: Advisor, *, alone: bool = False) -> tuple[PredictedTable, ...]:
    """The feature table of each tier, or of the whole where there are no tiers.

    Args:
        decision: feasible.
        advisor: who decided it.
        alone: whether each client has to do with one process only, whatever the requirements say; then the feature
            table is that of a single process.
    """
    facts: list[tuple[str | None, dict[str, Any]]] = []
    for tier in decision.tiers:
        own = part(decision.requirements, frozenset(tier.tools), one_process=tier.name == "stateful")
        facts.append((tier.name, advisor.facts(own)))
    losses = LossTable(advisor.space, advisor.cells)
    found = []
    for name, here in facts or [(None, dict(decision.facts))]:
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
    # A tool that also asks for what these clients cannot give refuses before it comes to this feature, and a tool that
    # calls a model itself would need an account. What is resumed has to be slow, which stubs are not.
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
        why_lab=_why_lab(row, wanting, lost) if works and showing is None and row.need != "none" else "",
    )


def _why_lab(row: FeatureRow, wanting: list[ServerTool], lost: frozenset[str]) -> str:
    blocked = sorted({feature for tool in wanting for feature in tool.asks if feature in lost})
    if not blocked:
        return ""
    names = ", ".join(tool.name for tool in wanting)
    return f"the kit's tools for it ({names}) also need {', '.join(blocked)}, which these clients cannot give"


def _scope(feature: Feature, call: str, era: Era) -> Scope:
    found = next((known for known in feature.calls if known.call == call), None)
    carriage: Carriage | None = getattr(found, era) if found else None
    return carriage.scope if carriage else "any"
