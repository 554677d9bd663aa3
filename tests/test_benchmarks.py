"""The requirements that the benchmarks draw are valid."""

from __future__ import annotations

from advisor.decision.advisor import Advisor
from advisor.requirements.reader import SourceDocument
from advisor.requirements.validate import validate
from benchmarks.requirements import draw


def test_drawn_requirements_are_valid_and_differ(advisor: Advisor) -> None:
    drawn = [validate(SourceDocument("drawn", data, {}), advisor.space) for data in draw(advisor, 40)]
    assert len({advisor.core(requirements) for requirements in drawn}) > 3
    assert all(len(requirements.stated) > 20 for requirements in drawn)
