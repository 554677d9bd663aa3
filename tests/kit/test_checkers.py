"""Public checkers find nothing in kits that checker_findings.yaml does not explain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import test_server_run
import yaml
from checkers import CHECKERS, FINDINGS, Bench, explained

from advisor.decision.advisor import Advisor
from advisor.kit.model import KitContext

pytestmark = pytest.mark.programs

kit = test_server_run.kit  # fixture


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_finding_is_explained_and_every_explanation_applies(
    advisor: Advisor, kit: Callable[..., KitContext], tmp_path: Path, checker: str
) -> None:
    found = CHECKERS[checker](Bench(advisor, kit, tmp_path))
    known = explained(checker)
    assert sorted(found - known.keys()) == [], "no explanation in checker_findings.yaml"
    assert sorted(known.keys() - found) == [], "the checker no longer reports this"
    assert all(len(because.split()) > 5 for because in known.values())


def test_the_explanations_belong_to_checkers() -> None:
    assert set(yaml.safe_load(FINDINGS.read_text())) == set(CHECKERS)
