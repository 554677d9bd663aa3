"""The cells that a verification checks, and the tool that it calls for each cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts.server import server_tools
from advisor.lab.testserver.tool_catalogue import find
from advisor.lab.verify.prediction import PredictedCell, cells, tables
from advisor.requirements import load_path

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
FEASIBLE = [path for path in EXAMPLES if path.stem != "sampling-on-a-stateless-fleet"]
BASE = {"service": "demo", "scale.instances": 3}


def predicted(
    advisor: Advisor, decision: Decision, *, alone: bool = False
) -> tuple[tuple[PredictedCell, ...], KitContext]:
    kit = kit_context(decision)
    return cells(kit, tables(decision, advisor, alone=alone), advisor), kit


def named(found: Iterable[PredictedCell], feature: str, era: str = "legacy", tier: str | None = None) -> PredictedCell:
    (match,) = [cell for cell in found if (cell.feature, cell.era, cell.tier) == (feature, era, tier)]
    return match


@pytest.mark.parametrize("path", FEASIBLE, ids=lambda path: path.stem)
def test_every_feature_of_a_named_era_and_every_needed_feature_of_another_era_has_one_cell(
    advisor: Advisor, path: Path
) -> None:
    decision = advisor.decide(load_path(path, advisor.space))
    found, kit = predicted(advisor, decision)
    tiers = [tier.name for tier in kit.tiers] if kit.tiered else [None]
    needs = [{row.feature for row in table.rows if row.need != "none"} for table in tables(decision, advisor)]
    wanted = [
        (tier, era, feature)
        for tier, needed in zip(tiers, needs, strict=True)
        for era in kit.served_eras
        for feature in advisor.knowledge.features
        if era in kit.eras or feature in needed
    ]
    assert [(cell.tier, cell.era, cell.feature) for cell in found] == wanted
    if not kit.tiered:
        table = {row.feature: row for row in decision.features}
        for predicted_cell in found:
            cell = getattr(table[predicted_cell.feature], predicted_cell.era)
            assert (predicted_cell.predicted, predicted_cell.call) == (cell.outcome, cell.call)


@pytest.mark.parametrize("path", FEASIBLE, ids=lambda path: path.stem)
def test_every_cell_can_be_observed(advisor: Advisor, path: Path) -> None:
    decision = advisor.decide(load_path(path, advisor.space))
    found, kit = predicted(advisor, decision)
    tools = {tool.name: tool for tool in server_tools(kit)}
    for cell in found:
        if cell.tool:
            assert cell.feature == "plain" or cell.feature in tools[cell.tool].needs
        else:
            assert not cell.call or find(kit.sdk.apis, cell.feature, cell.call)


def test_working_required_features_use_a_tool_of_the_kit_and_lost_ones_a_tool_of_the_lab(
    advisor: Advisor, decide: Callable[..., Decision]
) -> None:
    found, _ = predicted(
        advisor, decide({**BASE, "clients.protocol": "legacy", "needs.progress": "required", "needs.logging": "none"})
    )
    assert named(found, "progress").tool == "example_progress"
    assert named(found, "logging").tool == ""
    assert named(found, "sampling").tool == ""
    assert named(found, "plain").tool


def test_tiers_have_their_own_needs_and_outcomes(advisor: Advisor) -> None:
    path = next(example for example in EXAMPLES if example.stem == "customer-service-agent")
    found, kit = predicted(advisor, advisor.decide(load_path(path, advisor.space)))
    assert [tier.name for tier in kit.tiers] == ["stateless", "stateful"]
    inside, outside = named(found, "sampling", tier="stateful"), named(found, "sampling", tier="stateless")
    assert (inside.predicted, inside.need, inside.tool) == ("works", "required", "suggest_reply")
    assert (outside.predicted, outside.need, outside.tool) == ("error", "none", "")
    assert named(found, "progress", tier="stateful").tool == "suggest_reply"


def test_a_tool_that_asks_for_an_unsupported_feature_shows_no_other_feature(
    advisor: Advisor, decide: Callable[..., Decision]
) -> None:
    flat = {**BASE, "clients.protocol": "mixed", "scale.affinity": "unavailable"}
    flat["tools"] = [{"name": "both", "needs": {"sampling": "preferred", "progress": "preferred"}}]
    found, _ = predicted(advisor, decide(flat))
    legacy, modern = named(found, "progress"), named(found, "progress", "modern")
    assert (legacy.predicted, legacy.tool) == ("works", "")
    assert "both" in legacy.why_lab
    assert "sampling" in legacy.why_lab
    assert modern.tool == "both"
    lost = named(found, "sampling")
    assert (lost.predicted, lost.tool, lost.refuses) == ("error", "", "both")


def test_a_tool_that_calls_a_model_itself_is_never_called(advisor: Advisor, decide: Callable[..., Decision]) -> None:
    path = next(example for example in EXAMPLES if example.stem == "payment-provider")
    found, kit = predicted(advisor, advisor.decide(load_path(path, advisor.space)))
    own = {tool.name for tool in server_tools(kit) if tool.uses_direct_llm}
    assert own
    assert not own & {cell.tool for cell in found}
    assert named(found, "sampling").refuses == ""


def test_one_process_keeps_features_that_several_instances_lose(
    advisor: Advisor, decide: Callable[..., Decision]
) -> None:
    decision = decide({**BASE, "clients.protocol": "modern"})
    many, _ = predicted(advisor, decision)
    alone, _ = predicted(advisor, decision, alone=True)
    lost = ("subscriptions", "list_changed", "session_state")
    assert [named(many, feature, "modern").predicted for feature in lost] == ["dropped", "dropped", "unreachable"]
    assert [named(alone, feature, "modern").predicted for feature in lost] == ["works"] * 3
    assert all(named(many, feature, "modern").spreads for feature in lost)
    assert not named(many, "plain", "modern").spreads
