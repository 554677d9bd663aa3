"""Cells that work name their condition, wherever a call of the SDK or a client exists for which they do not work."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.decision.core import Flags
from advisor.decision.losses import LossTable
from advisor.decision.model import Decision, FeatureRow
from advisor.knowledge.types import ERAS, FLAG_PAIRS, flag_key
from advisor.report.decision_json import decision_dict

NEEDS = {f"needs.{name}": "preferred" for name in ("sampling", "elicitation", "roots", "logging", "list_changed")}


def _row(decision: Decision, feature: str) -> FeatureRow:
    return next(row for row in decision.features if row.feature == feature)


USES = "works if the tool uses"


@pytest.mark.parametrize(
    ("sdk", "feature", "legacy", "modern"),
    [
        *(
            ("mcp-2", feature, f"{USES} a call such as {call}", f"{USES} a call such as {call}")
            for feature, call in (("sampling", "Resolve(Sample)"), ("elicitation", "Resolve(Elicit)"))
        ),
        ("fastmcp-4", "elicitation", "works if the tool uses ctx.elicit", "works if the tool uses InputRequiredResult"),
        (
            "fastmcp-4",
            "sampling",
            "works if the tool uses a call such as ctx.session.create_message",
            "works if the tool uses InputRequiredResult",
        ),
        (
            "mcp-2",
            "list_changed",
            "works if the tool uses session.send_tool_list_changed",
            "works if the tool uses ctx.notify_tools_changed",
        ),
        ("mcp-2", "logging", "works", "works if the client asks for a log level"),
        ("fastmcp-4", "logging", "works", "works if the client asks for a log level"),
        ("mcp-2", "progress", "works", "works"),
        ("mcp-1", "sampling", "works", "same as legacy"),
        ("mcp-1", "logging", "works", "same as legacy"),
    ],
)
def test_the_words_of_a_cell_name_the_call_or_the_client(
    decide: Any, sdk: str, feature: str, legacy: str, modern: str
) -> None:
    decision = decide(NEEDS | {"sdk": sdk, "scale.instances": 1, "clients.protocol": "mixed"})
    cells = [cell for _, cell in _row(decision, feature).cells]
    assert [cell.words for cell in cells] == [legacy, modern]
    row = next(row for row in decision_dict(decision)["features"] if row["feature"] == feature)
    assert [row[era]["outcome"] for era in ERAS] == [cell.outcome for cell in cells]


@pytest.mark.parametrize(
    ("protocol", "modern"),
    [("legacy", "connect only as legacy"), ("mixed", "same as legacy"), ("modern", "cannot connect")],
)
def test_a_server_without_the_modern_era_serves_only_clients_that_fall_back(
    decide: Any, protocol: str, modern: str
) -> None:
    row = _row(decide({"sdk": "mcp-1", "scale.instances": 1, "clients.protocol": protocol}), "plain")
    assert row.modern.words == modern
    assert row.modern.how.endswith("Clients that speak only 2026-07-28 cannot connect")


def test_how_says_what_other_calls_and_other_clients_get(decide: Any) -> None:
    decision = decide(NEEDS | {"sdk": "mcp-2", "scale.instances": 1, "clients.protocol": "modern"})
    assert _row(decision, "elicitation").modern.how.endswith(
        "; also works: InputRequiredResult; does not work: ctx.elicit (fails with an error)"
    )
    assert _row(decision, "logging").modern.how.endswith("; a client that asks for no log level gets no message")


def test_no_cell_hides_a_call_that_fails(advisor: Advisor, decide: Any) -> None:
    """For each measured call of each release and flag pair: if it fails and another call works, the cell says so."""
    features = advisor.knowledge.features.values()
    partial = {call.call for feature in features for call in feature.calls if call.partial}
    needs = {f"needs.{feature.id}": "preferred" for feature in features if feature.need}
    table, checked = LossTable(advisor.space, advisor.cells), set()
    for release, pair in itertools.product(advisor.space.measured.values(), FLAG_PAIRS):
        decision = decide(needs | {"sdk": release.exact, "scale.instances": 1})
        flags = Flags(*pair)
        rows = table.rows({**decision.facts, **flags._asdict()}, decision.core._replace(flags=flags))
        for cell, era in itertools.product(decision.measured, ERAS):
            shown = dict(next(row for row in rows if row.feature == cell.feature).cells)[era]
            fails = getattr(cell, era)[flag_key(*pair)] not in ("works", "unsupported")
            if fails and shown.outcome == "works" and cell.call not in partial:
                checked.add((release.line.id, cell.call, era, pair))
                assert shown.words.startswith("works if the tool uses "), (release.id, cell.call, era, pair)
                assert f"{cell.call} (" in shown.how, (release.id, cell.call, era, pair)
    # With JSON, only requests on the GET stream of the session reach a legacy client.
    assert ("mcp-1", "ctx.session.create_message(related_request_id)", "legacy", (False, True)) in checked
    assert {(line, era) for line, _, era, _ in checked} >= {("mcp-2", "modern"), ("fastmcp-4", "modern")}
