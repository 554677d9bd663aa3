"""The expected behaviour of a kit besides the feature table: the data and the prediction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.decision.checks.conduct import conduct as faults
from advisor.knowledge import Knowledge
from advisor.knowledge.conduct import Conduct, ConductCase, gist, measured
from advisor.lab.testserver.execution_log import Endings
from advisor.lab.verify.conduct import Foresight, TierEra, foresight, places
from advisor.lab.verify.preparation import Preparation, prepare
from advisor.requirements import load_path

EXAMPLES = Path(__file__).parents[2] / "examples"


def foreseen(advisor: Advisor, name: str, **options: Any) -> tuple[Preparation, Foresight]:
    prepared = prepare(load_path(EXAMPLES / f"{name}.yaml", advisor.space), advisor, **options)
    return prepared, foresight(prepared, advisor)


def test_the_prediction_for_a_release_is_its_measurement(advisor: Advisor) -> None:
    prepared, seer = foreseen(advisor, "pattern-3-sticky-fleet")
    assert places(prepared.cells) == [TierEra(None, "legacy"), TierEra(None, "modern")]
    assert seer.of(TierEra(None, "legacy"), "DELETE") == ("HTTP 200",)
    assert seer.of(TierEra(None, "legacy"), "GET") == ("HTTP 200",)
    assert seer.of(TierEra(None, "modern"), "DELETE") == ("HTTP 405",)
    assert seer.of(TierEra(None, "modern"), "cancellation") == ("the tool was stopped",)
    assert seer.of(TierEra(None, "legacy"), "nobody has tried this") == ()


def test_tiers_have_their_own_flags(advisor: Advisor) -> None:
    _, seer = foreseen(advisor, "customer-service-agent")
    assert seer.of(TierEra("stateless", "legacy"), "DELETE") == ("HTTP 405",)
    assert seer.of(TierEra("stateful", "legacy"), "DELETE") == ("HTTP 200",)


def test_a_kit_refuses_requests_that_a_bare_server_accepts(advisor: Advisor) -> None:
    _, seer = foreseen(advisor, "pattern-2-stateless-fleet")
    rows = {package.package: package.behaviour for package in advisor.knowledge.capabilities}
    bare = ConductCase("GET", "legacy", True, True, "other")
    assert gist(measured(bare, "2.3.0", rows["mcp"]) or "") == "HTTP 200"
    assert seer.of(TierEra(None, "legacy"), "GET") == ("HTTP 405",)
    host = ConductCase("foreign Host", "legacy", True, False, "nginx")
    assert gist(measured(host, "2.14.7", rows["fastmcp"]) or "") == "HTTP 200"
    fastmcp = replace(seer, version="2.14.7", rows=rows["fastmcp"])
    assert fastmcp.of(TierEra(None, "legacy"), "foreign Host") == ("HTTP 421",)


def test_a_new_session_directory_can_answer_503_with_retry_after(advisor: Advisor) -> None:
    _, seer = foreseen(advisor, "exercise-2-team-document")
    assert seer.of(TierEra(None, "legacy"), "unknown session") == ("HTTP 404", "HTTP 503")
    assert seer.of(TierEra(None, "modern"), "unknown session") == ("HTTP 200",)


def test_behaviour_without_a_measurement_is_not_predicted(advisor: Advisor) -> None:
    _, seer = foreseen(advisor, "pattern-3-sticky-fleet")
    unmeasured = replace(seer, rows=[])
    assert unmeasured.of(TierEra(None, "legacy"), "DELETE") == ()
    assert unmeasured.of(TierEra(None, "legacy"), "foreign Origin") == ("HTTP 403",)


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"behaviours": ["singing"]}, "dead", "'singing' has no measurement"),
        ({"behaviours": ["GET"], "eras": ["modern"]}, "dead", "has no measurement for modern clients"),
        ({"behaviours": ["foreign Host"]}, "shadowed", "earlier entries apply to all cases of this entry"),
        (
            {"behaviours": ["DELETE"], "sessions": ["none"], "seen": "HTTP 405: no"},
            "dead",
            "already behave in this way",
        ),
        ({"sources": []}, "source", "no source"),
        ({"sources": ["hearsay"]}, "source", "'hearsay' does not exist"),
    ],
)
def test_an_entry_that_never_applies_is_a_fault(
    knowledge: Knowledge, changes: dict[str, Any], kind: str, said: str
) -> None:
    sound = Conduct("added", ["DELETE"], "HTTP 418", "tea", ["measured-host-check"])
    assert faults(replace(knowledge, conduct=[*knowledge.conduct, sound])) == []
    found = faults(replace(knowledge, conduct=[*knowledge.conduct, replace(sound, **changes)]))
    assert any((fault.id, fault.key) == (kind, "added") and said in fault.message for fault in found), found


def test_how_a_call_ended_is_known_to_every_instance(tmp_path: Path) -> None:
    here, there, alone = Endings(str(tmp_path)), Endings(str(tmp_path)), Endings()
    here.note("token1", "running")
    assert there.read("token1") == "running"
    there.note("token1", "cancelled")
    assert here.read("token1") == "cancelled"
    assert (here.read("token2"), alone.read("token1")) == ("unknown", "unknown")
    alone.note("token1", "finished")
    assert alone.read("token1") == "finished"


def test_a_token_is_never_used_as_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    endings = Endings(str(folder))
    endings.note("../escaped", "finished")
    assert endings.read("../escaped") == "finished"
    assert list(tmp_path.rglob("*")) == [folder]
